//! Jobs as `jobs list` and `jobs report` show them.

use comfy_table::{Cell, CellAlignment, Table};

use super::print::{self, visible};
use super::terminal;
use crate::units::Count;

/// A row of the table.
pub(super) struct JobRow<'a> {
    pub(super) manifest: &'a str,
    pub(super) job_id: &'a str,
    pub(super) state: &'a str,
    /// All tasks, those that succeeded, those that failed.
    pub(super) tasks: [u64; 3],
}

pub(super) fn job_table<'a>(jobs: impl Iterator<Item = JobRow<'a>>) -> Table {
    let mut table = print::table();
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let mut header: Vec<Cell> = ["manifest", "job", "state"].map(Cell::new).to_vec();
    header.extend(["tasks", "done", "failed"].map(|text| right(text.to_owned())));
    table.set_header(header);
    for job in jobs {
        let texts = [job.manifest, job.job_id, job.state];
        let mut row = texts.map(|text| Cell::new(visible(text))).to_vec();
        row.extend(job.tasks.map(|number| right(Count(number).to_string())));
        table.add_row(row);
    }
    terminal::keep_words(&mut table);
    table
}
