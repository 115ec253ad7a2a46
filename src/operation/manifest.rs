//! A manifest of a plan, as far as its job depends on it.

use crate::diagnostic::parameter::{ParameterName, SPLIT_BY};
use std::collections::BTreeMap;

use super::check::{Refusal, refusal};
use super::class;

/// API, `JobManifestFieldName`: the column of versions.
const VERSION_ID: &str = "VersionId";

/// The folder of the manifests in a plan's own.
pub(super) const MANIFESTS: &str = "manifests";

/// A manifest of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedManifest {
    /// Its file, relative to the plan.
    pub path: String,
    /// The bucket of its objects.
    pub bucket: String,
    /// `Bucket`, `Key` and perhaps `VersionId`.
    pub columns: Vec<String>,
    /// Column and value that all its rows share.
    pub split: BTreeMap<String, Option<String>>,
    /// The file's length.
    pub bytes: u64,
    /// The file's CRC-64/NVME, as S3 shows it.
    pub crc64nvme: String,
}

impl PlannedManifest {
    /// The storage class of all its objects, which `flag` and `value` depend on.
    pub(super) fn storage_class(
        &self,
        parameter: ParameterName,
        value: &str,
        authority: &'static str,
    ) -> Result<&str, Refusal> {
        class::shared(&self.split).ok_or_else(|| {
            let rule = format!("{} is not of one storage class, which it depends on", self.path);
            let remedy = format!("make the plan again, with {SPLIT_BY} StorageClass");
            refusal(parameter, value, rule, authority, remedy)
        })
    }

    /// Whether each row names a version.
    #[must_use]
    pub(crate) fn has_version_ids(&self) -> bool {
        self.columns.iter().any(|name| name == VERSION_ID)
    }

    /// What tells its file from any other: the same manifest of the same plan makes the same job.
    pub(super) fn identity(&self) -> (&str, u64, &str) {
        (&self.path, self.bytes, &self.crc64nvme)
    }

    /// Its file's path below the plan's folder in the manifest bucket: in a plan that was merged of
    /// parts, which have a folder of manifests each, the whole path.
    pub(super) fn name(&self) -> &str {
        match self.path.split_once('/') {
            Some((MANIFESTS, name)) => name,
            _ => &self.path,
        }
    }

    /// Whether it lies in the folder of a part.
    pub(super) fn is_of_part(&self) -> bool {
        self.name() == self.path
    }
}
