//! The headers of pages.
//!
//! Never knows what a page's values are.

use super::thrift::{Kind, Reader, ThriftFault};

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
        /// Values that are NULL.
        nulls: usize,
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

/// The part of a header that depends on the kind of page. What is optional in a file is missing
/// here where it was missing there.
#[derive(Default)]
struct PageKindHeader {
    values: Option<i32>,
    nulls: Option<i32>,
    rows: Option<i32>,
    encoding: Option<i32>,
    level_encoding: Option<i32>,
    level_bytes: Option<i32>,
    repetition_bytes: Option<i32>,
    is_plain: bool,
}

impl PageHeader {
    /// Reads a header; gives its length, too.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), ThriftFault> {
        let mut reader = Reader::new(bytes);
        let (mut kind, mut raw, mut compressed, mut crc) = (None, None, None, None);
        let mut inner = None;
        let mut last = 0;
        while let Some(field) = reader.field(&mut last)? {
            match (last, field) {
                (1, Kind::Integer) => kind = Some(reader.integer32()?),
                (2, Kind::Integer) => raw = Some(reader.integer32()?),
                (3, Kind::Integer) => compressed = Some(reader.integer32()?),
                (4, Kind::Integer) => crc = Some(reader.integer32()? as u32),
                (5 | 7 | 8, Kind::Struct) if inner.is_none() => {
                    inner = Some((last, PageKindHeader::read(&mut reader, last)?));
                }
                (5 | 7 | 8, _) => {
                    return Err(ThriftFault::Bad("a page header with two second parts"));
                }
                (_, other) => reader.skip(other)?,
            }
        }
        let kind = kind.ok_or(ThriftFault::Bad("a page header without a kind"))?;
        // Each kind of page has its own second part.
        let inner = match (kind, inner) {
            (0, Some((5, inner))) | (2, Some((7, inner))) | (3, Some((8, inner))) => inner,
            (1 | 4.., None) => {
                PageKindHeader { values: Some(0), encoding: Some(0), ..PageKindHeader::default() }
            }
            _ => return Err(ThriftFault::Bad("a page header without the second part of its kind")),
        };
        let header = Self {
            kind: inner.kind(kind)?,
            bytes: size(compressed)?,
            bytes_raw: size(raw)?,
            crc,
            values: size(inner.values)?,
            encoding: inner.encoding.map(Encoding::of).ok_or(MISSING)?,
        };
        Ok((header, reader.taken()))
    }
}

/// Told where a header lacks what every writer writes: it was taken for something else.
const MISSING: ThriftFault = ThriftFault::Bad("a page header without a field that it must have");

fn size(size: Option<i32>) -> Result<usize, ThriftFault> {
    usize::try_from(size.ok_or(MISSING)?).map_err(|_| ThriftFault::Bad("a page's length"))
}

impl PageKindHeader {
    fn read(reader: &mut Reader<'_>, part: i16) -> Result<Self, ThriftFault> {
        let mut inner = Self::default();
        let mut last = 0;
        while let Some(field) = reader.field(&mut last)? {
            match (part, last, field) {
                (_, 1, Kind::Integer) => inner.values = Some(reader.integer32()?),
                (5 | 7, 2, Kind::Integer) => inner.encoding = Some(reader.integer32()?),
                (5, 3, Kind::Integer) => inner.level_encoding = Some(reader.integer32()?),
                (8, 2, Kind::Integer) => inner.nulls = Some(reader.integer32()?),
                (8, 3, Kind::Integer) => inner.rows = Some(reader.integer32()?),
                (8, 4, Kind::Integer) => inner.encoding = Some(reader.integer32()?),
                (8, 5, Kind::Integer) => inner.level_bytes = Some(reader.integer32()?),
                (8, 6, Kind::Integer) => inner.repetition_bytes = Some(reader.integer32()?),
                (8, 7, Kind::False) => inner.is_plain = true,
                (_, _, other) => reader.skip(other)?,
            }
        }
        Ok(inner)
    }

    /// What a page of this kind is.
    fn kind(&self, kind: i32) -> Result<PageKind, ThriftFault> {
        Ok(match kind {
            0 => {
                let levels = self.level_encoding.map(Encoding::of).ok_or(MISSING)?;
                PageKind::Data { levels }
            }
            2 => PageKind::Dictionary,
            3 if self.rows != self.values || self.repetition_bytes != Some(0) => {
                return Err(ThriftFault::Bad("a page of nested values"));
            }
            3 => PageKind::DataV2 {
                level_bytes: size(self.level_bytes)?,
                is_compressed: !self.is_plain,
                nulls: size(self.nulls)?,
            },
            _ => PageKind::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_the_part_of_its_kind_and_all_that_it_must_have() {
        // 3 values in 20 bytes: lengths, then what a data page tells.
        let sound = [0x15, 0, 0x15, 40, 0x15, 40, 0x2C, 0x15, 6, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0];
        let (header, taken) = PageHeader::read(&sound).unwrap();
        assert_eq!((header.values, header.bytes, taken), (3, 20, sound.len()));
        let with = |place: usize, byte: u8| {
            let mut bytes = sound;
            bytes[place] = byte;
            PageHeader::read(&bytes)
        };
        // A dictionary, an index page, one of the second version, none; then the part of another.
        for (place, byte) in [(1, 4), (1, 2), (1, 6), (1, 1), (6, 0x4C), (6, 0x5C)] {
            assert!(matches!(with(place, byte), Err(ThriftFault::Bad(_))), "{place} {byte}");
        }
        // A field that became another one: the kind, a length, values, an encoding.
        for place in [0, 2, 4, 7, 9, 11] {
            assert!(with(place, sound[place] + 0x10).is_err(), "{place}");
        }
    }
}
