//! An ORC file as a file of columns.

use super::column::OrcColumn;
use super::stripe::StripeFooter;
use super::tail::{FileColumn, Stripe, Tail};
use crate::format::buffer_pool::BufferPool;
use crate::format::columnar::{
    ColumnCursor, ColumnWanted, ColumnarError, ColumnarFile, Cursors, Filter, GroupSize,
    PageStatistics,
};
use crate::format::ranges::Ranges;
use crate::values::ColumnStatistics;

impl ColumnarFile for Tail {
    fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    fn groups(&self) -> &[GroupSize] {
        &self.groups
    }

    fn bytes_held(&self) -> u64 {
        let columns = self.columns.iter();
        let columns = columns.map(|column| size_of::<FileColumn>() + column.name.len());
        let of_stripe = size_of::<Stripe>() + size_of::<GroupSize>();
        (self.metadata.len() + self.stripes.len() * of_stripe + columns.sum::<usize>()) as u64
    }

    fn statistics(&self, group: usize, column: usize) -> ColumnStatistics<&[u8]> {
        let stripe = &self.stripes[group];
        let statistics = self.statistics_of(stripe, &self.columns[column]);
        let known = self.fits[column].then(|| statistics.of_rows(stripe.rows)).flatten();
        known.unwrap_or_default()
    }

    fn cursors<'f>(
        &self,
        file: &'f dyn Ranges,
        group: usize,
        wanted: &[ColumnWanted],
        pool: &mut BufferPool,
    ) -> Result<Cursors<'f>, ColumnarError> {
        let footer = StripeFooter::read(self, file, group)?;
        let cursor = |wanted: &ColumnWanted| -> Result<Box<dyn ColumnCursor + 'f>, _> {
            Ok(Box::new(OrcColumn::new(self, &footer, group, *wanted, file, pool)?))
        };
        wanted.iter().map(cursor).collect()
    }

    fn pages(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Vec<PageStatistics>>, ColumnarError> {
        if self.stride == 0 || self.stripes[group].rows <= self.stride {
            return Ok(None);
        }
        StripeFooter::read(self, file, group)?.row_index(self, file, group, column)
    }

    fn filter(
        &self,
        _: &dyn Ranges,
        _: usize,
        _: usize,
    ) -> Result<Option<Box<dyn Filter>>, ColumnarError> {
        Ok(None)
    }
}
