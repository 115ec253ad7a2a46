//! The headers of pages.
//!
//! Never knows what a page's values are.

use super::thrift::{Fault, Kind, Reader};

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Rle,
    BitPacked,
    DeltaBinaryPacked,
    DeltaLengthByteArray,
    DeltaByteArray,
    /// Also the old name, `PLAIN_DICTIONARY`.
    Dictionary,
    Other(i32),
}

impl Encoding {
    fn of(code: i32) -> Self {
        match code {
            0 => Self::Plain,
            2 | 8 => Self::Dictionary,
            3 => Self::Rle,
            4 => Self::BitPacked,
            5 => Self::DeltaBinaryPacked,
            6 => Self::DeltaLengthByteArray,
            7 => Self::DeltaByteArray,
            other => Self::Other(other),
        }
    }
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Values, and levels compressed with them.
    Data {
        levels: Encoding,
    },
    /// Values, and levels apart from them.
    DataV2 {
        level_bytes: usize,
        is_compressed: bool,
    },
    Dictionary,
    /// To be passed over.
    Other,
}

/// The header of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: PageKind,
    /// Bytes behind the header, in the file.
    pub(super) bytes: usize,
    /// Bytes after decompression.
    pub(super) bytes_raw: usize,
    pub(super) crc: Option<u32>,
    /// Values, NULL too.
    pub(super) values: usize,
    pub(super) encoding: Encoding,
}

/// The parts of a header that depend on the kind of page.
#[derive(Default)]
struct Inner {
    values: i32,
    rows: Option<i32>,
    encoding: i32,
    level_encoding: i32,
    level_bytes: i32,
    repetition_bytes: i32,
    is_plain: bool,
}

impl PageHeader {
    /// Reads a header; gives its length, too.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), Fault> {
        let mut reader = Reader::new(bytes);
        let (mut kind, mut raw, mut compressed, mut crc) = (-1, -1, -1, None);
        let mut inner = None;
        let mut last = 0;
        while let Some(field) = reader.field(&mut last)? {
            match (last, field) {
                (1, Kind::Integer) => kind = reader.integer32()?,
                (2, Kind::Integer) => raw = reader.integer32()?,
                (3, Kind::Integer) => compressed = reader.integer32()?,
                (4, Kind::Integer) => crc = Some(reader.integer32()? as u32),
                (5 | 7 | 8, Kind::Struct) => inner = Some(Inner::read(&mut reader, last)?),
                (_, other) => reader.skip(other)?,
            }
        }
        let size = |size: i32| usize::try_from(size).map_err(|_| Fault::Bad("a page's length"));
        let inner = match kind {
            0 | 2 | 3 => inner.ok_or(Fault::Bad("a page header without its second part"))?,
            _ => Inner::default(),
        };
        let kind = match kind {
            0 => PageKind::Data { levels: Encoding::of(inner.level_encoding) },
            2 => PageKind::Dictionary,
            3 if inner.rows != Some(inner.values) || inner.repetition_bytes != 0 => {
                return Err(Fault::Bad("a page of nested values"));
            }
            3 => PageKind::DataV2 {
                level_bytes: size(inner.level_bytes)?,
                is_compressed: !inner.is_plain,
            },
            1 | 4.. => PageKind::Other,
            _ => return Err(Fault::Bad("a page header without a kind")),
        };
        let header = Self {
            kind,
            bytes: size(compressed)?,
            bytes_raw: size(raw)?,
            crc,
            values: size(inner.values)?,
            encoding: Encoding::of(inner.encoding),
        };
        Ok((header, reader.taken()))
    }
}

impl Inner {
    fn read(reader: &mut Reader<'_>, part: i16) -> Result<Self, Fault> {
        let mut inner = Self::default();
        let mut last = 0;
        while let Some(field) = reader.field(&mut last)? {
            match (part, last, field) {
                (_, 1, Kind::Integer) => inner.values = reader.integer32()?,
                (5 | 7, 2, Kind::Integer) => inner.encoding = reader.integer32()?,
                (5, 3, Kind::Integer) => inner.level_encoding = reader.integer32()?,
                (8, 3, Kind::Integer) => inner.rows = Some(reader.integer32()?),
                (8, 4, Kind::Integer) => inner.encoding = reader.integer32()?,
                (8, 5, Kind::Integer) => inner.level_bytes = reader.integer32()?,
                (8, 6, Kind::Integer) => inner.repetition_bytes = reader.integer32()?,
                (8, 7, Kind::False) => inner.is_plain = true,
                (_, _, other) => reader.skip(other)?,
            }
        }
        Ok(inner)
    }
}
