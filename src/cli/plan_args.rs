//! The plan that a command line names: a folder on this machine, an address in S3, or the state
//! folder of a plan in S3.

use std::path::Path;

use super::aws::AwsResolver;
#[cfg(feature = "aws")]
use super::print;
use super::{CliError, given};
use crate::plan::{self, PlanHandle};
#[cfg(feature = "aws")]
use crate::plan::{ReadError, StateError};
use crate::source::Location;

/// Reads the plan that a command line names. `state` is the folder that `--state` names.
pub(super) fn open(
    name: &Path,
    state: Option<&Path>,
    way: &mut AwsResolver<'_>,
) -> Result<PlanHandle, CliError> {
    given::check(name)?;
    let is_address = name.to_str().is_some_and(|text| text.starts_with("s3://"));
    let address = if is_address { None } else { plan::plan_of_state_folder(name)? };
    let (name, state) = match (&address, state) {
        (Some(_), Some(state)) => {
            return Err(CliError::Usage(format!(
                "{} holds the journal of a plan in S3, and --state names {}: name one of them",
                name.display(),
                state.display()
            )));
        }
        (Some(address), None) => (Path::new(address), Some(name)),
        (None, state) => (name, state),
    };
    let location = way.location(name)?;
    if let (Location::Path(path), Some(state)) = (&location, state) {
        return Err(CliError::Usage(format!(
            "--state {}: the journal of a plan on this machine is in its own folder, {}; leave \
             --state out",
            state.display(),
            path.display()
        )));
    }
    let handle =
        PlanHandle::open(&location, state).map_err(|error| given::plan_error(name, error))?;
    if address.is_some() {
        // Who names a journal means its plan, not another that is at that address now.
        handle.find_state()?;
    }
    Ok(handle)
}

/// Reads a plan that was submitted: its journal must be there.
#[cfg(feature = "aws")]
pub(super) fn open_submitted(
    name: &Path,
    state: Option<&Path>,
    way: &mut AwsResolver<'_>,
) -> Result<PlanHandle, CliError> {
    let handle = open(name, state, way)?;
    handle.find_state()?;
    tell_state(&handle);
    Ok(handle)
}

/// Reads a plan whose jobs are followed or ended. Where it was replaced in S3, or is not there any
/// more, it is read as it was submitted: its jobs run on.
#[cfg(feature = "aws")]
pub(super) fn open_followed(
    name: &Path,
    state: Option<&Path>,
    way: &mut AwsResolver<'_>,
) -> Result<PlanHandle, CliError> {
    let error = match open_submitted(name, state, way) {
        Err(error) if is_gone(&error) => error,
        opened => return opened,
    };
    let folder = state.unwrap_or(name);
    let Some(address) = plan::plan_of_state_folder(folder)? else { return Err(error) };
    let named = if state.is_some() { name } else { Path::new(&address) };
    let Some(handle) = PlanHandle::as_submitted(folder, &way.location(named)?)? else {
        return Err(error);
    };
    print::warning(&format!(
        "the plan at {address} was replaced or deleted after it was submitted: \
         this is about the jobs of the plan that was there, by the copy of it in {}",
        folder.display()
    ));
    Ok(handle)
}

/// Whether a plan is not what was submitted, or not there.
#[cfg(feature = "aws")]
fn is_gone(error: &CliError) -> bool {
    matches!(
        error,
        CliError::State(StateError::Replaced { .. })
            | CliError::Read(
                ReadError::Missing { .. }
                    | ReadError::Unfinished { .. }
                    | ReadError::Newer { .. }
                    | ReadError::Malformed { .. }
                    | ReadError::Inconsistent { .. }
            )
    )
}

/// Tells where the journal of a plan in S3 is.
#[cfg(feature = "aws")]
pub(super) fn tell_state(handle: &PlanHandle) {
    if handle.folder().is_remote() {
        let (address, state) = (handle.folder().display(), handle.state().display());
        print::note(&format!("{address}: the journal of its jobs is in {state}"));
    }
}

/// A plan as it stands on the command line, for commands to be shown.
#[cfg(feature = "aws")]
pub(super) fn words(name: &Path, state: Option<&Path>) -> String {
    match state {
        Some(state) => format!("{} --state {}", name.display(), state.display()),
        None => name.display().to_string(),
    }
}
