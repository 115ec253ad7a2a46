//! Buckets by their names: general purpose or directory buckets, and their ARNs.
//!
//! Directory buckets (S3 Express One Zone) take few operations, and have ARNs of another service
//! (UG, "Using Batch Operations with directory buckets").

/// What the names of directory buckets end in, behind `BASE--ZONE` (UG, "Directory bucket naming
/// rules"). No general purpose bucket may have such a name.
const DIRECTORY_END: &str = "--x-s3";

/// What stands before the name in a directory bucket's ARN.
const DIRECTORY_RESOURCE: &str = "bucket/";

/// Whether a bucket of this name is a directory bucket: `BASE--ZONE--x-s3`.
#[must_use]
pub(crate) fn is_directory(name: &str) -> bool {
    let parts = name.strip_suffix(DIRECTORY_END).and_then(|rest| rest.rsplit_once("--"));
    parts.is_some_and(|(base, zone)| !base.is_empty() && !zone.is_empty())
}

/// The ARN of a general purpose bucket, or of an object in one: `bucket/key`.
#[must_use]
pub(crate) fn general_arn(partition: &str, name: &str) -> String {
    format!("arn:{partition}:s3:::{name}")
}

/// The ARN of a directory bucket.
#[must_use]
pub(crate) fn directory_arn(partition: &str, region: &str, account_id: &str, name: &str) -> String {
    format!("arn:{partition}:s3express:{region}:{account_id}:{DIRECTORY_RESOURCE}{name}")
}

/// The name of the bucket that an ARN of either kind names.
#[must_use]
pub(crate) fn name_in_arn(arn: &str) -> &str {
    let resource = arn.rsplit(':').next().unwrap_or_default();
    resource.strip_prefix(DIRECTORY_RESOURCE).unwrap_or(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_buckets_are_told_by_their_names() {
        for name in ["data--usw2-az1--x-s3", "a--b--usw2-lax1-az1--x-s3"] {
            assert!(is_directory(name), "{name}");
        }
        for name in ["data", "data--x-s3", "--usw2-az1--x-s3", "data----x-s3", "a--b--x-s3-more"] {
            assert!(!is_directory(name), "{name}");
        }
    }

    #[test]
    fn arns_of_both_kinds_name_their_buckets() {
        let directory = directory_arn("aws", "us-west-2", "111122223333", "data--usw2-az1--x-s3");
        assert_eq!(
            directory,
            "arn:aws:s3express:us-west-2:111122223333:bucket/data--usw2-az1--x-s3"
        );
        assert_eq!(name_in_arn(&directory), "data--usw2-az1--x-s3");
        assert_eq!(general_arn("aws-cn", "photos/a"), "arn:aws-cn:s3:::photos/a");
        assert_eq!(name_in_arn("arn:aws-cn:s3:::photos"), "photos");
    }
}
