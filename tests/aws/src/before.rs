//! A proxy that tells of each request before the server gets it: whoever waits for the right moment
//! acts in it, and the request goes on when that is done.

use std::io::{self, BufReader, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::http::{listen, read_request};
use crate::proxy::passed_on;

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
    pub fn start<F>(upstream: SocketAddr, before: F) -> io::Result<Self>
    where
        F: Fn(&str) + Send + Sync + 'static,
    {
        let before = Arc::new(before);
        let address = listen(move |stream| {
            let mut stream = BufReader::new(stream);
            let Some(request) = read_request(&mut stream)? else { return Ok(()) };
            before(&request.lines[0]);
            let answer = passed_on(&request, upstream)?;
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
