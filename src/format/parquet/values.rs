//! The encodings of values and levels, from the bytes of a page to numbers and spans.
//!
//! Every function gives as many values as it is told to, or says what is wrong; none reads outside
//! of what it is given, and what it allocates is bounded by the number of values. Bytes that are
//! left are wrong, too: no checksum tells that a count or a length was changed.
//!
//! Never knows pages, columns or NULL.

use crate::values::Span;

/// What is wrong, as a part of a sentence.
pub(super) type ValueFault = &'static str;

const SHORT: ValueFault = "a page is shorter than its values";

const LONG: ValueFault = "a page is longer than its values";

/// Groups of eight in each packed run of DuckDB's, also of the last one, which it fills up with
/// what stood there before.
const DUCKDB_GROUPS: usize = 32;

/// Appends `count` numbers of `width` bits from runs of equal and of packed numbers ("RLE/bit
/// packing hybrid").
pub(super) fn hybrid(
    mut data: &[u8],
    width: u32,
    count: usize,
    out: &mut Vec<u32>,
) -> Result<(), ValueFault> {
    if width > 32 {
        return Err("numbers of more than 32 bits");
    }
    let end = out.len() + count;
    out.reserve(count);
    while out.len() < end {
        let header = varint(&mut data)?;
        let left = end - out.len();
        if header & 1 == 0 {
            let length = (header >> 1) as usize;
            if length == 0 {
                return Err("an empty run of values");
            }
            if length > left {
                return Err(LONG);
            }
            let bytes = width.div_ceil(8) as usize;
            let (value, rest) = data.split_at_checked(bytes).ok_or(SHORT)?;
            let mut word = [0; 4];
            word[..bytes].copy_from_slice(value);
            let number = u32::from_le_bytes(word);
            if u64::from(number) >> width > 0 {
                return Err("a number of more bits than it may have");
            }
            out.resize(out.len() + length, number);
            data = rest;
        } else {
            let groups = usize::try_from(header >> 1).map_err(|_| SHORT)?;
            if groups == 0 {
                return Err("an empty run of values");
            }
            // Only the last group may hold more than there is.
            let fits = groups <= left.div_ceil(8);
            if !fits && groups != DUCKDB_GROUPS {
                return Err(LONG);
            }
            let length = (groups * 8).min(left);
            let bytes = (length * width as usize).div_ceil(8);
            let packed = data.get(..bytes).ok_or(SHORT)?;
            unpack(packed, width, length, out);
            data = match data.get(groups * width as usize..) {
                Some(rest) => rest,
                // Writers may cut the last group where its values end.
                None if fits => &[],
                None => return Err(SHORT),
            };
        }
    }
    all_read(data.len(), 0)
}

/// Expects that `taken` bytes were all.
fn all_read(bytes: usize, taken: usize) -> Result<(), ValueFault> {
    if taken < bytes { Err(LONG) } else { Ok(()) }
}

/// Appends numbers of `width` bits, the lowest bit first; all are there.
fn unpack(packed: &[u8], width: u32, count: usize, out: &mut Vec<u32>) {
    let mask = ((1_u64 << width) - 1) as u32;
    let width = width as usize;
    if width == 0 {
        out.resize(out.len() + count, 0);
        return;
    }
    let mut groups = packed.chunks_exact(width);
    let whole = count / 8;
    if width <= 8 {
        for group in groups.by_ref().take(whole) {
            let mut word = [0; 8];
            word[..width].copy_from_slice(group);
            let word = u64::from_le_bytes(word);
            out.extend((0..8).map(|place| (word >> (place * width)) as u32 & mask));
        }
    } else {
        for group in groups.by_ref().take(whole) {
            let mut padded = [0; 40];
            padded[..width].copy_from_slice(group);
            out.extend((0..8).map(|place| number_at(&padded, place * width) & mask));
        }
    }
    let rest = packed.get(whole * width..).unwrap_or_default();
    let mut padded = [0; 40];
    let length = rest.len().min(width);
    padded[..length].copy_from_slice(&rest[..length]);
    out.extend((0..count % 8).map(|place| number_at(&padded, place * width) & mask));
}

/// The 32 bits from a bit on.
fn number_at(padded: &[u8; 40], bit: usize) -> u32 {
    let mut word = [0; 8];
    word.copy_from_slice(&padded[bit / 8..bit / 8 + 8]);
    (u64::from_le_bytes(word) >> (bit % 8)) as u32
}

fn varint(data: &mut &[u8]) -> Result<u64, ValueFault> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = data.split_first().ok_or(SHORT)?;
        *data = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Ok(number);
        }
    }
    Err("a number of more than 64 bits")
}

/// Bits, the lowest of a byte first, as 0 and 1.
pub(super) fn bits(data: &[u8], count: usize, out: &mut Vec<u8>) -> Result<(), ValueFault> {
    all_read(data.len(), count.div_ceil(8))?;
    let data = data.get(..count.div_ceil(8)).ok_or(SHORT)?;
    out.extend((0..count).map(|place| data[place / 8] >> (place % 8) & 1));
    Ok(())
}

/// Levels as the deprecated encoding has them: bits, the highest of a byte first.
pub(super) fn bits_from_the_top(
    data: &[u8],
    count: usize,
    out: &mut Vec<u32>,
) -> Result<(), ValueFault> {
    let data = data.get(..count.div_ceil(8)).ok_or(SHORT)?;
    out.extend((0..count).map(|place| u32::from(data[place / 8] >> (7 - place % 8) & 1)));
    Ok(())
}

/// Numbers of fixed width, as `read` takes each.
pub(super) fn fixed<const N: usize>(
    data: &[u8],
    count: usize,
    read: impl Fn(&[u8; N]) -> i64,
    out: &mut Vec<i64>,
) -> Result<(), ValueFault> {
    all_read(data.len(), count.saturating_mul(N))?;
    let (words, _) = data.as_chunks::<N>();
    out.extend(words.get(..count).ok_or(SHORT)?.iter().map(read));
    Ok(())
}

/// Instants of 96 bits, as microseconds since 1970.
pub(super) fn int96(data: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), ValueFault> {
    const NANOS_PER_DAY: u64 = 86_400_000_000_000;
    fixed(data, count, micros_of_int96, out)?;
    let (words, _) = data.as_chunks::<12>();
    let nanos = |word: &[u8; 12]| word.first_chunk().map_or(0, |nanos| u64::from_le_bytes(*nanos));
    if words.iter().any(|word| nanos(word) >= NANOS_PER_DAY) {
        return Err("an instant of more nanoseconds than a day has");
    }
    Ok(())
}

/// The microseconds since 1970 of an INT96: nanoseconds of a day, and the Julian day.
fn micros_of_int96(bytes: &[u8; 12]) -> i64 {
    /// Of 1970-01-01.
    const JULIAN_DAY: i64 = 2_440_588;
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    let (nanos, day) = bytes.split_at(8);
    let nanos = nanos.try_into().map_or(0, i64::from_le_bytes);
    let day = day.try_into().map_or(0, u32::from_le_bytes);
    let micros = (i64::from(day) - JULIAN_DAY).saturating_mul(MICROS_PER_DAY);
    micros.saturating_add(nanos.div_euclid(1_000))
}

/// Texts one behind the other, each after its length.
pub(super) fn texts(data: &[u8], count: usize, out: &mut Vec<Span>) -> Result<(), ValueFault> {
    out.reserve(count.min(data.len() / 4 + 1));
    let mut at = 0;
    for _ in 0..count {
        let length = data.get(at..).and_then(<[u8]>::first_chunk::<4>).ok_or(SHORT)?;
        let from = at + 4;
        let to = from + u32::from_le_bytes(*length) as usize;
        if to > data.len() {
            return Err("a text is longer than its page");
        }
        out.push(Span { from: from as u32, to: to as u32 });
        at = to;
    }
    all_read(data.len(), at)
}

/// Texts of one length, one behind the other.
pub(super) fn fixed_texts(
    data: &[u8],
    length: usize,
    count: usize,
    out: &mut Vec<Span>,
) -> Result<(), ValueFault> {
    let bytes = count.saturating_mul(length);
    if bytes > data.len() {
        return Err(SHORT);
    }
    all_read(data.len(), bytes)?;
    let span = |place| Span { from: (place * length) as u32, to: ((place + 1) * length) as u32 };
    out.extend((0..count).map(span));
    Ok(())
}

/// Numbers as differences, packed in blocks (`DELTA_BINARY_PACKED`); gives the bytes taken.
pub(super) fn deltas(data: &[u8], count: usize, out: &mut Vec<i64>) -> Result<usize, ValueFault> {
    /// Numbers in a block at most; writers use 128.
    const BLOCK_MAX: u64 = 1 << 16;
    let mut rest = data;
    let block = varint(&mut rest)?;
    let miniblocks = varint(&mut rest)?;
    let total = varint(&mut rest)?;
    let mut value = unzigzag(varint(&mut rest)?);
    if total != count as u64 {
        return Err("a page's number of values is told in two ways");
    }
    if block == 0 || block > BLOCK_MAX || miniblocks == 0 || block % miniblocks != 0 {
        return Err("blocks of differences of an odd length");
    }
    let each = (block / miniblocks) as usize;
    if each == 0 || !each.is_multiple_of(8) {
        return Err("blocks of differences of an odd length");
    }
    let end = out.len() + count;
    if count > 0 {
        out.push(value);
    }
    while out.len() < end {
        let least = unzigzag(varint(&mut rest)?);
        let (widths, packed) = rest.split_at_checked(miniblocks as usize).ok_or(SHORT)?;
        rest = packed;
        for width in widths {
            if out.len() == end {
                break;
            }
            if *width > 64 {
                return Err("differences of more than 64 bits");
            }
            let bytes = each * usize::from(*width) / 8;
            let packed = rest.get(..bytes).ok_or(SHORT)?;
            for place in 0..each.min(end - out.len()) {
                let difference = wide_number_at(packed, place * usize::from(*width), *width);
                value = value.wrapping_add(least).wrapping_add(difference as i64);
                out.push(value);
            }
            rest = &rest[bytes..];
        }
    }
    Ok(data.len() - rest.len())
}

/// The `width` bits from a bit on; those outside are 0.
fn wide_number_at(packed: &[u8], bit: usize, width: u8) -> u64 {
    if width == 0 {
        return 0;
    }
    let mut word = [0; 16];
    let bytes = &packed[(bit / 8).min(packed.len())..];
    let length = bytes.len().min(16);
    word[..length].copy_from_slice(&bytes[..length]);
    let number = (u128::from_le_bytes(word) >> (bit % 8)) as u64;
    number & (u64::MAX >> (64 - width))
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// The same, where nothing follows.
pub(super) fn all_deltas(data: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), ValueFault> {
    all_read(data.len(), deltas(data, count, out)?)
}

/// Texts whose lengths stand before them all; the spans lie in `data`.
pub(super) fn delta_length_texts(
    data: &[u8],
    count: usize,
    scratch: &mut Vec<i64>,
    out: &mut Vec<Span>,
) -> Result<(), ValueFault> {
    scratch.clear();
    let mut at = deltas(data, count, scratch)?;
    for length in scratch.iter() {
        let to = usize::try_from(*length).ok().and_then(|length| at.checked_add(length));
        let to = to.filter(|to| *to <= data.len()).ok_or("a text is longer than its page")?;
        out.push(Span { from: at as u32, to: to as u32 });
        at = to;
    }
    all_read(data.len(), at)
}

/// Texts that begin as the one before does (`DELTA_BYTE_ARRAY`): written out to `texts`, which may
/// have `bytes_max` bytes. The spans lie in there.
pub(super) fn delta_texts(
    data: &[u8],
    count: usize,
    bytes_max: usize,
    texts: &mut Vec<u8>,
    out: &mut Vec<Span>,
) -> Result<(), ValueFault> {
    let mut prefixes = Vec::new();
    let taken = deltas(data, count, &mut prefixes)?;
    let data = &data[taken..];
    let mut endings = Vec::new();
    delta_length_texts(data, count, &mut Vec::new(), &mut endings)?;
    texts.clear();
    let mut before = Span::default();
    for (prefix, ending) in prefixes.into_iter().zip(endings) {
        let (from, ending) = (texts.len(), ending.of(data));
        let length = usize::try_from(prefix).ok();
        let length = length.filter(|length| *length <= (before.to - before.from) as usize);
        let prefix = length.ok_or("a text begins like more of another than there is")?;
        if from + prefix + ending.len() > bytes_max {
            return Err("texts of a page are longer than they may be");
        }
        let start = before.from as usize;
        texts.extend_from_within(start..start + prefix);
        texts.extend_from_slice(ending);
        before = Span { from: from as u32, to: texts.len() as u32 };
        out.push(before);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs of equal numbers and of packed ones, the obvious way.
    fn write_hybrid(runs: &[(bool, Vec<u32>)], width: u32) -> (Vec<u8>, Vec<u32>) {
        let (mut bytes, mut values) = (Vec::new(), Vec::new());
        for (packed, run) in runs {
            if *packed {
                let mut run = run.clone();
                run.resize(run.len().div_ceil(8) * 8, 0);
                bytes.push((run.len() as u8 / 8) << 1 | 1);
                let mut all_bits = Vec::new();
                for value in &run {
                    all_bits.extend((0..width).map(|bit| value >> bit & 1));
                }
                for byte in all_bits.chunks(8) {
                    let byte = byte.iter().rev().fold(0, |byte, bit| byte << 1 | *bit as u8);
                    bytes.push(byte);
                }
                values.extend(run);
            } else {
                bytes.push((run.len() as u8) << 1);
                bytes.extend(&run[0].to_le_bytes()[..width.div_ceil(8) as usize]);
                values.extend(std::iter::repeat_n(run[0], run.len()));
            }
        }
        (bytes, values)
    }

    proptest! {
        #[test]
        fn runs_come_back(
            width in 0..=32u32,
            runs in proptest::collection::vec(
                (any::<bool>(), proptest::collection::vec(any::<u32>(), 1..60)), 0..5),
            cut in 0..8usize,
        ) {
            let mask = ((1_u64 << width) - 1) as u32;
            let mask_run = |run: &Vec<u32>| run.iter().map(|value| value & mask).collect();
            let runs: Vec<_> =
                runs.iter().map(|(packed, run)| (*packed, mask_run(run))).collect();
            let (bytes, mut values) = write_hybrid(&runs, width);
            // Only of a packed run the last values may be more than there are.
            let cut = if runs.last().is_some_and(|(packed, _)| *packed) { cut } else { 0 };
            values.truncate(values.len() - cut);
            let mut out = vec![9];
            prop_assert_eq!(hybrid(&bytes, width, values.len(), &mut out), Ok(()));
            prop_assert_eq!(&out[1..], &values[..]);
            if !values.is_empty() {
                let fewer = values.len().saturating_sub(8);
                prop_assert_eq!(hybrid(&bytes, width, fewer, &mut Vec::new()), Err(LONG));
            }
            prop_assert!(hybrid(&bytes, width, values.len() + 60, &mut out).is_err());
        }

        #[test]
        fn hostile_bytes_are_refused_or_read(
            data in proptest::collection::vec(any::<u8>(), 0..100),
            count in 0..50usize,
            width in 0..40u32,
        ) {
            let _ = hybrid(&data, width, count, &mut Vec::new());
            let _ = bits(&data, count, &mut Vec::new());
            let _ = deltas(&data, count, &mut Vec::new());
            let mut spans = Vec::new();
            let _ = texts(&data, count, &mut spans);
            let _ = delta_length_texts(&data, count, &mut Vec::new(), &mut spans);
            prop_assert!(spans.iter().all(|span| span.to as usize <= data.len()));
            let mut texts = Vec::new();
            spans.clear();
            let _ = delta_texts(&data, count, 1_000, &mut texts, &mut spans);
            prop_assert!(spans.iter().all(|span| span.to as usize <= texts.len()));
        }
    }

    #[test]
    fn what_is_left_is_told() {
        let numbers = &mut Vec::new();
        let spans = &mut Vec::new();
        let one = |bytes: &[u8; 1]| i64::from(bytes[0]);
        assert_eq!(fixed(&[1, 2], 2, one, numbers), Ok(()));
        assert_eq!(fixed(&[1, 2], 1, one, numbers), Err(LONG));
        assert_eq!(bits(&[1], 3, &mut Vec::new()), Ok(()));
        assert_eq!(bits(&[1, 0], 3, &mut Vec::new()), Err(LONG));
        assert_eq!(texts(&[1, 0, 0, 0, b'a'], 1, spans), Ok(()));
        assert_eq!(texts(&[1, 0, 0, 0, b'a'], 0, spans), Err(LONG));
        assert_eq!(fixed_texts(b"abcd", 2, 2, spans), Ok(()));
        assert_eq!(fixed_texts(b"abcd", 2, 1, spans), Err(LONG));
        // One block of differences, of one value, and then of texts of one byte.
        let lengths = [8, 1, 1, 2];
        assert_eq!(all_deltas(&lengths, 1, numbers), Ok(()));
        assert_eq!(all_deltas(&[8, 1, 1, 2, 0], 1, numbers), Err(LONG));
        let text = [8, 1, 1, 2, b'a'];
        assert_eq!(delta_length_texts(&text, 1, numbers, spans), Ok(()));
        let text = [8, 1, 1, 2, b'a', b'b'];
        assert_eq!(delta_length_texts(&text, 1, numbers, spans), Err(LONG));
        // A run of five, and a group of eight, of which one bit each is there.
        for (data, count) in [([10, 1], 5), ([3, 0xff], 8)] {
            assert_eq!(hybrid(&data, 1, count, &mut Vec::new()), Ok(()));
            assert_eq!(hybrid(&data, 1, count + 1, &mut Vec::new()), Err(SHORT));
            assert_eq!(hybrid(&data, 1, count - 1, &mut Vec::new()).is_ok(), data[0] == 3);
        }
        assert_eq!(hybrid(&[3, 0xff, 2, 1], 1, 8, &mut Vec::new()), Err(LONG));
        let duckdb = [&[65][..], &[0xff; 32]].concat();
        assert_eq!(hybrid(&duckdb, 1, 5, &mut Vec::new()), Ok(()));
        assert_eq!(hybrid(&duckdb[..32], 1, 5, &mut Vec::new()), Err(SHORT));
        assert!(hybrid(&[10, 2], 1, 5, &mut Vec::new()).is_err(), "two bits where one may be");
    }

    #[test]
    fn differences_are_added_up() {
        // The example of the format's description: 7, 5, 3, 1, 2, 3, 4, 5 in one block of 128.
        let mut data = vec![0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0];
        // Differences less -2: 0 0 0 3 3 3 3, two bits each.
        data.extend([0b1100_0000, 0b0011_1111]);
        data.resize(data.len() + 6, 0);
        let mut out = Vec::new();
        assert_eq!(deltas(&data, 8, &mut out), Ok(18));
        assert_eq!(out, [7, 5, 3, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_day_of_int96_beyond_all_years_does_no_harm() {
        assert!(micros_of_int96(&[0xff; 12]) >= i64::MAX - 1);
    }

    #[test]
    fn nanoseconds_of_int96_are_those_of_a_day() {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&86_399_999_999_999_u64.to_le_bytes());
        assert_eq!(int96(&bytes, 1, &mut Vec::new()), Ok(()));
        bytes[..8].copy_from_slice(&86_400_000_000_000_u64.to_le_bytes());
        assert!(int96(&bytes, 1, &mut Vec::new()).is_err());
    }

    #[test]
    fn the_days_of_int96() {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&3_723_000_000_000_u64.to_le_bytes());
        bytes[8..].copy_from_slice(&2_440_589_u32.to_le_bytes());
        assert_eq!(micros_of_int96(&bytes), 86_400_000_000 + 3_723_000_000);
    }
}
