//! `s3-server [--bare [--delay MS] [--rate BYTES]] FOLDER`: an S3 server on this machine, whose
//! buckets are the folders in FOLDER. Prints its address, and runs until its standard input ends.
//!
//! `--bare` only sends what objects hold, at the least cost: what a server elsewhere would cost
//! this machine. `--delay` makes it wait before each answer, `--rate` limits what it sends in a
//! second over each connection (0: not limited): how such a server looks from here.

use std::io::{self, Read, Write};
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

use ground::{BareServer, Distance, Server};

fn main() -> io::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || io::Error::other("usage: s3-server [--bare [--delay MS] [--rate BYTES]] FOLDER");
    let folder = arguments.pop().ok_or_else(usage)?;
    let mut flags = arguments.iter().map(String::as_str);
    let bare = flags.next();
    let mut distance = Distance::default();
    while let Some(flag) = flags.next() {
        let value: u64 = flags.next().and_then(|value| value.parse().ok()).ok_or_else(usage)?;
        match flag {
            "--delay" => distance.delay = Duration::from_millis(value),
            "--rate" => distance.bytes_per_second = NonZeroU64::new(value),
            _ => return Err(usage()),
        }
    }
    let (endpoint, _server);
    match bare {
        Some("--bare") => {
            endpoint = BareServer::start_at(Path::new(&folder), distance)?.endpoint();
        }
        Some(_) => return Err(usage()),
        None => {
            _server = Server::start(Path::new(&folder))?;
            endpoint = _server.endpoint();
        }
    }
    writeln!(io::stdout(), "{endpoint}")?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
