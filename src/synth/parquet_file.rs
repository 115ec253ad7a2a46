//! Columns to a Parquet file, as S3 writes them: Snappy, dictionaries, statistics, a page index.
//!
//! Never knows what is in a column.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::columns::{ColumnBuffer, RowGroupBuffer, Values};

/// A file that is being written.
pub(super) struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

/// The schema, as a report's manifest tells it.
pub(super) fn schema(columns: &[ColumnBuffer]) -> String {
    let mut text = "message s3.inventory {".to_owned();
    for column in columns {
        let repetition = if column.required { "required" } else { "optional" };
        let (kind, note) = match column.values {
            Values::Texts { .. } => ("binary", " (STRING)"),
            Values::Flags(_) => ("boolean", ""),
            Values::Integers(_) => ("int64", ""),
            Values::Instants(_) => ("int64", " (TIMESTAMP(MILLIS,true))"),
        };
        // Writing to a String can't fail.
        let _ = write!(text, "  {repetition} {kind} {}{note};", column.name);
    }
    text.push('}');
    text
}

impl<W: Write + Send> ParquetFile<W> {
    pub(super) fn new(inner: W, columns: &[ColumnBuffer]) -> io::Result<Self> {
        let schema = parse_message_type(&schema(columns)).map_err(io::Error::other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("s3sieve synth {}", env!("CARGO_PKG_VERSION")))
            .build();
        let writer = SerializedFileWriter::new(inner, Arc::new(schema), Arc::new(properties));
        Ok(Self { writer: writer.map_err(io::Error::other)? })
    }

    /// Writes a row group; gives its length before compression.
    pub(super) fn write(&mut self, group: &RowGroupBuffer) -> io::Result<u64> {
        let mut rows = self.writer.next_row_group().map_err(io::Error::other)?;
        for column in &group.columns {
            if let Some(mut writer) = rows.next_column().map_err(io::Error::other)? {
                write_column(&mut writer, column).map_err(io::Error::other)?;
                writer.close().map_err(io::Error::other)?;
            }
        }
        let written = rows.close().map_err(io::Error::other)?;
        Ok(u64::try_from(written.total_byte_size()).unwrap_or(0))
    }

    pub(super) fn finish(self) -> io::Result<W> {
        self.writer.into_inner().map_err(io::Error::other)
    }
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    column: &ColumnBuffer,
) -> parquet::errors::Result<()> {
    match &column.values {
        Values::Texts { bytes, ends } => {
            // One copy of all, of which each value is a part.
            let all = ByteArray::from(bytes.clone());
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let present = starts.zip(ends).filter(|(start, end)| column.required || start < *end);
            let values: Vec<ByteArray> =
                present.map(|(start, end)| all.slice(start, end - start)).collect();
            let texts = Values::texts(bytes, ends);
            let levels: Vec<i16> = texts.map(|text| i16::from(!text.is_empty())).collect();
            let levels = (!column.required).then_some(&levels[..]);
            writer.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
        }
        Values::Flags(flags) => {
            let values: Vec<bool> = flags.iter().flatten().copied().collect();
            let levels: Vec<i16> = flags.iter().map(|flag| i16::from(flag.is_some())).collect();
            writer.typed::<BoolType>().write_batch(&values, Some(&levels), None)?;
        }
        Values::Integers(numbers) | Values::Instants(numbers) => {
            let values: Vec<i64> = numbers.iter().flatten().copied().collect();
            let levels: Vec<i16> = numbers.iter().map(|n| i16::from(n.is_some())).collect();
            writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}
