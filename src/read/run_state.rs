//! What the workers of a run share of its data files.

#[cfg(any(feature = "parquet", feature = "orc"))]
use super::columnar::SharedFiles;
use super::md5::Digests;
use super::suspended::SuspendedScans;
use super::{Input, ScanOptions};

/// What the workers of a run share.
pub(crate) struct RunState<'a> {
    pub(super) digests: Digests<'a>,
    pub(super) suspended: SuspendedScans,
    #[cfg(any(feature = "parquet", feature = "orc"))]
    pub(super) files: SharedFiles,
}

impl<'a> RunState<'a> {
    pub(crate) fn new(inputs: &'a [Input], options: ScanOptions) -> Self {
        Self {
            digests: Digests::new(inputs, options),
            suspended: SuspendedScans::default(),
            #[cfg(any(feature = "parquet", feature = "orc"))]
            files: SharedFiles::new(options.threads.get()),
        }
    }
}
