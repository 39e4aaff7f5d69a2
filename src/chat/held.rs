//! Frames that are held for somebody, and how many bytes all of them are together.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes of all frames that are held, each counted once, however many hold it.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    /// How many bytes are held.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A frame's JSON in a buffer that all its recipients share, with the newline that ends it for
/// most of them. It is counted as long as anybody holds it.
#[derive(Debug)]
pub struct Held {
    line: Vec<u8>,
    gauge: Gauge,
}

impl Held {
    /// Holds a frame.
    pub fn new(mut json: Vec<u8>, gauge: &Gauge) -> Arc<Self> {
        json.push(b'\n');
        gauge.0.fetch_add(json.len(), Ordering::Relaxed);
        Arc::new(Self { line: json, gauge: gauge.clone() })
    }

    /// The JSON and a newline.
    pub fn line(&self) -> &[u8] {
        &self.line
    }
}

/// The JSON alone.
impl Deref for Held {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.line[..self.line.len() - 1]
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.line.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_once_and_until_nobody_holds_it() {
        let gauge = Gauge::default();
        let held = Held::new(b"{}".to_vec(), &gauge);
        let other = Arc::clone(&held);
        assert_eq!(
            (gauge.bytes(), &held[..], held.line()),
            (3, b"{}".as_slice(), b"{}\n".as_slice())
        );
        drop(held);
        assert_eq!(gauge.bytes(), 3);
        drop(other);
        assert_eq!(gauge.bytes(), 0);
    }
}
