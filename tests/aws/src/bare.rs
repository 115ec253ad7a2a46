//! A server that only sends what files hold, by ranges, at the least cost to this machine's
//! processors: what is left of a transfer when the server is elsewhere.
//!
//! It checks no signature and knows GET and HEAD alone. An object's `ETag` is the MD5 of its bytes,
//! as S3 has it, taken when the object is asked for first and not again. For benchmarks, and for
//! tests that change an object behind its `ETag`. It can be as slow to answer as a server that is
//! far away, and give a connection no more than a bandwidth.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

use crate::http::{Request, listen, read_request, refusal};

/// What is sent between two looks at the clock where the bandwidth is limited: half a millisecond
/// at 1 Gbit/s, so that data comes evenly.
const PIECE_BYTES: u64 = 64 << 10;

/// How far away the server seems to be; by default it is here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distance {
    /// Before each answer.
    pub delay: Duration,
    /// At most, of each connection.
    pub bytes_per_second: Option<NonZeroU64>,
}

/// A running server, as long as the process lives.
pub struct BareServer {
    address: SocketAddr,
    objects: Arc<Objects>,
}

impl BareServer {
    /// Serves the files below `root`.
    ///
    /// # Errors
    /// When the folder is not there, or the system gives no port.
    pub fn start(root: &Path) -> io::Result<Self> {
        Self::serving(root, "", Distance::default())
    }

    /// The same, as from a distance.
    ///
    /// # Errors
    /// As for [`BareServer::start`].
    pub fn start_at(root: &Path, distance: Distance) -> io::Result<Self> {
        Self::serving(root, "", distance)
    }

    /// The same, with `ETag`s as of objects that were sent in two parts: they are not the MD5.
    ///
    /// # Errors
    /// As for [`BareServer::start`].
    pub fn start_in_parts(root: &Path) -> io::Result<Self> {
        Self::serving(root, "-2", Distance::default())
    }

    fn serving(root: &Path, etag_end: &'static str, distance: Distance) -> io::Result<Self> {
        let objects = Arc::new(Objects {
            root: root.canonicalize()?,
            etag_end,
            etags: Mutex::default(),
            bytes_served: AtomicU64::new(0),
        });
        let served = Arc::clone(&objects);
        Ok(Self { address: listen(move |stream| serve(&served, distance, stream))?, objects })
    }

    /// Bytes of objects that were asked for and served so far.
    #[must_use]
    pub fn bytes_served(&self) -> u64 {
        self.objects.bytes_served.load(Ordering::Relaxed)
    }

    /// Where it listens, as `--endpoint-url` takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

struct Objects {
    root: PathBuf,
    etag_end: &'static str,
    etags: Mutex<HashMap<PathBuf, String>>,
    bytes_served: AtomicU64,
}

impl Objects {
    fn etag(&self, path: &Path) -> io::Result<String> {
        let mut etags = self.etags.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(etag) = etags.get(path) {
            return Ok(etag.clone());
        }
        let digest = Md5::digest(fs::read(path)?);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = hex + self.etag_end;
        etags.insert(path.to_owned(), etag.clone());
        Ok(etag)
    }
}

fn serve(objects: &Objects, distance: Distance, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        thread::sleep(distance.delay);
        answer(objects, distance, &request, stream.get_mut())?;
    }
    Ok(())
}

fn answer(
    objects: &Objects,
    distance: Distance,
    request: &Request,
    stream: &mut TcpStream,
) -> io::Result<()> {
    let path = request.target().split('?').next().unwrap_or_default();
    let path: PathBuf = objects.root.join(path.trim_start_matches('/'));
    let is_inside = |path: PathBuf| path.starts_with(&objects.root) && path.is_file();
    let inside = path.canonicalize().is_ok_and(is_inside);
    if !inside {
        let text = refusal("404 Not Found", "NoSuchKey", "The specified key does not exist.", "");
        return stream.write_all(text.as_bytes());
    }
    let length = fs::metadata(&path)?.len();
    let etag = objects.etag(&path)?;
    let range = request.header("range").and_then(|text| parse_range(text, length));
    let (start, end) = range.unwrap_or((0, length));
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\netag: \"{etag}\"\r\ncontent-length: {}\r\n\
         content-range: bytes {start}-{}/{length}\r\n\r\n",
        end - start,
        end.saturating_sub(1),
    )?;
    if request.method() == "HEAD" {
        return Ok(());
    }
    let mut file = File::open(&path)?;
    file.seek(SeekFrom::Start(start))?;
    // Counted before the client can have got them and ended.
    objects.bytes_served.fetch_add(end - start, Ordering::Relaxed);
    send(file.take(end - start), distance.bytes_per_second, stream)
}

/// On Linux the kernel passes the bytes on by itself.
fn send(
    mut bytes: io::Take<File>,
    bytes_per_second: Option<NonZeroU64>,
    stream: &mut TcpStream,
) -> io::Result<()> {
    let Some(rate) = bytes_per_second else {
        return io::copy(&mut bytes, stream).map(drop);
    };
    // From the start, not from the piece before: a sleep that lasts too long is made up for.
    let (begun, mut sent) = (Instant::now(), 0);
    loop {
        let piece = io::copy(&mut bytes.by_ref().take(PIECE_BYTES), stream)?;
        if piece == 0 {
            return Ok(());
        }
        sent += piece;
        let due = Duration::from_nanos(sent.saturating_mul(1_000_000_000) / rate);
        thread::sleep(due.saturating_sub(begun.elapsed()));
    }
}

/// `bytes=START-END`, as the first byte and the one behind the last.
fn parse_range(text: &str, length: u64) -> Option<(u64, u64)> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let end: u64 = end.parse().ok()?;
    let start: u64 = start.parse().ok()?;
    (start < length).then(|| (start, length.min(end + 1)))
}
