//! The footer of a file in a column format, and the places of the report's columns in it.

use super::super::DataErrorKind;
use super::footer_memory::FooterShare;
use crate::format::columnar::{ColumnarError, ColumnarFile};
#[cfg(feature = "orc")]
use crate::format::orc::Tail;
#[cfg(feature = "parquet")]
use crate::format::parquet::Footer;
use crate::report::{self, FileFormat, Schema};
use crate::source::SourceFile;

/// A file's footer, and the places of the report's columns in it.
pub(super) struct FileFooter {
    pub(super) columns: Box<dyn ColumnarFile>,
    pub(super) places: Vec<usize>,
    /// Its memory, which is given back when it is dropped.
    _share: FooterShare,
}

impl FileFooter {
    pub(super) fn read(
        file: &SourceFile,
        format: FileFormat,
        schema: &Schema,
        mut share: FooterShare,
    ) -> Result<Self, DataErrorKind> {
        let columns = read_footer(file, format, &mut |bytes| share.take(bytes))?;
        share.shrink(columns.bytes_held());
        let names = columns.columns();
        let own = Schema::from_names(&names);
        if let Some(column) = own.repeated() {
            return Err(DataErrorKind::TwoColumns { column: column.to_owned() });
        }
        let place = |column: &report::Column| {
            own.position(&column.name).ok_or_else(|| DataErrorKind::Columns {
                column: column.name.clone(),
                found: report::names_listed(names.iter().map(String::as_str)),
            })
        };
        let places = schema.columns().iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { columns, places, _share: share })
    }
}

/// Reads a footer; `admit` is told before how much memory that may take.
fn read_footer(
    file: &SourceFile,
    format: FileFormat,
    admit: &mut dyn FnMut(u64),
) -> Result<Box<dyn ColumnarFile>, ColumnarError> {
    match format {
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => Ok(Box::new(Footer::read_within(file, admit)?)),
        #[cfg(feature = "orc")]
        FileFormat::Orc => Ok(Box::new(Tail::read_within(file, admit)?)),
        other => Err(ColumnarError::in_file(format!("{other} is no column format read here"))),
    }
}
