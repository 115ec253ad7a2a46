//! `checksum`: `S3ComputeObjectChecksum`.

use serde_json::{Map, Value};

use super::check::{CheckResult, Refusal, one_of_if_given, required_one_of};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::{Rule, SSE_C};
use super::setting::JobContext;
use super::{Operation, OperationKind};
use crate::diagnostic::parameter::{CHECKSUM_ALGORITHM, CHECKSUM_TYPE};

/// The algorithms (API, `ComputeObjectChecksumAlgorithm`, and `S3ChecksumAlgorithm` of a copy).
pub(super) const ALGORITHMS: [&str; 10] = [
    "CRC32",
    "CRC32C",
    "CRC64NVME",
    "MD5",
    "SHA1",
    "SHA256",
    "SHA512",
    "XXHASH64",
    "XXHASH3",
    "XXHASH128",
];

/// Over the whole object, or over its parts (API, `ComputeObjectChecksumType`).
const TYPES: [&str; 2] = ["FULL_OBJECT", "COMPOSITE"];

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChecksumParameters {
    /// `--checksum-algorithm`.
    pub algorithm: Option<String>,
    /// `--checksum-type`; S3 chooses where there is none.
    pub checksum_type: Option<String>,
}

impl ChecksumParameters {
    fn algorithm(&self) -> Result<&str, Refusal> {
        required_one_of(
            CHECKSUM_ALGORITHM,
            self.algorithm.as_deref(),
            &ALGORITHMS,
            "API, ComputeObjectChecksumAlgorithm",
        )
    }
}

impl Operation for ChecksumParameters {
    fn kind(&self) -> OperationKind {
        OperationKind::Checksum
    }

    fn check(&self, _: &JobContext) -> CheckResult {
        self.algorithm()?;
        let given = self.checksum_type.as_deref();
        one_of_if_given(CHECKSUM_TYPE, given, &TYPES, "API, ComputeObjectChecksumType")
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        let mut member = Map::new();
        member.insert("ChecksumAlgorithm".to_owned(), self.algorithm()?.into());
        if let Some(checksum_type) = &self.checksum_type {
            member.insert("ChecksumType".to_owned(), checksum_type.as_str().into());
        }
        Ok(member.into())
    }
}

/// The rows that it can't do, besides delete markers: any storage class and size is fine (UG,
/// "Compute checksums").
pub(super) fn eligibility() -> Vec<Rule> {
    vec![SSE_C]
}

/// What the role needs (UG, "Compute checksum: Allow `GetObject`, `GetObjectVersion`,
/// `RestoreObject`, and `PutObject`").
pub(super) fn permissions(access: &Access) -> Vec<Statement> {
    let mut statements = vec![
        access.allow_on_objects("ReadObjects", "s3:GetObject", "s3:GetObjectVersion"),
        access.allow("ReadArchivedObjects", &["s3:RestoreObject"], access.object_arns()),
    ];
    let keys = access.object_keys.clone();
    statements.extend(Access::allow_keys("DecryptObjects", &["kms:Decrypt"], keys));
    statements
}
