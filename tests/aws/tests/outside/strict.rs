//! Signatures and times that the server checks: exit code 4, one clear message, and no secret in
//! it. Of the servers here only radosgw does; with others `tests/servers/run.py` leaves these out.

use std::process::Command;

use ground::{ACCESS_KEY, SECRET_KEY};

use crate::buckets::{data_file, program_with_keys};
use crate::fixture::Run;
use crate::outside::Outside;

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn wrong_credentials_are_told_and_not_shown() {
    let outside = Outside::new("wrong");
    let manifest = outside.report("", "2026-01-02T00-00Z", &[data_file(0, 10)]);
    let secret = "another-secret-of-mine-nobody-shall-see";
    for (variable, value) in [("AWS_SECRET_ACCESS_KEY", secret), ("AWS_ACCESS_KEY_ID", "AKNOWN")] {
        for arguments in [["count", &outside.at(&manifest)], ["count", &outside.at("demo")]] {
            let mut command = program_with_keys();
            command.env(variable, value).args(arguments);
            command.args(["--endpoint-url", &outside.endpoint]);
            let told =
                Run::of(command).expect(4).says(&["does not accept the credentials"]).stderr();
            assert_eq!(told.lines().count(), 1, "{told}");
            assert!(!told.contains(secret) && !told.contains(SECRET_KEY), "{told}");
        }
    }
}

#[test]
#[ignore = "needs a server: see CONTRIBUTING.md"]
fn a_wrong_clock_is_told() {
    let outside = Outside::new("clock");
    let manifest = outside.report("", "2026-01-02T00-00Z", &[data_file(0, 10)]);
    let mut command = Command::new("faketime");
    command
        .args(["-f", "-2h", program_with_keys().get_program().to_str().unwrap()])
        .args(["count", &outside.at(&manifest), "--endpoint-url", &outside.endpoint])
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        // Only the time of day is wrong: waits last as long as they do.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Run::of(command).expect(4).says(&["clock is more than 15 minutes wrong"]);
}
