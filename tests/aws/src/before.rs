//! A proxy that tells of each request before the server gets it: whoever waits for the right moment
//! acts in it, and says what becomes of the request when that is done.

use std::io::{self, BufReader, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::http::{listen, read_request, refusal};
use crate::proxy::passed_on;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The server gets it, and its answer goes back.
    PassOn,
    /// The server gets it and does it, but its answer is lost: the client is told of an error.
    LoseAnswer,
    /// The server doesn't get it: the client is told of another request in the way.
    Conflict,
    /// The server doesn't get it, and the connection ends.
    Ignore,
}

impl From<()> for Deed {
    fn from((): ()) -> Self {
        Self::PassOn
    }
}

/// A running proxy, as long as the process lives.
pub struct BeforeProxy {
    address: SocketAddr,
}

impl BeforeProxy {
    /// Stands before the server at `upstream`, and calls `before` with each request's line. Calls
    /// come from several threads at once, one for each connection.
    ///
    /// # Errors
    /// When the system gives no port.
    pub fn start<F, D>(upstream: SocketAddr, before: F) -> io::Result<Self>
    where
        F: Fn(&str) -> D + Send + Sync + 'static,
        D: Into<Deed>,
    {
        let before = Arc::new(before);
        let address = listen(move |stream| {
            let mut stream = BufReader::new(stream);
            let Some(request) = read_request(&mut stream)? else { return Ok(()) };
            let answer = match before(&request.lines[0]).into() {
                Deed::PassOn => passed_on(&request, upstream)?,
                Deed::Ignore => return Ok(()),
                Deed::LoseAnswer => {
                    passed_on(&request, upstream)?;
                    refusal("500 Internal Server Error", "InternalError", "We failed.", "").into()
                }
                Deed::Conflict => {
                    let code = "ConditionalRequestConflict";
                    refusal("409 Conflict", code, "Try again.", "").into()
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
