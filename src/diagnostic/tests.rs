//! Every error that comes from another one says its own level only, and hands on its source.

use std::io;

use super::{Diagnostic, chain, explain};
use crate::operation::price::PriceError;
use crate::plan::{PlanError, ReadError, StateError};
use crate::read::{DataError, DataErrorKind, ScanError};
use crate::report::ReportError;
use crate::source::{FolderError, Location};
use crate::synth::SynthError;

/// What lies at the bottom of all of them.
const CAUSE: &str = "the disk is full";

fn cause() -> io::Error {
    io::Error::other(CAUSE)
}

fn json() -> serde_json::Error {
    serde_json::from_reader::<_, u8>(Broken).unwrap_err()
}

struct Broken;

impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(cause())
    }
}

fn data() -> DataError {
    DataError { path: Location::from("a"), kind: DataErrorKind::Read(cause()) }
}

/// Errors of every layer that has some.
fn errors() -> Vec<Box<dyn Diagnostic>> {
    let path = || Location::from("a");
    vec![
        Box::new(FolderError::Io { path: "a".into(), error: cause() }),
        Box::new(ReportError::Io { path: path(), source: cause() }),
        Box::new(data()),
        Box::new(ScanError::Report(ReportError::Io { path: path(), source: cause() })),
        Box::new(ScanError::Data(data())),
        Box::new(ScanError::Spill(cause())),
        Box::new(ScanError::Thread(cause())),
        Box::new(PlanError::Io { path: path(), error: cause() }),
        Box::new(PlanError::Scratch { path: path(), error: cause() }),
        Box::new(PlanError::Scan(ScanError::Data(data()))),
        Box::new(ReadError::Io { path: path(), error: cause() }),
        Box::new(ReadError::Malformed { path: path(), error: json() }),
        Box::new(StateError::Io { path: "a".into(), error: cause() }),
        Box::new(PriceError::Document(json())),
        Box::new(SynthError::Io { path: "a".into(), source: cause() }),
        Box::new(SynthError::Thread(cause())),
        Box::new(SynthError::Folder(FolderError::Io { path: "a".into(), error: cause() })),
    ]
}

#[cfg(not(feature = "aws"))]
fn errors_of_aws() -> Vec<Box<dyn Diagnostic>> {
    Vec::new()
}

#[cfg(feature = "aws")]
fn errors_of_aws() -> Vec<Box<dyn Diagnostic>> {
    use crate::aws::AwsError;
    use crate::jobs::completion::{CompletionError, FetchError};
    use crate::jobs::journal::JournalError;
    use crate::jobs::{
        CallerError, CreateError, RequestsError, RetryError, SubmitError, UploadError,
    };
    use crate::listing::ListingError;

    let path = || Location::from("a");
    let refused = || AwsError::other("look", CAUSE);
    let journal = || JournalError::Io { path: "a".into(), error: cause() };
    vec![
        Box::new(ListingError::Io { path: "a".into(), error: cause() }),
        Box::new(ListingError::Aws { at: path(), error: refused() }),
        Box::new(journal()),
        Box::new(UploadError::Io { path: "a".into(), error: cause() }),
        Box::new(UploadError::Note(journal())),
        Box::new(RequestsError::Io { path: "a".into(), error: cause() }),
        Box::new(CompletionError::Io { path: "a".into(), error: cause() }),
        Box::new(FetchError::Io { path: path(), error: cause() }),
        Box::new(CallerError::Unchecked { account: "a".to_owned(), error: refused() }),
        Box::new(RetryError::Plan(PlanError::Io { path: path(), error: cause() })),
        Box::new(SubmitError::Journal(journal())),
        Box::new(SubmitError::Create {
            manifest: "a".to_owned(),
            error: CreateError::Aws(refused()),
        }),
    ]
}

#[test]
fn a_cause_is_said_once_and_is_the_source() {
    for error in errors().into_iter().chain(errors_of_aws()) {
        let whole = chain(&*error);
        assert_eq!(whole.matches(CAUSE).count(), 1, "{whole}");
        assert!(!error.to_string().contains(CAUSE), "its own text has its cause: {whole}");
        let hint = error.hint().unwrap_or_default();
        assert!(hint.is_empty() || !whole.contains(&hint), "the hint is said twice: {whole}");
        assert!(explain(&*error).ends_with(&hint), "{whole}");
    }
}
