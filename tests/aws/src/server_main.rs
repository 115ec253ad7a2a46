//! `s3-server [--bare] FOLDER`: an S3 server on this machine, whose buckets are the folders in
//! FOLDER. Prints its address, and runs until its standard input ends.
//!
//! `--bare` only sends what objects hold, at the least cost: what a server elsewhere would cost
//! this machine.

use std::io::{self, Read, Write};
use std::path::Path;

use ground::{BareServer, Server};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (bare, folder) = match arguments.as_slice() {
        [flag, folder] if flag == "--bare" => (true, folder),
        [folder] => (false, folder),
        _ => return Err(io::Error::other("usage: s3-server [--bare] FOLDER")),
    };
    let (endpoint, _server);
    if bare {
        endpoint = BareServer::start(Path::new(folder))?.endpoint();
    } else {
        _server = Server::start(Path::new(folder))?;
        endpoint = _server.endpoint();
    }
    writeln!(io::stdout(), "{endpoint}")?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
