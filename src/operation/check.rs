//! Checks of values that AWS would refuse, made before anything is written or sent.
//!
//! Never knows which operation a value belongs to.

use std::fmt;

use super::job::JobContext;

/// A value that AWS would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flag}{}: {rule}{}; {remedy}", FlagValue(value), RuleSource(authority))]
pub struct Refusal {
    /// The flag that it was given with, or that is missing.
    pub flag: &'static str,
    /// The value, if there is one.
    pub value: Option<String>,
    /// What AWS demands.
    pub rule: String,
    /// Where that stands; empty where it is a rule of this program.
    pub authority: &'static str,
    /// What to do instead.
    pub remedy: String,
}

/// A value as it stands in a message: behind the flag, in backquotes.
struct FlagValue<'a>(&'a Option<String>);

impl fmt::Display for FlagValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |value| write!(f, " `{value}`"))
    }
}

/// Where a rule stands, in a message.
struct RuleSource<'a>(&'a str);

impl fmt::Display for RuleSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

/// What a check comes to.
pub(super) type CheckResult = Result<(), Refusal>;

pub(super) fn refusal(
    flag: &'static str,
    value: &str,
    rule: impl Into<String>,
    authority: &'static str,
    remedy: impl Into<String>,
) -> Refusal {
    let value = Some(value.to_owned());
    Refusal { flag, value, rule: rule.into(), authority, remedy: remedy.into() }
}

pub(super) fn missing(
    flag: &'static str,
    rule: impl Into<String>,
    authority: &'static str,
    remedy: impl Into<String>,
) -> Refusal {
    Refusal { flag, value: None, rule: rule.into(), authority, remedy: remedy.into() }
}

/// A value of an enumeration of the API.
pub(super) fn one_of(
    flag: &'static str,
    value: &str,
    allowed: &[&str],
    authority: &'static str,
) -> CheckResult {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(refusal(flag, value, "there is no such value", authority, choice(allowed)))
}

fn choice(allowed: &[&str]) -> String {
    format!("give one of {}", allowed.join(", "))
}

/// An optional value of an enumeration of the API.
pub(super) fn one_of_if_given(
    flag: &'static str,
    value: Option<&str>,
    allowed: &[&str],
    authority: &'static str,
) -> CheckResult {
    value.map_or(Ok(()), |value| one_of(flag, value, allowed, authority))
}

/// A value that must be there, of an enumeration of the API.
pub(super) fn required_one_of<'a>(
    flag: &'static str,
    value: Option<&'a str>,
    allowed: &[&str],
    authority: &'static str,
) -> Result<&'a str, Refusal> {
    let value =
        value.ok_or_else(|| missing(flag, "the operation needs it", authority, choice(allowed)))?;
    one_of(flag, value, allowed, authority).map(|()| value)
}

/// A text of 1 to `chars_max` characters.
pub(super) fn length(
    flag: &'static str,
    value: &str,
    chars_max: usize,
    authority: &'static str,
) -> CheckResult {
    let chars = value.chars().count();
    if (1..=chars_max).contains(&chars) {
        return Ok(());
    }
    let rule = format!("it has {chars} characters, where 1 to {chars_max} are allowed");
    Err(refusal(flag, value, rule, authority, "give a text of that length"))
}

/// The digits of an account id (API, `AccountId`).
const ACCOUNT_DIGITS: usize = 12;

/// An account id.
pub(super) fn account(flag: &'static str, value: &str) -> CheckResult {
    if is_account(value) {
        return Ok(());
    }
    let remedy = "give the number that `aws sts get-caller-identity` shows as Account";
    Err(refusal(flag, value, "an account id has 12 digits", "API, AccountId", remedy))
}

fn is_account(value: &str) -> bool {
    value.len() == ACCOUNT_DIGITS && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of a general purpose bucket, as far as its letters and length go.
pub(super) fn bucket_name(flag: &'static str, value: &str) -> CheckResult {
    if value.starts_with("s3://") {
        let rule = "it is a bucket's name, without s3://";
        let name = value.trim_start_matches("s3://").split('/').next().unwrap_or_default();
        return Err(refusal(flag, value, rule, "", format!("write {name}")));
    }
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = value.bytes().next().is_some_and(inner) && value.bytes().last().is_some_and(inner);
    let letters = value.bytes().all(|byte| inner(byte) || byte == b'.' || byte == b'-');
    if ends && letters && (3..=63).contains(&value.len()) && !value.contains("..") {
        return Ok(());
    }
    let rule = "a bucket name has 3 to 63 of a-z, 0-9, dot and hyphen, and begins and ends with a \
                letter or digit";
    Err(refusal(flag, value, rule, "UG, General purpose bucket naming rules", "correct it"))
}

/// The parts of `arn:partition:service:region:account:resource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next();
        if next()? != "arn" {
            return None;
        }
        let (partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?);
        let whole = !partition.is_empty() && !resource.is_empty();
        whole.then_some(Self { partition, service, region, account, resource })
    }
}

/// An ARN in the partition of the jobs: nothing can be reached from one partition in another.
pub(super) fn partition(
    flag: &'static str,
    value: &str,
    arn: Arn<'_>,
    setting: &JobContext,
) -> CheckResult {
    let jobs = &setting.partition;
    if arn.partition == jobs {
        return Ok(());
    }
    let by = match &setting.region {
        Some(region) => format!("--region {region}"),
        None => "--role-arn".to_owned(),
    };
    let rule = format!("its partition is {}, that of the jobs is {jobs} ({by})", arn.partition);
    let source = "IAM User Guide, Amazon Resource Names: partitions are apart from each other";
    Err(refusal(
        flag,
        value,
        rule,
        source,
        "name one of the jobs' partition, or correct the region",
    ))
}

/// A KMS key by its full ARN, in the region of the job.
pub(super) fn key_arn(
    flag: &'static str,
    value: &str,
    setting: &JobContext,
    authority: &'static str,
) -> CheckResult {
    let arn = whole_key_arn(flag, value, authority)?;
    partition(flag, value, arn, setting)?;
    let region = setting.region.as_deref().filter(|region| *region != arn.region);
    let Some(region) = region else { return Ok(()) };
    Err(refusal(
        flag,
        value,
        format!("the key is in {}, the job in {region} (--region)", arn.region),
        "UG, Specifying server-side encryption with AWS KMS: a key in the bucket's Region",
        "name a key of the bucket's region, or correct --region",
    ))
}

/// The parts of a KMS key's full ARN, which a value must be.
pub(super) fn whole_key_arn<'a>(
    flag: &'static str,
    value: &'a str,
    authority: &'static str,
) -> Result<Arn<'a>, Refusal> {
    key_of_arn(value).ok_or_else(|| {
        refusal(
            flag,
            value,
            "it must be the full ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID; a bare key id or \
             an alias will not do",
            authority,
            "`aws kms describe-key --key-id KEY` shows it as Arn",
        )
    })
}

/// The parts of a KMS key's full ARN.
pub(super) fn key_of_arn(value: &str) -> Option<Arn<'_>> {
    Arn::parse(value).filter(|arn| {
        let id = arn.resource.strip_prefix("key/").unwrap_or_default();
        let id_letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        arn.partition.starts_with("aws")
            && arn.service == "kms"
            && !arn.region.is_empty()
            && is_account(arn.account)
            && !id.is_empty()
            && id.bytes().all(id_letters)
    })
}

/// A tag: key and value.
pub type Tag = (String, String);

/// Tags: so many, with different keys, of these lengths and letters.
pub(super) fn tags(
    flag: &'static str,
    tags: &[Tag],
    tags_max: usize,
    authority: &'static str,
) -> CheckResult {
    /// UG, Tagging your objects; UG, Controlling access and labeling jobs using tags.
    const KEY_CHARS_MAX: usize = 128;
    /// As above.
    const VALUE_CHARS_MAX: usize = 256;
    if tags.len() > tags_max {
        let rule = format!("{} tags are given, where {tags_max} are allowed", tags.len());
        return Err(missing(flag, rule, authority, "leave some out"));
    }
    for (number, (key, value)) in tags.iter().enumerate() {
        let shown = format!("{key}={value}");
        let chars = |text: &str| text.encode_utf16().count();
        let wrong = if key.is_empty() || chars(key) > KEY_CHARS_MAX {
            format!("a tag's key has 1 to {KEY_CHARS_MAX} characters")
        } else if chars(value) > VALUE_CHARS_MAX {
            format!("a tag's value has at most {VALUE_CHARS_MAX} characters")
        } else if !key.chars().chain(value.chars()).all(is_tag_letter) {
            "a tag holds letters, digits, spaces and _ . : / = + - @ only".to_owned()
        } else if tags[..number].iter().any(|(earlier, _)| earlier == key) {
            format!("the key {key} is given twice")
        } else if key.starts_with("aws:") {
            "keys that begin with aws: are kept for AWS".to_owned()
        } else {
            continue;
        };
        return Err(refusal(flag, &shown, wrong, authority, "correct the tag"));
    }
    Ok(())
}

/// The pattern of the API's `TagKeyString` and `TagValueString`.
fn is_tag_letter(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// A point in time, to the second, as the API's `TimeStamp` takes it.
pub(super) fn time(flag: &'static str, value: &str) -> CheckResult {
    let wrong = || {
        let rule = "it must be a point in time to the second, in UTC";
        refusal(flag, value, rule, "API, TimeStamp", "write it as 2030-01-31T00:00:00Z")
    };
    let time: jiff::Timestamp = value.parse().map_err(|_| wrong())?;
    // Other spellings of the same time would be sent in another form than they are shown in.
    let whole = time.subsec_nanosecond() == 0;
    if whole && time.to_string() == value { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_flag_value_rule_source_and_remedy() {
        let error = one_of("--restore-tier", "EXPEDITED", &["BULK", "STANDARD"], "API, Tier");
        let text = error.unwrap_err().to_string();
        assert_eq!(
            text,
            "--restore-tier `EXPEDITED`: there is no such value (API, Tier); give one of BULK, \
             STANDARD"
        );
    }

    #[test]
    fn a_rule_of_this_program_names_no_source() {
        let told = bucket_name("--target-bucket", "s3://photos/a").unwrap_err().to_string();
        let expected = "--target-bucket `s3://photos/a`: it is a bucket's name, without s3://; \
                        write photos";
        assert_eq!(told, expected);
    }

    #[test]
    fn keys_are_full_arns_in_the_region() {
        let key = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab";
        let setting = |partition: &str, region: Option<&str>| JobContext {
            account_id: "111122223333".to_owned(),
            partition: partition.to_owned(),
            region: region.map(str::to_owned),
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        let check_in = |value: &str, partition: &str, region: Option<&str>| {
            key_arn("--kms-key-arn", value, &setting(partition, region), "UG")
        };
        let check = |value: &str, region| check_in(value, "aws", region);
        assert_eq!(check(key, None), Ok(()));
        assert_eq!(check(key, Some("us-east-1")), Ok(()));
        let chinese = "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1";
        assert_eq!(check_in(chinese, "aws-cn", None), Ok(()));
        assert_eq!(check_in(chinese, "aws-cn", Some("cn-north-1")), Ok(()));
        let told = check(chinese, Some("us-east-1")).unwrap_err().rule;
        assert_eq!(told, "its partition is aws-cn, that of the jobs is aws (--region us-east-1)");
        assert!(check(chinese, None).unwrap_err().rule.contains("(--role-arn)"));
        assert!(check(key, Some("eu-west-1")).unwrap_err().rule.contains("us-east-1"));
        for wrong in [
            "01234567-89ab",
            "alias/mine",
            "arn:aws:kms:us-east-1:111122223333:alias/mine",
            "arn:aws:kms::111122223333:key/1",
            "arn:aws:kms:us-east-1:1111:key/1",
            "arn:aws:s3:us-east-1:111122223333:key/1",
            "arn:aws:kms:us-east-1:111122223333:key/",
            "",
        ] {
            assert!(check(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn buckets_and_accounts_look_like_themselves() {
        for name in ["abc", "my.bucket-1", "1a2"] {
            assert_eq!(bucket_name("--report", name), Ok(()));
        }
        for name in ["ab", "Abc", "abc-", ".abc", "a..b", "a_b", "", &"a".repeat(64)] {
            assert!(bucket_name("--report", name).is_err(), "{name}");
        }
        assert_eq!(account("--account-id", "111122223333"), Ok(()));
        for wrong in ["11112222333", "1111222233334", "11112222333x", ""] {
            assert!(account("--account-id", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_are_counted_measured_and_told_apart() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let check = |list: &[Tag]| tags("--tag", list, 2, "UG");
        assert_eq!(check(&[tag("a", ""), tag("b", "x y_.:/=+-@é")]), Ok(()));
        assert!(check(&[tag("a", ""), tag("b", ""), tag("c", "")]).is_err());
        let long = "k".repeat(129);
        let value = "v".repeat(257);
        for wrong in [tag("", "v"), tag(&long, ""), tag("k", &value), tag("k", "a,b")] {
            assert!(check(std::slice::from_ref(&wrong)).is_err(), "{wrong:?}");
        }
        assert!(
            check(&[tag("a", "1"), tag("a", "2")])
                .unwrap_err()
                .rule
                .contains("key a is given twice")
        );
        assert!(check(&[tag("aws:a", "1")]).is_err());
    }

    #[test]
    fn times_are_whole_seconds_in_utc() {
        assert_eq!(time("--retain-until", "2030-01-31T00:00:00Z"), Ok(()));
        for wrong in ["2030-01-31", "2030-01-31T00:00:00.5Z", "2030-01-31T00:00:00+01:00", "soon"] {
            assert!(time("--retain-until", wrong).is_err(), "{wrong}");
        }
    }
}
