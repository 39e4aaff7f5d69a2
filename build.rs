//! Embeds the page: what lies in `src/web/` goes into the binary, as it is and compressed.
//!
//! Compressed here and not by the server, so that a request costs it nothing, and by nothing but
//! cargo, so that `cargo build` is all there is to do.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// What is embedded, and what it is called on the wire.
const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("webmanifest", "application/manifest+json"),
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src/web");
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let mut table = String::from("&[\n");
    for mut path in files(&root.join("src/web"))? {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let Some((_, mime)) = TYPES.iter().find(|(known, _)| Some(*known) == extension) else {
            continue;
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut bytes = fs::read(&path)?;
        if extension == Some("js") {
            bytes = without_comments(&bytes);
            // What is served is this, and not the file.
            let script = out.join(&name);
            fs::write(&script, &bytes)?;
            path = script;
        }
        let small = out.join(format!("{name}.gz"));
        fs::write(&small, compressed(&bytes)?)?;
        let mut hash = String::new();
        for byte in Sha256::digest(&bytes).iter().take(16) {
            let _ = write!(hash, "{byte:02x}");
        }
        let (path, small) = (path.to_string_lossy(), small.to_string_lossy());
        // The compressed body is another representation, so it has a tag of its own.
        let _ = writeln!(
            table,
            "    Asset {{ path: {:?}, mime: {mime:?}, \
             plain: Body {{ bytes: include_bytes!({path:?}), etag: {:?} }}, \
             gzip: Body {{ bytes: include_bytes!({small:?}), etag: {:?} }} }},",
            format!("/{name}"),
            format!("\"{hash}\""),
            format!("\"{hash}-gz\""),
        );
    }
    table.push_str("]\n");
    fs::write(out.join("assets.rs"), table)
}

/// The files of a folder, in an order that does not depend on the machine. None if it is not there.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A script as it is sent. Comments are for those who read the source, and a quarter of all bytes:
/// lines that are nothing else become empty ones, so that an error still names the right line.
fn without_comments(script: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(script.len());
    let mut in_block = false;
    for line in script.split_inclusive(|&byte| byte == b'\n') {
        let text = line.trim_ascii();
        let opens = text.starts_with(b"/*");
        if in_block || opens || text.starts_with(b"//") {
            kept.push(b'\n');
            in_block = (in_block || opens) && !text.ends_with(b"*/");
        } else {
            // Inside of one, a line that only looks like a comment would be left out.
            let whole = text.split(|&byte| byte == b'`').count() % 2 == 1;
            assert!(whole, "a template literal of several lines: {}", line.escape_ascii());
            kept.extend_from_slice(line);
        }
    }
    kept
}

/// With no name or time in it: the same bytes always become the same.
fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
