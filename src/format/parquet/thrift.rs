//! Thrift's compact protocol, as far as Parquet's own structures take it.
//!
//! Never knows what a field means. Nothing is allocated; depth and counts are bounded by what is
//! there.

/// Structures inside each other at most; Parquet's own need five.
const DEPTH_MAX: usize = 16;

/// Why bytes are no such structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThriftFault {
    /// They end too early.
    Truncated,
    /// They can't be what they should.
    Bad(&'static str),
}

impl From<ThriftFault> for String {
    fn from(fault: ThriftFault) -> Self {
        match fault {
            ThriftFault::Truncated => "it ends too early".to_owned(),
            ThriftFault::Bad(fault) => fault.to_owned(),
        }
    }
}

/// What a field holds, by its type in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    True,
    False,
    Byte,
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of(code: u8) -> Result<Self, ThriftFault> {
        Ok(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(ThriftFault::Bad("a field of an unknown type")),
        })
    }
}

/// Reads one value after the other.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// Bytes taken; never above the length.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were taken.
    pub(super) fn taken(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ThriftFault> {
        let taken = self.bytes[self.at..].get(..count).ok_or(ThriftFault::Truncated)?;
        self.at += count;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, ThriftFault> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// An unsigned number of variable length.
    pub(super) fn varint(&mut self) -> Result<u64, ThriftFault> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            // Of the tenth byte, one bit has room.
            if shift == 63 && byte > 1 {
                break;
            }
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(ThriftFault::Bad("a number of more than 64 bits"))
    }

    /// A signed number of variable length.
    pub(super) fn integer(&mut self) -> Result<i64, ThriftFault> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A signed number of 32 bits.
    pub(super) fn integer32(&mut self) -> Result<i32, ThriftFault> {
        self.integer()?.try_into().map_err(|_| ThriftFault::Bad("a number of more than 32 bits"))
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], ThriftFault> {
        let length = usize::try_from(self.varint()?).map_err(|_| ThriftFault::Truncated)?;
        self.take(length)
    }

    /// The next field of a structure; `None` at its end. `last` is the number of the one before,
    /// 0 at the beginning.
    pub(super) fn field(&mut self, last: &mut i16) -> Result<Option<Kind>, ThriftFault> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let number = match byte >> 4 {
            0 => i16::try_from(self.integer()?).ok(),
            step => last.checked_add(i16::from(step)),
        };
        // Writers give fields in order, and none the number 0: so none comes twice.
        *last =
            number.filter(|number| *number > *last).ok_or(ThriftFault::Bad("a field's number"))?;
        Kind::of(byte & 15).map(Some)
    }

    /// The beginning of a list: what it holds, and how many; no more than there are bytes.
    pub(super) fn list(&mut self) -> Result<(Kind, usize), ThriftFault> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| ThriftFault::Truncated)?,
            count => usize::from(count),
        };
        // Each takes a byte at least.
        if count > self.left() {
            return Err(ThriftFault::Truncated);
        }
        Ok((Kind::of(byte & 15)?, count))
    }

    /// A boolean in a list, where it takes a byte.
    pub(super) fn flag(&mut self) -> Result<bool, ThriftFault> {
        match self.byte()? {
            1 => Ok(true),
            // Some writers have 0 instead of 2.
            0 | 2 => Ok(false),
            _ => Err(ThriftFault::Bad("a flag that is neither")),
        }
    }

    /// Passes over the value of a field.
    pub(super) fn skip(&mut self, kind: Kind) -> Result<(), ThriftFault> {
        self.skip_at(kind, false, 0)
    }

    fn skip_at(&mut self, kind: Kind, listed: bool, depth: usize) -> Result<(), ThriftFault> {
        if depth > DEPTH_MAX {
            return Err(ThriftFault::Bad("structures too deep inside each other"));
        }
        match kind {
            Kind::True | Kind::False if !listed => {}
            Kind::True | Kind::False | Kind::Byte => drop(self.byte()?),
            Kind::Integer => drop(self.varint()?),
            Kind::Double => drop(self.take(8)?),
            Kind::Uuid => drop(self.take(16)?),
            Kind::Binary => drop(self.binary()?),
            Kind::List => {
                let (kind, count) = self.list()?;
                for _ in 0..count {
                    self.skip_at(kind, true, depth + 1)?;
                }
            }
            Kind::Map => {
                let count = usize::try_from(self.varint()?).map_err(|_| ThriftFault::Truncated)?;
                if count > self.left() {
                    return Err(ThriftFault::Truncated);
                }
                if count > 0 {
                    let kinds = self.byte()?;
                    for _ in 0..count {
                        self.skip_at(Kind::of(kinds >> 4)?, true, depth + 1)?;
                        self.skip_at(Kind::of(kinds & 15)?, true, depth + 1)?;
                    }
                }
            }
            Kind::Struct => {
                let mut last = 0;
                while let Some(kind) = self.field(&mut last)? {
                    self.skip_at(kind, false, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_and_lists_are_read() {
        // 1: integer 5; 2: binary "ab"; 4: list of two integers -1, 1; 300: true; end.
        let bytes = [0x15, 10, 0x18, 2, b'a', b'b', 0x29, 0x25, 1, 2, 0x01, 0xD8, 0x04, 0x00, 0xEE];
        let mut reader = Reader::new(&bytes);
        let mut last = 0;
        assert_eq!(reader.field(&mut last), Ok(Some(Kind::Integer)));
        assert_eq!((last, reader.integer32()), (1, Ok(5)));
        assert_eq!(reader.field(&mut last), Ok(Some(Kind::Binary)));
        assert_eq!((last, reader.binary()), (2, Ok(&b"ab"[..])));
        assert_eq!(reader.field(&mut last), Ok(Some(Kind::List)));
        assert_eq!((last, reader.list()), (4, Ok((Kind::Integer, 2))));
        assert_eq!((reader.integer(), reader.integer()), (Ok(-1), Ok(1)));
        assert_eq!(reader.field(&mut last), Ok(Some(Kind::True)));
        assert_eq!((last, reader.field(&mut last)), (300, Ok(None)));
        assert_eq!(reader.taken(), bytes.len() - 1);
        let mut skipping = Reader::new(&bytes);
        assert_eq!(skipping.skip(Kind::Struct), Ok(()));
        assert_eq!(skipping.taken(), bytes.len() - 1);
    }

    #[test]
    fn absurd_counts_and_depths_are_refused() {
        // A list of 2^31 structures, and lists inside each other.
        let list = [0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0];
        assert_eq!(Reader::new(&list).skip(Kind::Struct), Err(ThriftFault::Truncated));
        let mut deep = vec![0x19];
        deep.extend([0x19; 100]);
        assert!(matches!(Reader::new(&deep).skip(Kind::Struct), Err(ThriftFault::Bad(_))));
    }

    #[test]
    fn fields_out_of_order_are_refused() {
        let read = |bytes: &[u8]| Reader::new(bytes).skip(Kind::Struct);
        assert_eq!(read(&[0x15, 10, 0x15, 10, 0]), Ok(()));
        // Field 0; a field that comes again; one before the last one.
        for bytes in [[0x05, 0, 10, 0, 0, 0], [0x15, 10, 0x05, 2, 10, 0], [0x35, 10, 5, 2, 10, 0]] {
            assert_eq!(read(&bytes), Err(ThriftFault::Bad("a field's number")), "{bytes:?}");
        }
    }

    #[test]
    fn numbers_of_more_than_64_bits_are_refused() {
        let mut most = [0xff; 10];
        for (last, fits) in [(1, true), (2, false), (0x7f, false), (0xff, false)] {
            most[9] = last;
            assert_eq!(Reader::new(&most).varint().is_ok(), fits, "{last}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Reader::new(&bytes).skip(Kind::Struct);
        }
    }
}
