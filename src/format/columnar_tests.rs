//! What tests of both column formats share: whole files read as texts, and damaged ones.

use super::buffer_pool::BufferPool;
use super::columnar::{ColumnWanted, ColumnarError, ColumnarFile};
use super::ranges::Ranges;

/// The texts of all columns, row by row; runs are taken in pieces of `piece` rows, of which every
/// third is passed over and given as `None`.
pub(super) fn read_all(
    file: &dyn ColumnarFile,
    bytes: &[u8],
    piece: usize,
) -> Result<Vec<Vec<Option<Vec<u8>>>>, ColumnarError> {
    let ranges: &dyn Ranges = &bytes;
    let mut columns = vec![Vec::new(); file.columns().len()];
    let mut pool = BufferPool::default();
    for group in 0..file.groups().len() {
        let wanted: Vec<ColumnWanted> = (0..columns.len())
            .map(|column| ColumnWanted {
                column,
                serial: column as u64,
                instants: false,
                unverified: true,
            })
            .collect();
        let cursors = file.cursors(ranges, group, &wanted, &mut pool)?;
        for (mut cursor, column) in cursors.into_iter().zip(&mut columns) {
            let mut scratch = Vec::new();
            for round in 0.. {
                let rows = cursor.run()?.min(piece);
                if rows == 0 {
                    break;
                }
                if round % 3 == 2 {
                    column.extend((0..rows).map(|_| None));
                } else {
                    cursor.ready()?;
                    let values = cursor.values(0, rows);
                    let text = |row| Some(values.text(row, &mut scratch).to_vec());
                    column.extend((0..rows).map(text));
                }
                cursor.skip(rows);
            }
            cursor.give_back(&mut pool);
        }
        for column in 0..columns.len() {
            file.pages(ranges, group, column)?;
            file.filter(ranges, group, column)?;
        }
    }
    Ok(columns)
}

/// Whether what was read is what was written, but for what was passed over.
pub(super) fn agree(read: &[Vec<Option<Vec<u8>>>], written: &[Vec<Vec<u8>>]) -> bool {
    let same = |(read, written): (&Vec<Option<Vec<u8>>>, &Vec<Vec<u8>>)| {
        read.len() == written.len()
            && read
                .iter()
                .zip(written)
                .all(|(read, written)| read.as_ref().is_none_or(|read| read == written))
    };
    read.len() == written.len() && read.iter().zip(written).all(same)
}

/// Reads a file with some bytes changed: an error or other values, but no panic.
pub(super) fn read_damaged<F: ColumnarFile>(
    bytes: &[u8],
    changes: &[(usize, u8)],
    cut: usize,
    open: impl Fn(&dyn Ranges) -> Result<F, ColumnarError>,
) {
    let mut bytes = bytes[..bytes.len() - cut % bytes.len()].to_vec();
    for (place, byte) in changes {
        let place = place % bytes.len();
        bytes[place] = *byte;
    }
    let Ok(file) = open(&&bytes[..]) else { return };
    // A count of rows that is changed can be any.
    if file.groups().iter().all(|group| group.rows < 100_000) {
        let _ = read_all(&file, &bytes, 100);
    }
}
