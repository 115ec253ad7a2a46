//! A proxy whose answers a test writes: to each request the test gives an answer of its own, or
//! lets the server behind it answer.

use std::io::{self, BufReader, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::http::{Request, listen, read_request, refusal};
use crate::proxy::passed_on;

/// What becomes of a request.
pub enum Script {
    /// This answer: status, header lines with their `\r\n`, body.
    Answer(&'static str, String, String),
    /// S3's refusal: status, code, header lines with their `\r\n`.
    Refuse(&'static str, &'static str, String),
    /// The server's answer to the same request.
    Pass,
    /// The server's answer to a request for another target.
    PassAs(String),
}

/// A running proxy, as long as the process lives.
pub struct ScriptProxy {
    address: SocketAddr,
}

impl ScriptProxy {
    /// Asks `script` what becomes of each request. Calls come from several threads at once.
    ///
    /// # Errors
    /// When the system gives no port.
    pub fn start<F>(upstream: SocketAddr, script: F) -> io::Result<Self>
    where
        F: Fn(&Request) -> Script + Send + Sync + 'static,
    {
        let script = Arc::new(script);
        let address = listen(move |stream| {
            let mut stream = BufReader::new(stream);
            let Some(mut request) = read_request(&mut stream)? else { return Ok(()) };
            let answer = match script(&request) {
                Script::Pass => passed_on(&request, upstream)?,
                Script::PassAs(target) => {
                    request.lines[0] = format!("{} {target} HTTP/1.1", request.method());
                    passed_on(&request, upstream)?
                }
                Script::Answer(status, headers, body) => {
                    written(&request, status, &headers, &body).into_bytes()
                }
                Script::Refuse(status, code, headers) => {
                    let text = refusal(status, code, "No.", &headers);
                    without_body_of_head(&request, text).into_bytes()
                }
            };
            stream.get_mut().write_all(&answer)
        })?;
        Ok(Self { address })
    }

    /// Where it listens, as `--endpoint-url` takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn written(request: &Request, status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    without_body_of_head(request, text)
}

fn without_body_of_head(request: &Request, mut text: String) -> String {
    if request.method() == "HEAD" {
        let head = text.find("\r\n\r\n").map_or(text.len(), |at| at + 4);
        text.truncate(head);
    }
    text
}
