//! Names of parameters and of commands, for messages: a layer says which one is meant, and whoever
//! talks to the user says how it is given.
//!
//! By themselves they are written as this library names them. A program with a command line calls
//! [`name_by`] once, when it starts; from then on each message names them as its user does.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// How a front end names what messages speak of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrontEndNames {
    /// A parameter, such as a flag.
    pub parameter: fn(ParameterName) -> Cow<'static, str>,
    /// A command.
    pub command: fn(CommandName) -> Cow<'static, str>,
}

static NAMES: OnceLock<FrontEndNames> = OnceLock::new();

/// Names parameters and commands so in all messages from now on. Only the first call counts.
pub(crate) fn name_by(names: FrontEndNames) {
    NAMES.get_or_init(|| names);
}

/// Something that a user gives or leaves out.
///
/// In a text of its own words it is shown as `` `role_arn` ``; in one that stands in backquotes
/// already, `{:#}` leaves them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ParameterName(&'static str);

impl ParameterName {
    /// Its name in this library.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ParameterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get() {
            Some(names) => f.write_str(&(names.parameter)(*self)),
            None if f.alternate() => f.write_str(self.0),
            None => write!(f, "`{}`", self.0),
        }
    }
}

/// Something that a user can have done. Messages show it in backquotes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CommandName(&'static str);

impl CommandName {
    /// Its name in this library.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get() {
            Some(names) => f.write_str(&(names.command)(*self)),
            None => f.write_str(self.0),
        }
    }
}

/// Constants for names, and a list of all of them.
macro_rules! names {
    ($type:ident, $all:ident: $($constant:ident = $name:literal,)+) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub(crate) const $constant: $type = $type($name);
        )+

        /// All of them.
        #[cfg(test)]
        pub(crate) const $all: &[$type] = &[$($constant),+];
    };
}

names! { CommandName, COMMANDS:
    COUNT = "count",
    FILTER = "filter",
    JOBS_OF = "jobs",
    MERGE = "merge",
    POLICY = "policy",
    RETRY = "retry",
    SETUP_BUCKET_KEY = "setup bucket_key",
    SETUP_LIFECYCLE = "setup lifecycle",
    SETUP_ROLE = "setup role",
    SUBMIT = "submit",
    VERIFY = "verify",
}

names! { ParameterName, PARAMETERS:
    ACCOUNT_ID = "account_id",
    ACL = "acl",
    ALL = "all",
    ALLOW_OVERLAP = "allow_overlap",
    AWS_TIMEOUT = "aws_timeout",
    BUCKET = "bucket",
    BUCKET_KEY = "bucket_key",
    BY = "group_by",
    CACHE_CONTROL = "cache_control",
    CHECKSUM_ALGORITHM = "checksum_algorithm",
    CHECKSUM_TYPE = "checksum_type",
    CONTENT_DISPOSITION = "content_disposition",
    CONTENT_ENCODING = "content_encoding",
    CONTENT_LANGUAGE = "content_language",
    CONTENT_TYPE = "content_type",
    DESCRIPTION = "description",
    DESTINATION = "destination",
    EMIT = "emit",
    ENDPOINT_URL = "endpoint_url",
    EXPIRES = "expires",
    FORCE = "force",
    FUNCTION_ARN = "function_arn",
    ID = "id",
    INCLUDE_INELIGIBLE = "include_ineligible",
    JOBS = "jobs",
    KEEP_GOING = "keep_going",
    KMS_KEY_ARN = "kms_key_arn",
    LEAVE_BUCKET_POLICY = "leave_bucket_policy",
    LEGAL_HOLD = "legal_hold",
    MANIFEST_BUCKET = "manifest_bucket",
    MAX_BYTES = "bytes_max",
    MAX_OBJECTS = "objects_max",
    MEMORY = "memory_bytes",
    METADATA = "metadata",
    MODIFIED_SINCE = "modified_since",
    NO_VERSION_IDS = "no_version_ids",
    OBJECT_TAG = "object_tag",
    OBJECT_TAGS = "object_tags",
    OPERATION = "operation",
    OPERATION_JSON = "operation_json",
    OUT = "out",
    PLAN_FOR = "plan_for",
    PREDICATE = "predicate",
    PREFIX = "prefix",
    PRICES = "prices",
    PRIORITY = "priority",
    PROFILE = "profile",
    REDIRECT_LOCATION = "redirect_location",
    REGION = "region",
    REPEAT = "repeat",
    REPLACE_DESTINATION = "replace_destination",
    REPORT = "report",
    REPORT_ENCRYPTION = "report_encryption",
    REPORT_SCOPE = "report_scope",
    REQUESTER_PAYS = "requester_pays",
    RESTORE_DAYS = "restore_days",
    RESTORE_TIER = "restore_tier",
    RETAIN_UNTIL = "retain_until",
    RETENTION_MODE = "retention_mode",
    ROLE_ARN = "role_arn",
    ROLE_NAME = "role_name",
    ROOT = "root",
    S3CONTROL_ENDPOINT_URL = "s3control_endpoint_url",
    SCHEMA_VERSION = "schema_version",
    SPLIT_BY = "split_by",
    SSE = "sse",
    STATE = "state",
    SELECT_STATEMENT = "statement",
    PLACE_IN_PLAN = "inventory_place",
    PLAN_ADDRESS = "plan_address",
    OBJECT_KMS_KEY_ARN = "object_kms_key_arn",
    REPORT_KMS_KEY_ARN = "report_kms_key_arn",
    MANIFEST_KMS_KEY_ARN = "manifest_kms_key_arn",
    STORAGE_CLASS = "storage_class",
    TAG = "tag",
    TARGET_BUCKET = "target_bucket",
    TARGET_ENCRYPTION = "target_encryption",
    TARGET_PREFIX = "target_prefix",
    THREADS = "threads",
    TRUST_ENDPOINT = "trust_endpoint",
    UNMODIFIED_SINCE = "unmodified_since",
    USER_ARGUMENT = "user_argument",
    USER_METADATA = "user_metadata",
    WITHOUT = "without",
}
