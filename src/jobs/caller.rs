//! Who the caller is, as STS says, and whether that is the account that is meant.
//!
//! Credentials come from many places, and the wrong ones work as well as the right ones. So what
//! changes something at AWS first says in which account.

use std::fmt;

use crate::aws::{AwsError, AwsErrorKind, Session};
use crate::diagnostic::parameter::{ACCOUNT_ID, PROFILE};
use crate::diagnostic::{Diagnostic, ErrorClass};

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The account.
    pub account_id: String,
    /// The user or role in it.
    pub arn: String,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AWS account {}, as {}", self.account_id, self.arn)
    }
}

/// What is known of the caller.
#[derive(Debug, Clone)]
pub(crate) enum CallerCheck {
    /// Who it is, in the account that is meant.
    Caller(Caller),
    /// STS can't be reached, or doesn't say it.
    Unknown(AwsError),
}

/// Why nothing is changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallerError {
    /// The credentials don't work.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The credentials are those of another account.
    #[error(
        "the credentials are of account {} ({}), not of {account} ({ACCOUNT_ID}): nothing was \
         changed; name another {PROFILE}, or correct {ACCOUNT_ID}", caller.account_id, caller.arn
    )]
    OtherAccount {
        /// Who calls.
        caller: Caller,
        /// The account that is meant.
        account: String,
    },
    /// It is not known whose credentials these are.
    #[error(
        "nothing was changed, for it can't be checked that the credentials are of account {account}"
    )]
    Unchecked {
        /// The account that is meant.
        account: String,
        /// What STS said.
        #[source]
        error: AwsError,
    },
}

impl Diagnostic for CallerError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Aws
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unchecked { .. } => Some(format!("without {ACCOUNT_ID} it is changed unchecked")),
            _ => None,
        }
    }
}

/// Asks STS who calls.
///
/// # Errors
/// When STS refuses, or can't be reached.
pub(crate) fn caller(session: &Session) -> Result<Caller, AwsError> {
    let action = "ask AWS who you are";
    let client = aws_sdk_sts::Client::new(session.config());
    let answer = session.wait(client.get_caller_identity().send());
    let answer = answer.map_err(|error| AwsError::new(action, &error))?;
    match (answer.account, answer.arn) {
        (Some(account_id), Some(arn)) => Ok(Caller { account_id, arn }),
        _ => Err(AwsError::other(action, "the answer names no account")),
    }
}

/// Asks STS who calls, and refuses another account than the one that is meant, if one is.
///
/// # Errors
/// When the account is another one, or the credentials don't work.
pub(crate) fn check_caller(
    session: &Session,
    account_id: Option<&str>,
) -> Result<CallerCheck, CallerError> {
    match caller(session) {
        Ok(caller) => match account_id {
            Some(account) if account != caller.account_id => {
                Err(CallerError::OtherAccount { caller, account: account.to_owned() })
            }
            _ => Ok(CallerCheck::Caller(caller)),
        },
        Err(error) if is_credentials(&error) => Err(error.into()),
        Err(error) => Ok(CallerCheck::Unknown(error)),
    }
}

/// Whether everything else would be refused, too.
fn is_credentials(error: &AwsError) -> bool {
    matches!(
        error.kind,
        AwsErrorKind::NoCredentials
            | AwsErrorKind::ExpiredCredentials
            | AwsErrorKind::WrongCredentials
            | AwsErrorKind::ClockSkew
    )
}
