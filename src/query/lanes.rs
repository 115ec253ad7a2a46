//! Lanes: which stream of output a row goes to, known to all workers under one number.
//!
//! The numbers depend on which worker came first, so nothing that is written may depend on them:
//! the order of series is that in which the (ordered) sink meets them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::engine::OutputLane;

/// Lanes at most. Each makes a job at least, and has a buffer for each worker: more is not useful.
pub(crate) const LANES_MAX: usize = 500;

/// What makes a lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum LaneKey {
    /// Rows for manifests.
    Manifest {
        /// The bucket that the rows name.
        bucket: Vec<u8>,
        /// Whether the rows hold version ids.
        versions: bool,
        /// The values of the columns to split by, in the order of
        /// [`super::Selection::split_by`]; none where the rows' report lacks the column.
        split: Vec<Option<Vec<u8>>>,
        /// Whether the rows are those of [`super::Selection::apart`].
        apart: bool,
    },
    /// Rows excluded, by the place of the rule in [`super::Selection::excluding`].
    Excluded(usize),
}

/// All lanes of a run.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    table: Mutex<LaneTable>,
}

#[derive(Debug, Default)]
struct LaneTable {
    by_key: HashMap<LaneKey, OutputLane>,
    keys: Vec<LaneKey>,
}

impl Lanes {
    /// The lane of this key; `None` when there are too many.
    pub(super) fn lane(&self, key: &LaneKey) -> Option<OutputLane> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = table.by_key.get(key) {
            return Some(*lane);
        }
        if table.keys.len() == LANES_MAX {
            return None;
        }
        let lane = OutputLane(u32::try_from(table.keys.len()).ok()?);
        table.keys.push(key.clone());
        table.by_key.insert(key.clone(), lane);
        Some(lane)
    }

    /// What a lane stands for; `None` for one that was never handed out.
    #[must_use]
    pub(crate) fn key(&self, lane: OutputLane) -> Option<LaneKey> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.keys.get(lane.0 as usize).cloned()
    }
}
