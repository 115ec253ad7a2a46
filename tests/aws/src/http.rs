//! As much of HTTP/1.1 as the servers here need: whole requests, read from a connection.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A request's head at most; longer ones are a mistake.
const HEAD_BYTES_MAX: u64 = 64 << 10;

/// A request.
pub struct Request {
    /// The request line and the header lines, without the blank line.
    pub(crate) lines: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header, whose name is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// `GET`, `PUT`, ...
    #[must_use]
    pub fn method(&self) -> &str {
        self.lines[0].split(' ').next().unwrap_or_default()
    }

    /// What is asked for.
    #[must_use]
    pub fn target(&self) -> &str {
        self.lines[0].split(' ').nth(1).unwrap_or_default()
    }

    /// The bytes that it sends.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The region that it was signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        let scope = self.header("authorization").and_then(|text| text.split("Credential=").nth(1));
        scope.and_then(|scope| scope.split('/').nth(2)).unwrap_or_default()
    }
}

/// Calls `serve` for every connection, each on a thread of its own, as long as the process lives.
pub(crate) fn listen<F>(serve: F) -> io::Result<SocketAddr>
where
    F: Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            // A client that goes away is no concern of the server's.
            thread::spawn(move || serve(stream));
        }
    });
    Ok(address)
}

/// The next request of a connection; none at its end.
pub(crate) fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.by_ref().take(HEAD_BYTES_MAX).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let mut request = Request { lines, body: Vec::new() };
    if request.header("expect").is_some() {
        io::Write::write_all(stream.get_mut(), b"HTTP/1.1 100 Continue\r\n\r\n")?;
        request.lines.retain(|line| !line.to_ascii_lowercase().starts_with("expect:"));
    }
    let length = request.header("content-length").and_then(|value| value.parse().ok());
    request.body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut request.body)?;
    Ok(Some(request))
}

/// An answer that S3 gives when it refuses.
pub(crate) fn refusal(status: &str, code: &str, message: &str, headers: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>{message}</Message><RequestId>0000</RequestId></Error>"
    );
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/xml\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
