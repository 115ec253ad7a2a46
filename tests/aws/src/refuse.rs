//! A server that gives every request the same refusal.

use std::io::{self, BufReader, Write};
use std::net::SocketAddr;

use crate::http::{listen, read_request, refusal};

/// What is answered.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    /// Such as `403 Forbidden`.
    pub status: &'static str,
    /// Such as `AccessDenied`.
    pub code: &'static str,
    /// What S3 would say.
    pub message: &'static str,
    /// Header lines, each with its `\r\n`.
    pub headers: &'static str,
}

/// A running server, as long as the process lives.
pub struct Refuser {
    address: SocketAddr,
}

impl Refuser {
    /// Begins to refuse.
    ///
    /// # Errors
    /// When the system gives no port.
    pub fn start(answer: Refusal) -> io::Result<Self> {
        let address = listen(move |stream| {
            let mut stream = BufReader::new(stream);
            if let Some(request) = read_request(&mut stream)? {
                let text = refusal(answer.status, answer.code, answer.message, answer.headers);
                let head = text.find("\r\n\r\n").map_or(text.len(), |at| at + 4);
                // An answer to HEAD has no body.
                let end = if request.method() == "HEAD" { head } else { text.len() };
                stream.get_mut().write_all(&text.as_bytes()[..end])?;
            }
            Ok(())
        })?;
        Ok(Self { address })
    }

    /// Where it listens, as `--endpoint-url` takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}
