//! Loaded into the program before its C library: it asks the test before each call that changes
//! files, and takes the call as the answer says.
//!
//! A call is a step if what it names lies in the ground, the folder in `S3SIEVE_STEPS_GROUND`. For
//! each step a line goes to the socket in `S3SIEVE_STEPS_SOCKET`: the kind and the paths, with tabs
//! between them. Two bytes come back: a verb and an error number. So a step can be the last thing
//! that a run does, or fail, or wait until others have done something.
//!
//! The tests compile this file themselves (`mod.rs` beside it): it is no part of any crate, so that
//! it is there whatever cargo was asked to build. It holds for Linux with glibc on 64 bits.

#![expect(unsafe_code, reason = "it is called by the loader in place of the C library")]
#![deny(unsafe_op_in_unsafe_fn)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_uint, c_void};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::abort;
use std::sync::{LazyLock, Mutex};
use std::{env, fs};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
    fn kill(id: c_int, signal: c_int) -> c_int;
    fn getpid() -> c_int;
}

/// Looks a name up in what was loaded after this library.
const NEXT: *mut c_void = usize::MAX as *mut c_void;
/// The current folder, in place of an open one.
const HERE: c_int = -100;
const SIGKILL: c_int = 9;
const WRITES_OR_MAKES: c_int = 0o1 | 0o2 | 0o100 | 0o1000;

/// Where the test is, and what it wants to hear of. None where this program is not to ask.
struct Test {
    ground: PathBuf,
    stream: Mutex<UnixStream>,
}

static TEST: LazyLock<Option<Test>> = LazyLock::new(|| {
    let ground = PathBuf::from(env::var_os("S3SIEVE_STEPS_GROUND")?);
    let stream = UnixStream::connect(env::var_os("S3SIEVE_STEPS_SOCKET")?).ok()?;
    Some(Test { ground, stream: Mutex::new(stream) })
});

/// What is to become of a step.
enum Answer {
    Go,
    /// The run ends before it.
    Die,
    /// The run ends when half of it was done.
    DieHalfway,
    Fail(c_int),
    /// Half of the bytes are written.
    Shorten,
}

/// What a call names.
enum Place {
    Path(c_int, *const c_char),
    Open(c_int),
}

impl Place {
    fn path(&self) -> Option<PathBuf> {
        let of_open = |number: c_int| match number {
            HERE => env::current_dir().ok(),
            _ => fs::read_link(format!("/proc/self/fd/{number}")).ok(),
        };
        match *self {
            // Standard streams are no files of the ground.
            Self::Open(0..=2) => None,
            Self::Open(number) => of_open(number),
            Self::Path(folder, name) => {
                // SAFETY: whoever makes a call hands over a text that ends with a zero.
                let name = unsafe { CStr::from_ptr(name) };
                let name = Path::new(OsStr::from_bytes(name.to_bytes()));
                if name.is_absolute() {
                    Some(name.into())
                } else {
                    Some(of_open(folder)?.join(name))
                }
            }
        }
    }
}

fn ask(kind: &str, places: &[Place]) -> Answer {
    let Some(test) = &*TEST else { return Answer::Go };
    let paths: Option<Vec<PathBuf>> = places.iter().map(Place::path).collect();
    let Some(paths) = paths else { return Answer::Go };
    if !paths.iter().any(|path| path.starts_with(&test.ground)) {
        return Answer::Go;
    }
    let mut line = kind.to_owned();
    for path in paths {
        line += "\t";
        line += &path.to_string_lossy();
    }
    line += "\n";
    let mut answer = [0; 2];
    // One step at a time: a run that waits does so with all of its threads.
    let mut stream = test.stream.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let asked = stream.write_all(line.as_bytes()).and_then(|()| stream.read_exact(&mut answer));
    match (asked, answer) {
        (Ok(()), [b'g', _]) => Answer::Go,
        (Ok(()), [b'd', _]) => Answer::Die,
        (Ok(()), [b'h', _]) => Answer::DieHalfway,
        (Ok(()), [b'f', errno]) => Answer::Fail(errno.into()),
        (Ok(()), [b's', _]) => Answer::Shorten,
        // Without the test there is nothing to be shown.
        _ => abort(),
    }
}

fn die() -> ! {
    // SAFETY: it takes numbers only.
    unsafe { kill(getpid(), SIGKILL) };
    abort()
}

/// Asks about a step, and takes it as it is answered.
fn step<R>(kind: &str, places: &[Place], failed: R, call: impl FnOnce() -> R) -> R {
    take(ask(kind, places), failed, call)
}

/// Takes a step: by `call`, or by giving what says that it failed.
fn take<R>(answer: Answer, failed: R, call: impl FnOnce() -> R) -> R {
    match answer {
        Answer::Go | Answer::Shorten => call(),
        Answer::Die | Answer::DieHalfway => die(),
        Answer::Fail(errno) => {
            // SAFETY: it is this thread's own number.
            unsafe { *__errno_location() = errno };
            failed
        }
    }
}

/// Stands in place of a function of the C library; `real` is that function itself.
macro_rules! stand_in {
    ($name:ident($($argument:ident: $type:ty),*) -> $result:ty, $real:ident, $body:expr) => {
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $type),*) -> $result {
            static NAME: &CStr = match CStr::from_bytes_with_nul(
                concat!(stringify!($name), "\0").as_bytes(),
            ) {
                Ok(name) => name,
                Err(_) => panic!(),
            };
            static REAL: LazyLock<usize> =
                // SAFETY: the name ends with a zero.
                LazyLock::new(|| unsafe { dlsym(NEXT, NAME.as_ptr()) } as usize);
            // SAFETY: the C library's function of this name has this type. Where it takes arguments
            // without number, callers pass them in the same registers.
            let $real: extern "C" fn($($type),*) -> $result = unsafe { std::mem::transmute(*REAL) };
            $body
        }
    };
}

fn kind_of_opening(flags: c_int) -> &'static str {
    if flags & WRITES_OR_MAKES == 0 { "open" } else { "create" }
}

type Text = *const c_char;

stand_in!(open(path: Text, flags: c_int, mode: c_uint) -> c_int, real, {
    step(kind_of_opening(flags), &[Place::Path(HERE, path)], -1, || real(path, flags, mode))
});
stand_in!(open64(path: Text, flags: c_int, mode: c_uint) -> c_int, real, {
    step(kind_of_opening(flags), &[Place::Path(HERE, path)], -1, || real(path, flags, mode))
});
stand_in!(openat(folder: c_int, path: Text, flags: c_int, mode: c_uint) -> c_int, real, {
    let place = [Place::Path(folder, path)];
    step(kind_of_opening(flags), &place, -1, || real(folder, path, flags, mode))
});
stand_in!(openat64(folder: c_int, path: Text, flags: c_int, mode: c_uint) -> c_int, real, {
    let place = [Place::Path(folder, path)];
    step(kind_of_opening(flags), &place, -1, || real(folder, path, flags, mode))
});
stand_in!(opendir(path: Text) -> *mut c_void, real, {
    step("open", &[Place::Path(HERE, path)], std::ptr::null_mut(), || real(path))
});
stand_in!(mkdir(path: Text, mode: c_uint) -> c_int, real, {
    step("mkdir", &[Place::Path(HERE, path)], -1, || real(path, mode))
});
stand_in!(mkdirat(folder: c_int, path: Text, mode: c_uint) -> c_int, real, {
    step("mkdir", &[Place::Path(folder, path)], -1, || real(folder, path, mode))
});
stand_in!(rmdir(path: Text) -> c_int, real, {
    step("rmdir", &[Place::Path(HERE, path)], -1, || real(path))
});
stand_in!(unlink(path: Text) -> c_int, real, {
    step("unlink", &[Place::Path(HERE, path)], -1, || real(path))
});
stand_in!(unlinkat(folder: c_int, path: Text, flags: c_int) -> c_int, real, {
    let kind = if flags == 0 { "unlink" } else { "rmdir" };
    step(kind, &[Place::Path(folder, path)], -1, || real(folder, path, flags))
});
stand_in!(rename(from: Text, to: Text) -> c_int, real, {
    step("rename", &[Place::Path(HERE, from), Place::Path(HERE, to)], -1, || real(from, to))
});
stand_in!(renameat(a: c_int, from: Text, b: c_int, to: Text) -> c_int, real, {
    step("rename", &[Place::Path(a, from), Place::Path(b, to)], -1, || real(a, from, b, to))
});
stand_in!(renameat2(a: c_int, from: Text, b: c_int, to: Text, flags: c_uint) -> c_int, real, {
    let places = [Place::Path(a, from), Place::Path(b, to)];
    step("rename", &places, -1, || real(a, from, b, to, flags))
});
stand_in!(linkat(a: c_int, from: Text, b: c_int, to: Text, flags: c_int) -> c_int, real, {
    let places = [Place::Path(a, from), Place::Path(b, to)];
    step("link", &places, -1, || real(a, from, b, to, flags))
});
stand_in!(fsync(file: c_int) -> c_int, real, {
    step("fsync", &[Place::Open(file)], -1, || real(file))
});
stand_in!(fdatasync(file: c_int) -> c_int, real, {
    step("fsync", &[Place::Open(file)], -1, || real(file))
});
stand_in!(ftruncate64(file: c_int, length: i64) -> c_int, real, {
    step("truncate", &[Place::Open(file)], -1, || real(file, length))
});
stand_in!(flock(file: c_int, operation: c_int) -> c_int, real, {
    step("lock", &[Place::Open(file)], -1, || real(file, operation))
});
stand_in!(write(file: c_int, bytes: *const c_void, count: usize) -> isize, real, {
    match ask("write", &[Place::Open(file)]) {
        Answer::DieHalfway => {
            real(file, bytes, count / 2);
            die()
        }
        Answer::Shorten if count > 1 => real(file, bytes, count / 2),
        answer => take(answer, -1, || real(file, bytes, count)),
    }
});
stand_in!(writev(file: c_int, parts: *const c_void, count: c_int) -> isize, real, {
    step("write", &[Place::Open(file)], -1, || real(file, parts, count))
});
