//! Settings at AWS that the way from a report to a fixed bucket needs: looked at, changed on paper,
//! and put in place only when asked.
//!
//! Each has the same two calls: `look` reads what is there and gives a [`Change`], `apply` puts it
//! in place. What is there already is kept: a setting is added to, never replaced by ours. XML and
//! JSON that came are edited as they came, so that what this program doesn't know stays too.
//!
//! Never knows how a change is shown.

mod body;
pub(crate) mod bucket_key;
mod bucket_policy;
mod default_key;
mod grants;
pub(crate) mod inventory;
pub(crate) mod lifecycle;
pub(crate) mod role;
mod xml;

use serde_json::Value;

use crate::aws::AwsError;
use crate::diagnostic::{Diagnostic, ErrorClass};

pub(crate) use default_key::default_key;

/// What would change, as text: a setting a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// What is changed: `default encryption of bucket photos`.
    pub what: String,
    /// As it is.
    pub before: Vec<String>,
    /// As it would be.
    pub after: Vec<String>,
    /// What a person should know first.
    pub warnings: Vec<String>,
}

impl Change {
    /// Whether everything is as it should be.
    #[must_use]
    pub(crate) fn is_none(&self) -> bool {
        self.before == self.after
    }
}

/// A document as text, a member a line.
fn lines(document: &Value) -> Vec<String> {
    format!("{document:#}").lines().map(str::to_owned).collect()
}

/// Why a setting can't be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// AWS refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// What is asked for makes no sense there.
    #[error("{0}")]
    Senseless(String),
}

impl Diagnostic for SetupError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Aws(_) => ErrorClass::Aws,
            Self::Senseless(_) => ErrorClass::Usage,
        }
    }
}
