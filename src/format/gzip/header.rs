//! The header of a gzip member (RFC 1952, section 2.3), read in pieces of any size.
//!
//! What the header says (file name, time, system) is skipped, not kept: it never influences the
//! decoded bytes. Never knows what stands before the header or after it.

use super::GzipErrorKind;

/// The first two bytes of a member.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The only compression method that RFC 1952 defines.
const METHOD_DEFLATE: u8 = 8;

/// Longest file name and longest comment, without the closing zero. The format sets no limit; this
/// is what the extra field can hold, and sixteen times the longest path of common systems.
pub(super) const HEADER_TEXT_BYTES_MAX: u32 = 65_535;

// FTEXT, bit 0, is a hint about the data and changes nothing.
const FLAG_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0b1110_0000;

/// Bytes before the optional fields: magic, method, flags, time, extra flags, system.
const FIXED_BYTES: u8 = 10;

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// Byte `at` of the fixed part; always below [`FIXED_BYTES`].
    Fixed { at: u8 },
    /// The extra field's length; the low byte once it is known.
    ExtraLength { low: Option<u8> },
    /// The extra field; `left` bytes of it are missing, never 0.
    Extra { left: u16 },
    /// The file name; `bytes` of it were read.
    Name { bytes: u32 },
    /// The comment; `bytes` of it were read.
    Comment { bytes: u32 },
    /// The checksum; the low byte once it is known.
    Crc { low: Option<u8> },
    /// Nothing is missing.
    Done,
}

/// Reads one member's header.
#[derive(Debug)]
pub(super) struct Header {
    field: Field,
    flags: u8,
    /// Over all bytes before the checksum; its low half is the header's CRC-16.
    crc: crc32fast::Hasher,
}

impl Header {
    /// Expects the first byte of a header.
    pub(super) fn new() -> Self {
        Self { field: Field::Fixed { at: 0 }, flags: 0, crc: crc32fast::Hasher::new() }
    }

    /// Whether the header is complete.
    pub(super) fn is_done(&self) -> bool {
        self.field == Field::Done
    }

    /// Reads from the start of `input` until the header is complete or `input` is used up, and
    /// returns the number of bytes read. An error carries the number of good bytes before it.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<usize, (usize, GzipErrorKind)> {
        let mut taken = 0;
        while let (false, Some(byte)) = (self.is_done(), input.get(taken)) {
            self.field = self.take(*byte).map_err(|kind| (taken, kind))?;
            taken += 1;
        }
        Ok(taken)
    }

    /// Reads one byte of the current field and returns the field of the byte after it.
    fn take(&mut self, byte: u8) -> Result<Field, GzipErrorKind> {
        if !matches!(self.field, Field::Crc { .. }) {
            self.crc.update(&[byte]);
        }
        Ok(match self.field {
            Field::Fixed { at } => {
                self.check_fixed(at, byte)?;
                match at + 1 {
                    FIXED_BYTES => self.extra_or_later(),
                    at => Field::Fixed { at },
                }
            }
            Field::ExtraLength { low: None } => Field::ExtraLength { low: Some(byte) },
            Field::ExtraLength { low: Some(low) } => match u16::from_le_bytes([low, byte]) {
                0 => self.name_or_later(),
                left => Field::Extra { left },
            },
            Field::Extra { left: 1 } => self.name_or_later(),
            Field::Extra { left } => Field::Extra { left: left - 1 },
            Field::Name { .. } if byte == 0 => self.comment_or_later(),
            Field::Name { bytes } => Field::Name { bytes: longer(bytes, "file name")? },
            Field::Comment { .. } if byte == 0 => self.crc_or_done(),
            Field::Comment { bytes } => Field::Comment { bytes: longer(bytes, "comment")? },
            Field::Crc { low: None } => Field::Crc { low: Some(byte) },
            Field::Crc { low: Some(low) } => self.check_crc(u16::from_le_bytes([low, byte]))?,
            Field::Done => Field::Done,
        })
    }

    fn check_fixed(&mut self, at: u8, byte: u8) -> Result<(), GzipErrorKind> {
        let expect = |expected| match byte == expected {
            true => Ok(()),
            false => Err(GzipErrorKind::NotGzip { found: byte, expected }),
        };
        match at {
            0 => expect(MAGIC[0]),
            1 => expect(MAGIC[1]),
            2 if byte != METHOD_DEFLATE => Err(GzipErrorKind::Method { found: byte }),
            3 if byte & FLAGS_RESERVED != 0 => Err(GzipErrorKind::ReservedFlags { flags: byte }),
            3 => {
                self.flags = byte;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_crc(&self, stored: u16) -> Result<Field, GzipErrorKind> {
        // RFC 1952: the two least significant bytes of the CRC-32 of the header so far.
        let computed = (self.crc.clone().finalize() & 0xffff) as u16;
        match stored == computed {
            true => Ok(Field::Done),
            false => Err(GzipErrorKind::HeaderCrc { stored, computed }),
        }
    }

    fn extra_or_later(&self) -> Field {
        match self.flags & FLAG_EXTRA {
            0 => self.name_or_later(),
            _ => Field::ExtraLength { low: None },
        }
    }

    fn name_or_later(&self) -> Field {
        match self.flags & FLAG_NAME {
            0 => self.comment_or_later(),
            _ => Field::Name { bytes: 0 },
        }
    }

    fn comment_or_later(&self) -> Field {
        match self.flags & FLAG_COMMENT {
            0 => self.crc_or_done(),
            _ => Field::Comment { bytes: 0 },
        }
    }

    fn crc_or_done(&self) -> Field {
        match self.flags & FLAG_CRC {
            0 => Field::Done,
            _ => Field::Crc { low: None },
        }
    }
}

/// The length of a text after one more byte.
fn longer(bytes: u32, field: &'static str) -> Result<u32, GzipErrorKind> {
    match bytes < HEADER_TEXT_BYTES_MAX {
        true => Ok(bytes + 1),
        false => Err(GzipErrorKind::HeaderTextTooLong { field, bytes_max: HEADER_TEXT_BYTES_MAX }),
    }
}
