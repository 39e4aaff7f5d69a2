//! The page's files, as `build.rs` found them in `src/web/`.

/// One file.
#[derive(Debug)]
pub(super) struct Asset {
    /// Where it is asked for.
    pub(super) path: &'static str,
    /// What it is.
    pub(super) mime: &'static str,
    /// As it is.
    pub(super) plain: Body,
    /// Compressed with gzip.
    pub(super) gzip: Body,
}

/// Its bytes in one form, and the name of that form.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: &'static [u8],
    /// A strong validator (RFC 9110, section 8.8.3), with its quotes.
    pub(super) etag: &'static str,
}

/// All of them.
const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file at a path. `/` is the page itself.
pub(super) fn asset(path: &str) -> Option<&'static Asset> {
    let path = if path == "/" { "/index.html" } else { path };
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a first visit may cost, over whatever line.
    const PAGE_BYTES_MAX: usize = 60_000;

    #[test]
    fn the_whole_page_is_small() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.gzip.bytes.len()).sum();
        assert!(bytes <= PAGE_BYTES_MAX, "the page is {bytes} bytes, compressed");
    }

    #[test]
    fn scripts_are_sent_without_their_comments_and_with_all_their_lines() {
        let source = include_str!("../web/store.js");
        let sent = str::from_utf8(asset("/store.js").unwrap().plain.bytes).unwrap();
        assert!(source.starts_with("//") && !sent.contains("// "));
        assert_eq!(sent.lines().count(), source.lines().count());
        let lines = source.lines().zip(sent.lines());
        assert!(lines.filter(|(source, _)| source.contains("class ")).all(|(a, b)| a == b));
    }
}
