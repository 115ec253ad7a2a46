//! A server that only sends what files hold, by ranges, at the least cost to this machine's
//! processors: what is left of a transfer when the server is elsewhere.
//!
//! It checks no signature and knows GET and HEAD alone. For benchmarks.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use crate::http::{Request, listen, read_request, refusal};

/// A running server, as long as the process lives.
pub struct BareServer {
    address: SocketAddr,
}

impl BareServer {
    /// Serves the files below `root`.
    ///
    /// # Errors
    /// When the folder is not there, or the system gives no port.
    pub fn start(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        Ok(Self { address: listen(move |stream| serve(&root, stream))? })
    }

    /// Where it listens, as `--endpoint-url` takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(root: &Path, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        answer(root, &request, stream.get_mut())?;
    }
    Ok(())
}

fn answer(root: &Path, request: &Request, stream: &mut TcpStream) -> io::Result<()> {
    let path = request.target().split('?').next().unwrap_or_default();
    let path: PathBuf = root.join(path.trim_start_matches('/'));
    let inside = path.canonicalize().is_ok_and(|path| path.starts_with(root) && path.is_file());
    if !inside {
        let text = refusal("404 Not Found", "NoSuchKey", "The specified key does not exist.", "");
        return stream.write_all(text.as_bytes());
    }
    let length = fs::metadata(&path)?.len();
    let range = request.header("range").and_then(|text| parse_range(text, length));
    let (start, end) = range.unwrap_or((0, length));
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\netag: \"{length:x}\"\r\ncontent-length: {}\r\n\
         content-range: bytes {start}-{}/{length}\r\n\r\n",
        end - start,
        end.saturating_sub(1),
    )?;
    if request.method() == "HEAD" {
        return Ok(());
    }
    let mut file = File::open(&path)?;
    file.seek(SeekFrom::Start(start))?;
    // On Linux the kernel passes the bytes on by itself.
    io::copy(&mut file.take(end - start), stream).map(drop)
}

/// `bytes=START-END`, as the first byte and the one behind the last.
fn parse_range(text: &str, length: u64) -> Option<(u64, u64)> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let end: u64 = end.parse().ok()?;
    let start: u64 = start.parse().ok()?;
    (start < length).then(|| (start, length.min(end + 1)))
}
