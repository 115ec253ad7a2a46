//! Runs of the program that ask the test before each step that they take on disk, and go on, fail
//! or end there as the test says.
//!
//! A step is a call that changes files in a folder, the *ground*, or opens or locks them there.
//! `preload.rs` is loaded into the program and does the asking. Only Linux with glibc lets it; what
//! it shows holds elsewhere, too, for the program's steps are the same.

pub(crate) mod harm;
// No part of any crate: it stands here to be formatted with the rest.
#[cfg(false)]
mod preload;
pub(crate) mod scene;
pub(crate) mod schedule;

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use crate::fixture::Run;

/// Something that a run is about to do on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What is called: `create` is an opening that writes, `open` any other.
    pub kind: String,
    /// Below the ground. A rename has two.
    pub paths: Vec<String>,
}

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Go,
    /// The run is killed before it.
    Die,
    /// The run is killed when half of the bytes were written.
    DieHalfway,
    /// It fails with this error number.
    Fail(u8),
    /// Half of the bytes are written, and that is said.
    Shorten,
}

impl Step {
    /// Whether it takes no room on disk.
    pub(crate) fn is_harmless(&self) -> bool {
        ["unlink", "rmdir", "open", "lock", "truncate"].contains(&&*self.kind)
    }
}

/// Error numbers of Linux.
pub(crate) const EINTR: u8 = 4;
pub(crate) const EIO: u8 = 5;
pub(crate) const EMFILE: u8 = 24;
pub(crate) const ENOSPC: u8 = 28;

/// The library, compiled once for each state of its source.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(crate::REPOSITORY).join("tests/it/steps/preload.rs");
    let mut hasher = DefaultHasher::new();
    fs::read(&source).unwrap().hash(&mut hasher);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = folder.join(format!("steps-{:016x}.so", hasher.finish()));
    if library.exists() {
        return library;
    }
    // Other tests may do the same at the same time: it is there whole, or not at all.
    let partial = folder.join(format!("steps-{}.so", std::process::id()));
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let mut command = Command::new(compiler);
    command.args(["--edition", "2024", "--crate-type", "cdylib", "-D", "warnings"]);
    command.args(["-C", "opt-level=1", "-C", "panic=abort", "-o"]).arg(&partial).arg(&source);
    Run::of(command).expect(0);
    fs::rename(&partial, &library).unwrap();
    library
});

/// Runs a command to its end. `answer` is told each of its steps below `ground`, which must be an
/// absolute path without links, and says what becomes of it.
pub(crate) fn run(
    mut command: Command,
    ground: &Path,
    mut answer: impl FnMut(&Step) -> Answer + Send,
) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    command.env("LD_PRELOAD", &*LIBRARY);
    command.env("S3SIEVE_STEPS_SOCKET", &socket).env("S3SIEVE_STEPS_GROUND", ground);
    thread::scope(|scope| {
        scope.spawn(move || {
            for stream in listener.incoming() {
                if !converse(&stream.unwrap(), ground, &mut answer) {
                    return;
                }
            }
        });
        let run = Run::of(command);
        // The listener waits for the run, or for what may come after it: an empty line ends it.
        UnixStream::connect(&socket).unwrap().write_all(b"\n").unwrap();
        run
    })
}

/// Answers until the other side ends; false where it said that it is the last.
fn converse(stream: &UnixStream, ground: &Path, answer: &mut impl FnMut(&Step) -> Answer) -> bool {
    for line in BufReader::new(stream).lines() {
        // A run that is killed ends in the middle of a line at worst.
        let Ok(line) = line else { return true };
        let mut parts = line.split('\t');
        let kind = parts.next().unwrap_or_default().to_owned();
        if kind.is_empty() {
            return false;
        }
        let below = |path: &str| match Path::new(path).strip_prefix(ground) {
            Ok(path) => path.to_str().unwrap().to_owned(),
            Err(_) => path.to_owned(),
        };
        let step = Step { kind, paths: parts.map(below).collect() };
        let bytes = match answer(&step) {
            Answer::Go => [b'g', 0],
            Answer::Die => [b'd', 0],
            Answer::DieHalfway => [b'h', 0],
            Answer::Fail(errno) => [b'f', errno],
            Answer::Shorten => [b's', 0],
        };
        let mut stream = stream;
        if stream.write_all(&bytes).is_err() {
            return true;
        }
    }
    true
}
