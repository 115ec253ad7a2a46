//! The `s3sieve` program, built along with the tests that drive it.

use std::process::ExitCode;

fn main() -> ExitCode {
    s3sieve::internal::main()
}
