//! A proxy that does harm: by seed, it refuses, cuts, slows down and falsifies answers.
//!
//! What becomes of a request depends on the seed and the request's number alone, so that the same
//! seed does the same mischief to a client that asks in the same order.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::http::{Request, listen, read_request, refusal};

/// Pieces that a slow answer comes in, and how long each takes.
const SLOW_PIECES: usize = 8;
const SLOW_PAUSE: Duration = Duration::from_millis(10);

/// What may be done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    InternalError,
    SlowDown,
    /// The connection ends before an answer.
    Reset,
    /// The body ends early.
    Cut,
    /// The body comes in pieces, with pauses.
    Slow,
    /// The head promises more than comes.
    TooLong,
    /// The head promises less than was asked for, and so much comes.
    TooShort,
}

const FAULTS: [Fault; 7] = [
    Fault::InternalError,
    Fault::SlowDown,
    Fault::Reset,
    Fault::Cut,
    Fault::Slow,
    Fault::TooLong,
    Fault::TooShort,
];

/// How much harm is done.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Which harm comes when.
    pub seed: u64,
    /// Requests of a hundred that harm is done to.
    pub percent: u64,
    /// Whether no request is served any more.
    pub only_errors: bool,
}

/// A running proxy, as long as the process lives.
pub struct FaultProxy {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    harmed: Arc<AtomicU64>,
}

impl FaultProxy {
    /// Stands before the server at `upstream`.
    ///
    /// # Errors
    /// When the system gives no port.
    pub fn start(upstream: SocketAddr, faults: Faults) -> io::Result<Self> {
        let (requests, harmed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counters = (Arc::clone(&requests), Arc::clone(&harmed));
        let address = listen(move |stream| {
            let mut stream = BufReader::new(stream);
            let number = counters.0.fetch_add(1, Ordering::Relaxed);
            let fault = faults.of(number);
            if fault != Fault::Nothing {
                counters.1.fetch_add(1, Ordering::Relaxed);
            }
            serve(&mut stream, upstream, fault)
        })?;
        Ok(Self { address, requests, harmed })
    }

    /// Where it listens, as `--endpoint-url` takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests came so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many of them harm was done to.
    #[must_use]
    pub fn harmed(&self) -> u64 {
        self.harmed.load(Ordering::Relaxed)
    }
}

impl Faults {
    fn of(self, number: u64) -> Fault {
        let random = mixed(self.seed ^ mixed(number));
        if self.only_errors {
            return Fault::SlowDown;
        }
        if random % 100 >= self.percent {
            return Fault::Nothing;
        }
        FAULTS[(random / 100) as usize % FAULTS.len()]
    }
}

/// The mixing function of `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One request of a connection; every answer ends its connection.
fn serve(stream: &mut BufReader<TcpStream>, upstream: SocketAddr, fault: Fault) -> io::Result<()> {
    if fault == Fault::Reset {
        // What was not read makes the system reset the connection.
        return Ok(());
    }
    let Some(request) = read_request(stream)? else { return Ok(()) };
    let client = stream.get_mut();
    match fault {
        Fault::InternalError => {
            let text = refusal("500 Internal Server Error", "InternalError", "We failed.", "");
            return client.write_all(text.as_bytes());
        }
        Fault::SlowDown => {
            let text = refusal("503 Slow Down", "SlowDown", "Reduce your request rate.", "");
            return client.write_all(text.as_bytes());
        }
        _ => {}
    }
    let answer = passed_on(&request, upstream)?;
    let head_end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    let (head, body) = answer.split_at(head_end);
    // Only what is read can come short in a way that a reader must see.
    let harmless = request.method() != "GET" || body.len() < 2;
    match fault {
        Fault::Cut if !harmless => {
            client.write_all(head)?;
            client.write_all(&body[..body.len() / 2])
        }
        Fault::Slow => {
            client.write_all(head)?;
            for piece in body.chunks(body.len().div_ceil(SLOW_PIECES).max(1)) {
                client.write_all(piece)?;
                thread::sleep(SLOW_PAUSE);
            }
            Ok(())
        }
        Fault::TooLong if !harmless => {
            client.write_all(with_length(head, body.len() + 1_000).as_bytes())?;
            client.write_all(body)
        }
        Fault::TooShort if !harmless && request.header("range").is_some() => {
            client.write_all(with_length(head, body.len() / 3).as_bytes())?;
            client.write_all(&body[..body.len() / 3])
        }
        _ => client.write_all(&answer),
    }
}

/// The server's whole answer.
fn passed_on(request: &Request, upstream: SocketAddr) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream)?;
    let lines = request.lines.iter();
    let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut head: String = kept.map(|line| format!("{line}\r\n")).collect();
    head.push_str("connection: close\r\n\r\n");
    server.write_all(head.as_bytes())?;
    server.write_all(&request.body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A head that promises another length.
fn with_length(head: &[u8], length: usize) -> String {
    let text = String::from_utf8_lossy(head);
    let lines = text.trim_end().lines();
    let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let head: String = kept.map(|line| format!("{line}\r\n")).collect();
    format!("{head}content-length: {length}\r\n\r\n")
}
