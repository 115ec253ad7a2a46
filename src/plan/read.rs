//! Reading `plan.json` of a finished plan.
//!
//! Never looks at the manifests.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::folder::{PARTIAL, PLAN};
use super::{PLAN_VERSION, Plan, PlanError};

/// What every version of the document has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads what the plan in a folder says of itself.
///
/// # Errors
/// When there is no finished plan, it can't be read, or a newer program wrote it.
pub fn read(dir: &Path) -> Result<Plan, PlanError> {
    let path = dir.join(PLAN);
    let bytes = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if dir.join(PARTIAL).exists() => {
            PlanError::Unfinished { path: dir.to_owned() }
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            PlanError::NoPlan { path: dir.to_owned() }
        }
        _ => PlanError::Io { path: path.clone(), error },
    })?;
    let bad = |error| PlanError::Document { path: path.clone(), error };
    // First of all: a newer document need not have the fields of this one.
    let Versioned { version } = serde_json::from_slice(&bytes).map_err(bad)?;
    if version > PLAN_VERSION {
        return Err(PlanError::Newer { path, version });
    }
    serde_json::from_slice(&bytes).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(prepare: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        read(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_finished_plan_is_refused() {
        assert!(error(|_| ()).contains("no plan"));
        assert!(error(|dir| fs::create_dir(dir.join(PARTIAL)).unwrap()).contains("not finished"));
        let write = |text: &'static str| move |dir: &Path| fs::write(dir.join(PLAN), text).unwrap();
        assert!(error(write("{}")).contains("missing field `version`"));
        assert!(error(write("{\"version\": 1}")).contains("missing field `tool`"));
        assert!(error(write("{\"version\": 2}")).contains("version 2"));
    }
}
