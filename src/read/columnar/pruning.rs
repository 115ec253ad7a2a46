//! Which rows of a row group or stripe may match, by what the file tells of its values.
//!
//! Three things are asked, cheapest first: bounds of the whole group, bloom filters, and bounds of
//! its pages. Pages of different columns end at different rows: between any two ends, what is known
//! is that of the page of each column.
//!
//! Never knows how values are read.

use std::ops::Range;

use super::super::ReadColumns;
use crate::format::columnar::{ColumnarError, ColumnarFile, Filter, PageStatistics};
use crate::format::ranges::Ranges;
use crate::predicate::PruningStatistics;
use crate::values::ColumnStatistics;

/// The rows that may match, in order.
pub(super) fn ranges(
    footer: &dyn ColumnarFile,
    file: &dyn Ranges,
    group: usize,
    rows: u64,
    places: &[usize],
    columns: &ReadColumns,
) -> Result<Vec<Range<u64>>, ColumnarError> {
    let known = |column: &usize| (*column, footer.statistics(group, places[*column]));
    let group_known = columns.tested.iter().map(known).collect();
    let mut statistics =
        GroupStatistics { group: group_known, filters: Vec::new(), pages: Vec::new() };
    if rows == 0 || !columns.matcher.can_match(&statistics) {
        return Ok(Vec::new());
    }
    for column in columns.tested.iter().filter(|column| columns.matcher.uses_bloom_filter(**column))
    {
        if let Some(filter) = footer.filter(file, group, places[*column])? {
            statistics.filters.push((*column, filter));
        }
    }
    if !statistics.filters.is_empty() && !columns.matcher.can_match(&statistics) {
        return Ok(Vec::new());
    }
    let mut pages = Vec::new();
    for column in &columns.tested {
        if let Some(known) = footer.pages(file, group, places[*column])? {
            pages.push((*column, known));
        }
    }
    let mut bounds: Vec<u64> =
        pages.iter().flat_map(|(_, pages)| pages.iter().map(|page| page.first_row)).collect();
    bounds.extend([0, rows]);
    bounds.sort_unstable();
    bounds.dedup();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for (first, end) in bounds.iter().zip(&bounds[1..]) {
        statistics.pages.clear();
        for (column, pages) in &pages {
            let later = pages.partition_point(|page: &PageStatistics| page.first_row <= *first);
            if let Some(page) = later.checked_sub(1).and_then(|place| pages.get(place)) {
                statistics.pages.push((*column, page.values.as_slices()));
            }
        }
        if !columns.matcher.can_match(&statistics) {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.end == *first => last.end = *end,
            _ => ranges.push(*first..*end),
        }
    }
    Ok(ranges)
}

/// What is known of some rows.
struct GroupStatistics<'a> {
    /// Of all rows of the group, by column.
    group: Vec<(usize, ColumnStatistics<&'a [u8]>)>,
    /// By column.
    filters: Vec<(usize, Box<dyn Filter>)>,
    /// By column; of other columns that of the group holds.
    pages: Vec<(usize, ColumnStatistics<&'a [u8]>)>,
}

impl GroupStatistics<'_> {
    fn filter(&self, column: usize) -> Option<&dyn Filter> {
        let mut filters = self.filters.iter();
        filters.find(|(place, _)| *place == column).map(|(_, filter)| filter.as_ref())
    }
}

impl PruningStatistics for GroupStatistics<'_> {
    fn column(&self, column: usize) -> ColumnStatistics<&[u8]> {
        let mut known = self.pages.iter().chain(&self.group);
        known.find(|(place, _)| *place == column).map(|(_, known)| *known).unwrap_or_default()
    }

    fn may_hold(&self, column: usize, text: &[u8]) -> bool {
        self.filter(column).is_none_or(|filter| filter.may_hold(text))
    }

    fn may_hold_integer(&self, column: usize, number: i64) -> bool {
        self.filter(column).is_none_or(|filter| filter.may_hold_integer(number))
    }
}
