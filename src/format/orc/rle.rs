//! Run-length encodings: whole numbers in both versions, bytes, and bits.
//!
//! A decoder takes one run after the other from a stream and keeps what of it was not asked for.
//!
//! Never knows columns or NULL.

use super::chunks::Chunks;
use super::proto::{unzigzag, varint};
use crate::format::columnar::ColumnarError;
use crate::format::ranges::Ranges;

/// The longest run: 512 numbers of 64 bits with as many bits of patches, and its header.
const RUN_BYTES_MAX: usize = 6 << 10;

/// What is wrong where a run is longer than what it is for.
const LEFT: &str = "a stream has more values than its rows: the file is damaged";

/// Which version, and whether numbers have signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberEncoding {
    pub(super) second_version: bool,
    pub(super) signed: bool,
}

/// Decodes whole numbers.
pub(super) struct NumberRle<R> {
    pub(super) chunks: Chunks<R>,
    numbers: NumberEncoding,
    /// The run at hand; `run[at..]` was not asked for yet.
    run: Vec<i64>,
    at: usize,
}

impl<R: Ranges> NumberRle<R> {
    pub(super) fn new(chunks: Chunks<R>, numbers: NumberEncoding) -> Self {
        Self { chunks, numbers, run: Vec::new(), at: 0 }
    }

    /// Appends the next numbers, as `change` makes them.
    pub(super) fn take<T>(
        &mut self,
        mut count: usize,
        change: impl Fn(i64) -> T,
        out: &mut Vec<T>,
    ) -> Result<(), ColumnarError> {
        out.reserve(count);
        while count > 0 {
            if self.at == self.run.len() {
                self.next_run()?;
            }
            let length = count.min(self.run.len() - self.at);
            out.extend(self.run[self.at..self.at + length].iter().map(|number| change(*number)));
            self.at += length;
            count -= length;
        }
        Ok(())
    }

    /// Passes over numbers; gives their sum.
    pub(super) fn skip(&mut self, mut count: usize) -> Result<u64, ColumnarError> {
        let mut sum = 0_u64;
        while count > 0 {
            if self.at == self.run.len() {
                self.next_run()?;
            }
            let length = count.min(self.run.len() - self.at);
            for number in &self.run[self.at..self.at + length] {
                sum = sum.saturating_add(*number as u64);
            }
            self.at += length;
            count -= length;
        }
        Ok(sum)
    }

    /// Expects that no number is left.
    pub(super) fn expect_end(&mut self) -> Result<(), ColumnarError> {
        if self.at < self.run.len() {
            return Err(self.chunks.fault(LEFT));
        }
        self.chunks.expect_end(0)
    }

    fn next_run(&mut self) -> Result<(), ColumnarError> {
        self.run.clear();
        self.at = 0;
        let mut rest = self.chunks.peek(RUN_BYTES_MAX)?;
        let before = rest.len();
        let decoded = match self.numbers.second_version {
            true => second_version(&mut rest, self.numbers.signed, &mut self.run),
            false => first_version(&mut rest, self.numbers.signed, &mut self.run),
        };
        let taken = before - rest.len();
        if decoded.is_none() || self.run.is_empty() {
            return Err(self.chunks.fault("a run of numbers is damaged or cut"));
        }
        self.chunks.take(taken);
        Ok(())
    }
}

/// `None` where the bytes are cut or make no sense, here and below.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1).map(|bytes| bytes[0])
}

fn number(rest: &mut &[u8], signed: bool) -> Option<i64> {
    let number = varint(rest).ok()?;
    Some(if signed { unzigzag(number) } else { number as i64 })
}

fn first_version(rest: &mut &[u8], signed: bool, out: &mut Vec<i64>) -> Option<()> {
    let header = byte(rest)?;
    if header < 0x80 {
        let step = i64::from(byte(rest)? as i8);
        let mut value = number(rest, signed)?;
        for _ in 0..usize::from(header) + 3 {
            out.push(value);
            value = value.wrapping_add(step);
        }
    } else {
        for _ in 0..256 - usize::from(header) {
            out.push(number(rest, signed)?);
        }
    }
    Some(())
}

fn second_version(rest: &mut &[u8], signed: bool, out: &mut Vec<i64>) -> Option<()> {
    let first = byte(rest)?;
    if first >> 6 == 0 {
        let width = usize::from(first >> 3 & 7) + 1;
        let value = big_endian(take(rest, width)?);
        let value = if signed { unzigzag(value) } else { value as i64 };
        out.resize(usize::from(first & 7) + 3, value);
        return Some(());
    }
    let code = first >> 1 & 31;
    let length = (usize::from(first & 1) << 8 | usize::from(byte(rest)?)) + 1;
    match first >> 6 {
        1 => {
            let width = width_of(code);
            let packed = take(rest, (length * width).div_ceil(8))?;
            if signed {
                unpack(packed, width, length, |value| out.push(unzigzag(value)));
            } else {
                unpack(packed, width, length, |value| out.push(value as i64));
            }
        }
        2 => patched(rest, code, length, out)?,
        _ => deltas(rest, code, length, signed, out)?,
    }
    Some(())
}

/// Numbers above a base, of which a few had more bits than there was room for.
fn patched(rest: &mut &[u8], code: u8, length: usize, out: &mut Vec<i64>) -> Option<()> {
    let width = width_of(code);
    let (third, fourth) = (byte(rest)?, byte(rest)?);
    let base_bytes = usize::from(third >> 5) + 1;
    let patch_width = width_of(third & 31);
    let gap_width = usize::from(fourth >> 5) + 1;
    let patches = usize::from(fourth & 31);
    let base = big_endian(take(rest, base_bytes)?);
    // The highest bit is the sign of what follows it.
    let sign = 1_u64 << (base_bytes * 8 - 1);
    let base = if base & sign == 0 { base as i64 } else { ((base & !sign) as i64).wrapping_neg() };
    let packed = take(rest, (length * width).div_ceil(8))?;
    unpack(packed, width, length, |value| out.push(value as i64));
    let entry_width = closest_width(gap_width + patch_width)?;
    let packed = take(rest, (patches * entry_width).div_ceil(8))?;
    let mut at = 0;
    let mut inside = true;
    unpack(packed, entry_width, patches, |entry| {
        let gap = (u128::from(entry) >> patch_width) as usize;
        let patch = (u128::from(entry) & ((1_u128 << patch_width) - 1)) as u64;
        at += gap;
        // A gap too long for its bits goes on in the next entry.
        if let Some(value) = out.get_mut(at) {
            *value |= patch.checked_shl(width as u32).unwrap_or(0) as i64;
        } else {
            inside = false;
        }
    });
    out.iter_mut().for_each(|value| *value = value.wrapping_add(base));
    inside.then_some(())
}

fn deltas(
    rest: &mut &[u8],
    code: u8,
    length: usize,
    signed: bool,
    out: &mut Vec<i64>,
) -> Option<()> {
    let mut value = number(rest, signed)?;
    let step = number(rest, true)?;
    out.push(value);
    if code == 0 {
        for _ in 1..length {
            value = value.wrapping_add(step);
            out.push(value);
        }
        return Some(());
    }
    if length > 1 {
        value = value.wrapping_add(step);
        out.push(value);
    }
    let (width, left) = (width_of(code), length.saturating_sub(2));
    let packed = take(rest, (left * width).div_ceil(8))?;
    unpack(packed, width, left, |difference| {
        let difference = difference as i64;
        value =
            if step < 0 { value.wrapping_sub(difference) } else { value.wrapping_add(difference) };
        out.push(value);
    });
    Some(())
}

/// The width that a code of five bits stands for.
fn width_of(code: u8) -> usize {
    match code {
        0..=23 => usize::from(code) + 1,
        24..=27 => usize::from(code - 24) * 2 + 26,
        _ => usize::from(code & 31) * 8 - 184,
    }
}

/// The next width that a code can stand for.
fn closest_width(width: usize) -> Option<usize> {
    (0..32).map(width_of).find(|known| *known >= width)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Numbers of 1 to 64 bits, the highest bit first; all are there.
fn unpack(packed: &[u8], width: usize, count: usize, mut each: impl FnMut(u64)) {
    if width == 8 {
        packed.iter().take(count).for_each(|byte| each(u64::from(*byte)));
        return;
    }
    let (mut buffer, mut bits) = (0_u128, 0);
    let mut bytes = packed.iter();
    for _ in 0..count {
        while bits < width {
            buffer = buffer << 8 | u128::from(bytes.next().copied().unwrap_or(0));
            bits += 8;
        }
        bits -= width;
        each((buffer >> bits) as u64 & (u64::MAX >> (64 - width)));
    }
}

/// Decodes bytes.
pub(super) struct ByteRle<R> {
    pub(super) chunks: Chunks<R>,
    /// Bytes of the run at hand that were not asked for yet.
    left: usize,
    /// What they all are; `None` where they stand in the stream.
    repeated: Option<u8>,
}

impl<R: Ranges> ByteRle<R> {
    pub(super) fn new(chunks: Chunks<R>) -> Self {
        Self { chunks, left: 0, repeated: None }
    }

    /// Appends the next bytes.
    pub(super) fn take(
        &mut self,
        mut count: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), ColumnarError> {
        while count > 0 {
            if self.left == 0 {
                let header = self.one()?;
                if header < 0x80 {
                    self.left = usize::from(header) + 3;
                    self.repeated = Some(self.one()?);
                } else {
                    self.left = 256 - usize::from(header);
                    self.repeated = None;
                }
            }
            let length = count.min(self.left);
            match self.repeated {
                Some(byte) => out.resize(out.len() + length, byte),
                None => {
                    let bytes = self.chunks.peek(length)?;
                    let Some(bytes) = bytes.get(..length) else {
                        return Err(self.chunks.fault("a stream ends before its values"));
                    };
                    out.extend_from_slice(bytes);
                    self.chunks.take(length);
                }
            }
            self.left -= length;
            count -= length;
        }
        Ok(())
    }

    /// Expects that no byte is left.
    pub(super) fn expect_end(&mut self) -> Result<(), ColumnarError> {
        if self.left > 0 {
            return Err(self.chunks.fault(LEFT));
        }
        self.chunks.expect_end(0)
    }

    fn one(&mut self) -> Result<u8, ColumnarError> {
        let Some(byte) = self.chunks.peek(1)?.first().copied() else {
            return Err(self.chunks.fault("a stream ends before its values"));
        };
        self.chunks.take(1);
        Ok(byte)
    }
}

/// Decodes bits, the highest of a byte first.
pub(super) struct BitRle<R> {
    pub(super) bytes: ByteRle<R>,
    /// The last byte, of which `left` bits, the lower ones, were not asked for yet.
    last: u8,
    left: usize,
    scratch: Vec<u8>,
}

impl<R: Ranges> BitRle<R> {
    pub(super) fn new(chunks: Chunks<R>) -> Self {
        Self { bytes: ByteRle::new(chunks), last: 0, left: 0, scratch: Vec::new() }
    }

    /// Appends the next bits, as `change` makes them.
    pub(super) fn take<T>(
        &mut self,
        count: usize,
        change: impl Fn(bool) -> T,
        out: &mut Vec<T>,
    ) -> Result<(), ColumnarError> {
        out.reserve(count);
        let held = count.min(self.left);
        out.extend((0..held).map(|place| change(self.last >> (self.left - 1 - place) & 1 == 1)));
        self.left -= held;
        let count = count - held;
        if count == 0 {
            return Ok(());
        }
        self.scratch.clear();
        self.bytes.take(count.div_ceil(8), &mut self.scratch)?;
        let bits =
            self.scratch.iter().flat_map(|byte| (0..8).map(move |place| byte >> (7 - place)));
        out.extend(bits.take(count).map(|bit| change(bit & 1 == 1)));
        self.last = self.scratch.last().copied().unwrap_or(0);
        self.left = (8 - count % 8) % 8;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::chunks::Compression;
    use super::*;
    use crate::format::buffer_pool::BufferPool;
    use crate::format::codec::Codec;
    use crate::format::ranges::RangeStream;

    fn chunks(bytes: &[u8]) -> Chunks<&[u8]> {
        let stream = RangeStream::new(bytes, 0, bytes.len() as u64, Vec::new()).unwrap();
        let compression = Compression { codec: Codec::None, chunk_bytes: 1 << 10 };
        Chunks::new(stream, compression, &mut BufferPool::default())
    }

    fn decoded(bytes: &[u8], second_version: bool, signed: bool, count: usize) -> Vec<i64> {
        let mut out = Vec::new();
        let mut rle = NumberRle::new(chunks(bytes), NumberEncoding { second_version, signed });
        rle.take(count, |number| number, &mut out).unwrap();
        out
    }

    /// The examples of the format's specification.
    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(decoded(&[0x0a, 0x27, 0x10], true, false, 5), [10_000; 5]);
        assert_eq!(
            decoded(&[0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef], true, false, 4),
            [23_713, 43_806, 57_005, 48_879]
        );
        let patched = [
            0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46,
            0x50, 0x5a, 0x64, 0x6e, 0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8,
        ];
        let mut expected: Vec<i64> = vec![2030, 2000, 2020, 1_000_000];
        expected.extend((204..=219).map(|ten| ten * 10));
        assert_eq!(decoded(&patched, true, false, 20), expected);
        assert_eq!(
            decoded(&[0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46], true, false, 10),
            [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
        );
        assert_eq!(decoded(&[0x61, 0x00, 0x07], false, false, 100), [7; 100]);
        assert_eq!(
            decoded(&[0x61, 0xff, 0x64], false, false, 100),
            (1..=100).rev().collect::<Vec<_>>()
        );
        assert_eq!(decoded(&[0xfb, 2, 3, 4, 7, 11], false, false, 5), [2, 3, 4, 7, 11]);
        let mut bytes = Vec::new();
        ByteRle::new(chunks(&[0x61, 0x00, 0xfe, 0x44, 0x45])).take(102, &mut bytes).unwrap();
        assert_eq!(bytes, [&[0; 100][..], &[0x44, 0x45]].concat());
        let mut bits = Vec::new();
        let mut rle = BitRle::new(chunks(&[0xff, 0x80]));
        for count in [1, 2, 5] {
            rle.take(count, u8::from, &mut bits).unwrap();
        }
        assert_eq!(bits, [1, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn values_that_are_left_are_told() {
        for (count, ends) in [(3, false), (4, false), (5, true)] {
            let numbers = NumberEncoding { second_version: true, signed: false };
            let mut rle = NumberRle::new(chunks(&[0x0a, 0x27, 0x10]), numbers);
            rle.skip(count).unwrap();
            assert_eq!(rle.expect_end().is_ok(), ends, "{count} numbers");
            let mut rle = ByteRle::new(chunks(&[0xfe, 7, 7, 0x00, 9]));
            rle.take(count, &mut Vec::new()).unwrap();
            assert_eq!(rle.expect_end().is_ok(), ends, "{count} bytes");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_refused_or_read(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            count in 0..900usize,
            second_version in any::<bool>(),
            signed in any::<bool>(),
        ) {
            let decoder = NumberEncoding { second_version, signed };
            let mut rle = NumberRle::new(chunks(&bytes), decoder);
            let mut numbers = Vec::new();
            let taken = rle.take(count, |number| number, &mut numbers);
            let mut again = NumberRle::new(chunks(&bytes), decoder);
            prop_assert_eq!(again.skip(count).is_ok(), taken.is_ok());
            let _ = BitRle::new(chunks(&bytes)).take(count, u8::from, &mut Vec::new());
        }

        #[test]
        fn packed_numbers_come_back(
            numbers in proptest::collection::vec(any::<u64>(), 1..30), code in 0..32u8,
        ) {
            let width = width_of(code);
            let numbers: Vec<u64> =
                numbers.iter().map(|number| number & (u64::MAX >> (64 - width))).collect();
            let mut bits = String::new();
            for number in &numbers {
                bits.push_str(&format!("{number:064b}")[64 - width..]);
            }
            let mut packed = Vec::new();
            for byte in bits.as_bytes().chunks(8) {
                let text = String::from_utf8(byte.to_vec()).unwrap();
                packed.push(u8::from_str_radix(&format!("{text:0<8}"), 2).unwrap());
            }
            let mut out = Vec::new();
            unpack(&packed, width, numbers.len(), |number| out.push(number));
            prop_assert_eq!(out, numbers);
        }
    }
}
