//! Protocol buffers, as far as ORC's own messages take them.
//!
//! Never knows what a field means. Nothing is allocated.

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProtoFault;

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of 32 or 64 bits in fixed form, which no message here needs.
    Fixed,
}

impl<'a> Value<'a> {
    pub(super) fn number(self) -> Result<u64, ProtoFault> {
        if let Self::Number(number) = self { Ok(number) } else { Err(ProtoFault) }
    }

    /// A number written in zigzag form.
    pub(super) fn signed(self) -> Result<i64, ProtoFault> {
        self.number().map(unzigzag)
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], ProtoFault> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(ProtoFault) }
    }

    /// Each number of a list: packed, or one by one.
    pub(super) fn numbers(self, mut each: impl FnMut(u64)) -> Result<(), ProtoFault> {
        match self {
            Self::Number(number) => each(number),
            Self::Bytes(mut bytes) => {
                while !bytes.is_empty() {
                    each(varint(&mut bytes)?);
                }
            }
            Self::Fixed => return Err(ProtoFault),
        }
        Ok(())
    }
}

/// The fields of a message, in order.
pub(super) struct Message<'a>(pub(super) &'a [u8]);

impl<'a> Message<'a> {
    /// The next field with its number; `None` at the end.
    pub(super) fn field(&mut self) -> Result<Option<(u64, Value<'a>)>, ProtoFault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        // Tags have 32 bits, and field numbers start at 1.
        let tag = u32::try_from(varint(&mut self.0)?).map_err(|_| ProtoFault)?;
        let field = u64::from(tag >> 3);
        if field == 0 {
            return Err(ProtoFault);
        }
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(varint(&mut self.0)?).map_err(|_| ProtoFault)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(ProtoFault),
        };
        Ok(Some((field, value)))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ProtoFault> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ProtoFault)?;
        self.0 = rest;
        Ok(taken)
    }
}

pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, ProtoFault> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(ProtoFault)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            // Of the tenth byte, one bit has room.
            return if shift == 63 && *byte > 1 { Err(ProtoFault) } else { Ok(number) };
        }
    }
    Err(ProtoFault)
}

/// Keeps the value of a field that a message has once.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), ProtoFault> {
    if place.replace(value).is_some() { Err(ProtoFault) } else { Ok(()) }
}

/// The numbers in these fields of a message, each of which it has once or not at all.
pub(super) fn numbers_of<const N: usize>(
    message: Value<'_>,
    fields: [u64; N],
) -> Result<[Option<u64>; N], ProtoFault> {
    let mut found = [None; N];
    let mut message = Message(message.bytes()?);
    while let Some((field, value)) = message.field()? {
        if let Some(place) = fields.iter().position(|known| *known == field) {
            once(&mut found[place], value.number()?)?;
        }
    }
    Ok(found)
}

pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_come_in_order() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 2, b'o', b'k', 0x1A, 2, 1, 2, 0x25, 0, 0, 0, 0];
        let mut message = Message(&bytes);
        assert_eq!(message.field(), Ok(Some((1, Value::Number(150)))));
        assert_eq!(message.field(), Ok(Some((2, Value::Bytes(b"ok")))));
        let Ok(Some((3, packed))) = message.field() else { panic!() };
        let mut numbers = Vec::new();
        packed.numbers(|number| numbers.push(number)).unwrap();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(message.field(), Ok(Some((4, Value::Fixed))));
        assert_eq!(message.field(), Ok(None));
    }

    #[test]
    fn what_no_writer_writes_is_a_fault() {
        // Field 0, a tag of more than 32 bits, and numbers of more than 64.
        for bytes in [&[0x00, 1][..], &[0x02, 0], &[0x80, 0x80, 0x80, 0x80, 0x10, 1]] {
            assert_eq!(Message(bytes).field(), Err(ProtoFault), "{bytes:?}");
        }
        let mut most = [0xff; 10];
        for (last, expected) in [(1, Ok(u64::MAX)), (2, Err(ProtoFault)), (0x7f, Err(ProtoFault))] {
            most[9] = last;
            assert_eq!(varint(&mut &most[..]), expected);
        }
        let numbers = |bytes: &'static [u8]| numbers_of(Value::Bytes(bytes), [1, 3]);
        assert_eq!(numbers(&[0x18, 7, 0x10, 9]), Ok([None, Some(7)]));
        assert_eq!(numbers(&[0x18, 7, 0x18, 7]), Err(ProtoFault), "a field that comes twice");
        assert_eq!(numbers(&[0x1A, 1, 7]), Err(ProtoFault), "bytes where a number belongs");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut message = Message(&bytes);
            while let Ok(Some((_, value))) = message.field() {
                let _ = value.numbers(|_| {});
            }
        }
    }
}
