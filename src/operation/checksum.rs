//! `checksum`: `S3ComputeObjectChecksum`.

use serde_json::{Map, Value};

use super::check::{CheckResult, Refusal, one_of_if_given, required_one_of};
use super::estimate::{Charge, CostBasis, Estimate, EstimateBuilder, KMS_CALLS_READ};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::rule::SSE_C;
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
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

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "checksum",
    api_name: "S3ComputeObjectChecksum",
    // Any storage class and size is fine (UG, "Compute checksums").
    rules: &[SSE_C],
    acts_on_delete_markers: false,
    needs_version_ids: false,
    // UG, "Compute checksums".
    results_in_report: true,
    directory_buckets: DirectoryBuckets::Refused,
    permissions,
    estimate,
};

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChecksumParameters {
    /// The checksum algorithm.
    pub algorithm: Option<String>,
    /// The checksum type; S3 chooses where none is given.
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
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
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

/// What the role needs (UG, "Compute checksum: Allow `GetObject`, `GetObjectVersion`,
/// `RestoreObject`, and `PutObject`").
fn permissions(_: &Value, access: &Access) -> Vec<Statement> {
    let mut statements = vec![
        access.allow_on_objects("ReadObjects", "s3:GetObject", "s3:GetObjectVersion"),
        access.allow("ReadArchivedObjects", &["s3:RestoreObject"], access.object_arns()),
    ];
    let keys = access.object_keys.clone();
    statements.extend(Access::allow_keys("DecryptObjects", &["kms:Decrypt"], keys));
    statements
}

/// The bytes cost the same in every class; each object may ask KMS.
fn estimate(basis: CostBasis<'_>) -> Vec<Estimate> {
    let mut builder = EstimateBuilder::new(basis);
    builder.bytes(Charge::Checksum, basis.prices.checksum_usd_per_gb);
    builder.kms(KMS_CALLS_READ);
    vec![builder.finish()]
}
