//! A Parquet file as a file of columns.

use super::column::ParquetColumn;
use super::footer::Footer;
use super::schema::LeafColumn;
use crate::format::buffer_pool::BufferPool;
use crate::format::columnar::{
    ColumnCursor, ColumnWanted, ColumnarError, ColumnarFile, Cursors, Filter, GroupSize,
    PageStatistics,
};
use crate::format::ranges::Ranges;
use crate::values::ColumnStatistics;

impl ColumnarFile for Footer {
    fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    fn groups(&self) -> &[GroupSize] {
        &self.groups
    }

    fn bytes_held(&self) -> u64 {
        let columns = self.columns.iter();
        let columns = columns.map(|column| size_of::<LeafColumn>() + column.name.len());
        let places = self.places.len() * size_of::<u32>();
        let groups = self.groups.len() * size_of::<GroupSize>();
        (self.bytes.len() + places + groups + columns.sum::<usize>()) as u64
    }

    fn statistics(&self, group: usize, column: usize) -> ColumnStatistics<&[u8]> {
        self.chunk(group, column).map(|chunk| chunk.known).unwrap_or_default()
    }

    fn cursors<'f>(
        &self,
        file: &'f dyn Ranges,
        group: usize,
        wanted: &[ColumnWanted],
        spare: &mut BufferPool,
    ) -> Result<Cursors<'f>, ColumnarError> {
        let cursor = |wanted: &ColumnWanted| -> Result<Box<dyn ColumnCursor + 'f>, _> {
            Ok(Box::new(ParquetColumn::new(self, group, *wanted, file, spare)?))
        };
        wanted.iter().map(cursor).collect()
    }

    fn pages(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Vec<PageStatistics>>, ColumnarError> {
        self.page_index(file, group, column)
    }

    fn filter(
        &self,
        file: &dyn Ranges,
        group: usize,
        column: usize,
    ) -> Result<Option<Box<dyn Filter>>, ColumnarError> {
        self.bloom_filter(file, group, column)
    }
}
