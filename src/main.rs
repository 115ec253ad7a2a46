//! The `s3sieve` program. All it does is in the library's `cli` layer.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3sieve::internal::main()
}
