//! In place of `aws.rs` in a program that was built without AWS: addresses are refused.

use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::path::Path;

use clap::Args as ClapArgs;

use super::CliError;
use crate::source::Location;

/// Nothing to choose.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct AwsArgs {}

/// Nothing to choose here either.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ReachArgs {}

/// No way to AWS.
pub(super) struct AwsResolver<'a>(PhantomData<&'a ()>);

impl AwsArgs {
    pub(super) fn way(&self) -> AwsResolver<'_> {
        AwsResolver(PhantomData)
    }
}

impl ReachArgs {
    pub(super) fn way<'a>(&'a self, _region: Option<&'a str>) -> AwsResolver<'a> {
        AwsResolver(PhantomData)
    }
}

impl AwsResolver<'_> {
    /// The same way: no thread speaks to a network.
    pub(super) fn on(self, _threads: NonZeroUsize) -> Self {
        self
    }

    /// What a path on the command line names.
    pub(super) fn location(&mut self, name: &Path) -> Result<Location, CliError> {
        if name.to_str().is_some_and(|text| text.starts_with("s3://")) {
            return Err(CliError::Usage(format!(
                "{}: this program was built without AWS (cargo feature `aws`): fetch it with \
                 `aws s3 sync`, or build it with the default features",
                name.display()
            )));
        }
        Ok(name.into())
    }
}
