//! AWS's partitions: which regions they have, under which domains they are reached, and which
//! service principal runs jobs there.
//!
//! Every ARN that the program makes names a partition of this table, and every host that it takes
//! for AWS's own ends in one of its domains.
//!
//! Regions and domains are those of botocore 1.44.8 (`data/partitions.json`: `regionRegex`,
//! `dnsSuffix` and `dualStackDnsSuffix`).

use super::arn::Arn;

/// The service that runs jobs, as a policy names it. It is the same in every partition: the guide
/// of the China Regions has it, too (UG, "Granting permissions for Batch Operations").
pub(crate) const BATCH_OPERATIONS: &str = "batchoperations.s3.amazonaws.com";

/// That name without its domain.
const BATCH_OPERATIONS_SERVICE: &str = "batchoperations.s3";

/// A partition: a group of regions with accounts and roles of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Its name in ARNs.
    pub name: &'static str,
    /// What its regions begin with, before a word and a number.
    regions: &'static [&'static str],
    /// What its hosts end in. Those of VPC endpoints end in the same, behind `vpce.`.
    pub dns_suffix: &'static str,
    /// What its hosts end in that are reached by IPv6, too.
    pub dual_stack_dns_suffix: &'static str,
}

impl Partition {
    /// All that there are.
    pub(crate) const ALL: [Self; 8] = [
        Self {
            name: "aws",
            regions: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
            dns_suffix: "amazonaws.com",
            dual_stack_dns_suffix: "api.aws",
        },
        Self {
            name: "aws-cn",
            regions: &["cn"],
            dns_suffix: "amazonaws.com.cn",
            dual_stack_dns_suffix: "api.amazonwebservices.com.cn",
        },
        Self {
            name: "aws-us-gov",
            regions: &["us-gov"],
            dns_suffix: "amazonaws.com",
            dual_stack_dns_suffix: "api.aws",
        },
        Self {
            name: "aws-eusc",
            regions: &["eusc-de"],
            dns_suffix: "amazonaws.eu",
            dual_stack_dns_suffix: "api.amazonwebservices.eu",
        },
        Self {
            name: "aws-iso",
            regions: &["us-iso"],
            dns_suffix: "c2s.ic.gov",
            dual_stack_dns_suffix: "api.aws.ic.gov",
        },
        Self {
            name: "aws-iso-b",
            regions: &["us-isob"],
            dns_suffix: "sc2s.sgov.gov",
            dual_stack_dns_suffix: "api.aws.scloud",
        },
        Self {
            name: "aws-iso-e",
            regions: &["eu-isoe"],
            dns_suffix: "cloud.adc-e.uk",
            dual_stack_dns_suffix: "api.cloud-aws.adc-e.uk",
        },
        Self {
            name: "aws-iso-f",
            regions: &["us-isof"],
            dns_suffix: "csp.hci.ic.gov",
            dual_stack_dns_suffix: "api.aws.hci.ic.gov",
        },
    ];

    /// The partition of a region; `None` where the region is not of a form that is known.
    #[must_use]
    pub(crate) fn from_region(region: &str) -> Option<&'static Self> {
        let (rest, number) = region.rsplit_once('-')?;
        let (beginning, word) = rest.rsplit_once('-')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let has = |partition: &&Self| partition.regions.contains(&beginning);
        PARTITIONS.iter().find(has).filter(|_| is_number && is_word)
    }
}

/// The table, at one place in memory.
static PARTITIONS: [Partition; 8] = Partition::ALL;

/// The partition of jobs: their region's, or where that is not known their role's.
#[must_use]
pub(crate) fn for_jobs<'a>(region: Option<&str>, role_arn: &'a str) -> &'a str {
    match region.and_then(Partition::from_region) {
        Some(partition) => partition.name,
        None => from_arn(role_arn),
    }
}

/// The partition that an ARN names; the commercial one where it names none.
#[must_use]
pub(crate) fn from_arn(arn: &str) -> &str {
    Arn::parse(arn).map_or(DEFAULT, |arn| arn.partition)
}

/// The partition of a region; the commercial one where the region is not given or not known.
#[must_use]
pub(crate) fn from_region(region: Option<&str>) -> &'static str {
    region.and_then(Partition::from_region).map_or(DEFAULT, |partition| partition.name)
}

/// Whether a text has the form of a region: the beginning of a partition's, a direction, and a
/// number.
#[must_use]
pub(crate) fn is_region(text: &str) -> bool {
    let word = text.rsplit('-').nth(1).unwrap_or_default();
    DIRECTIONS.contains(&word) && Partition::from_region(text).is_some()
}

/// The words of regions, before their number: so far, all are directions (AWS General Reference,
/// Regional endpoints).
const DIRECTIONS: [&str; 9] = [
    "central",
    "east",
    "north",
    "northeast",
    "northwest",
    "south",
    "southeast",
    "southwest",
    "west",
];

/// What is taken where nothing names a partition, as AWS's own clients do.
const DEFAULT: &str = "aws";

/// Whether a host is AWS's own, in any partition.
#[must_use]
pub(crate) fn is_aws_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    PARTITIONS.iter().any(|partition| {
        is_below(partition.dns_suffix) || is_below(partition.dual_stack_dns_suffix)
    })
}

/// Whether a policy's principal is the service that runs jobs. It is written with
/// `amazonaws.com`; the partition's own domain is understood, too.
#[must_use]
pub(crate) fn is_batch_operations(principal: &str) -> bool {
    principal == BATCH_OPERATIONS
        || principal
            .strip_prefix(BATCH_OPERATIONS_SERVICE)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|domain| PARTITIONS.iter().any(|own| own.dns_suffix == domain))
}

/// The ARN of a role.
#[must_use]
pub(crate) fn role_arn(partition: &str, account_id: &str, name: &str) -> String {
    format!("arn:{partition}:iam::{account_id}:role/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_its_partition() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("ap-southeast-7", "aws"),
            ("mx-central-1", "aws"),
            ("il-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-west-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            let found = Partition::from_region(region).map(|partition| partition.name);
            assert_eq!(found, Some(partition), "{region}");
            assert!(is_region(region), "{region}");
        }
        for unknown in
            ["", "us-east", "us-east-", "us--1", "us-east-1a", "xx-east-1", "eusc-east-1"]
        {
            assert_eq!(Partition::from_region(unknown), None, "{unknown}");
            assert!(!is_region(unknown), "{unknown}");
        }
    }

    #[test]
    fn a_region_s_word_is_a_direction() {
        for typo in ["us-est-1", "us-east-1a", "us-east1", "usa-east-1", "us-gov-1", "east-1"] {
            assert!(!is_region(typo), "{typo}");
        }
    }

    #[test]
    fn jobs_are_in_their_regions_partition_and_else_in_their_roles() {
        let role = "arn:aws-us-gov:iam::111122223333:role/batch";
        assert_eq!(for_jobs(Some("cn-north-1"), role), "aws-cn");
        assert_eq!(for_jobs(None, role), "aws-us-gov");
        assert_eq!(for_jobs(Some("moon-base-1"), role), "aws-us-gov");
        assert_eq!(for_jobs(None, "batch"), "aws");
        assert_eq!(from_region(Some("us-isob-east-1")), "aws-iso-b");
        assert_eq!(from_region(None), "aws");
    }

    #[test]
    fn hosts_of_every_partition_are_aws_s_own() {
        for partition in Partition::ALL {
            for domain in [partition.dns_suffix, partition.dual_stack_dns_suffix] {
                assert!(is_aws_host(&format!("s3-control.a-b-1.{domain}")), "{domain}");
                assert!(is_aws_host(&format!("1.control.vpce-1.s3.a-b-1.vpce.{domain}")));
                assert!(is_aws_host(&format!("S3.{}", domain.to_ascii_uppercase())));
                assert!(!is_aws_host(&format!("evil{domain}")), "{domain}");
                assert!(!is_aws_host(&format!("s3.{domain}.example.org")), "{domain}");
                assert!(!is_aws_host(domain), "{domain}");
            }
        }
    }

    #[test]
    fn the_service_is_known_by_every_partitions_domain() {
        assert!(is_batch_operations(BATCH_OPERATIONS));
        assert!(is_batch_operations("batchoperations.s3.amazonaws.com.cn"));
        assert!(is_batch_operations("batchoperations.s3.c2s.ic.gov"));
        for other in ["s3.amazonaws.com", "batchoperations.s3", "batchoperations.s3.example.org"] {
            assert!(!is_batch_operations(other), "{other}");
        }
    }
}
