//! Decoding tables: code lengths become entries that hold all there is to know of a code word.
//!
//! Never knows where the lengths come from, nor the data that is decoded.
//!
//! A table is looked up with the next bits of the data, the first bit lowest. Words longer than the
//! root's index have a table of their own behind the root (a subtable), found through the root.
//!
//! # An entry
//! ```text
//! bits      0..8          8..16            16..24      24..32                32..56   60..64
//! literals  bits          next root's bits -           -                     bytes    8 + how many
//! value     bits + extra  next root's bits word bits   0                     base     0
//! other     bits          next root's bits word bits   subtable, end, other  -        0
//! subtable  0             -                index bits  subtable, other       place    0
//! ```
//! The lowest byte says how far the data moves on, for a value with its extra bits; the second, how
//! many bits the table that comes next is looked up with: that of distances after a length, else
//! that of literals. So the lowest two bytes are what the instruction `bextr` takes to cut the next
//! index out of the data, in one step.
//!
//! Most literals in text have short words. Where two fit the root's index, one entry has both.

use crate::format::gzip::DeflateFault;

/// Longest word of a code (RFC 1951, section 3.2.7).
const CODE_BITS_MAX: usize = 15;

/// Symbols of the literal/length code; the fixed code has words for two that mean nothing.
pub(super) const LITERAL_SYMBOLS: usize = 288;
/// Symbols of the distance code; again two of them mean nothing.
pub(super) const DISTANCE_SYMBOLS: usize = 32;
/// Symbols of the code in which code lengths are written.
pub(super) const PRECODE_SYMBOLS: usize = 19;

/// Index of the literal/length root. Ten bits are a compromise: zlib's blocks are short, and
/// filling larger tables costs more than their longer words and more pairs save.
pub(super) const LITERAL_ROOT_BITS: usize = 10;
/// Index of the distance root.
pub(super) const DISTANCE_ROOT_BITS: usize = 8;
/// Longest word of the code for code lengths: it needs no subtables.
const PRECODE_ROOT_BITS: usize = 7;

/// Entries of a literal/length table. The root and all subtables of 286 symbols take at most 1,332;
/// a power of two lets a mask stand for a bounds check.
pub(super) const LITERAL_ENTRIES: usize = 2048;
/// Entries of a distance table; root and subtables of 30 symbols take at most 402.
pub(super) const DISTANCE_ENTRIES: usize = 512;
/// Entries of the table for code lengths.
pub(super) const PRECODE_ENTRIES: usize = 1 << PRECODE_ROOT_BITS;

const BITS_MASK: u64 = 63;
const NEXT_SHIFT: u32 = 8;
const WORD_SHIFT: u32 = 16;
const WORD_MASK: u64 = 15;
const SUBTABLE: u64 = 1 << 24;
const END: u64 = 1 << 25;
const OTHER: u64 = 1 << 26;
const BASE_SHIFT: u32 = 32;
const COUNT_SHIFT: u32 = 60;
/// Set for literals only.
const LITERAL: u64 = 1 << 63;

/// What a code word means. See the top of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableEntry(u64);

impl TableEntry {
    /// Means nothing, and is one bit long.
    const NOTHING: Self = Self(OTHER | 1);

    const fn literal(byte: u8) -> Self {
        let next = (LITERAL_ROOT_BITS as u64) << NEXT_SHIFT;
        Self(LITERAL | 1 << COUNT_SHIFT | (byte as u64) << BASE_SHIFT | next)
    }

    const fn value(base: u64, extra_bits: u64, next_root_bits: usize) -> Self {
        Self(base << BASE_SHIFT | (next_root_bits as u64) << NEXT_SHIFT | extra_bits)
    }

    fn subtable(at: usize, bits: usize) -> Self {
        Self(OTHER | SUBTABLE | (at as u64) << BASE_SHIFT | (bits as u64) << WORD_SHIFT)
    }

    /// The entry of a symbol, for a word of `bits` bits.
    fn with_word_bits(self, bits: usize) -> Self {
        Self(self.0 + bits as u64 * (1 | 1 << WORD_SHIFT))
    }

    /// Both literals in one entry, if both are single and their words fit the root's index.
    #[inline(always)]
    fn join(self, next: Self) -> Self {
        let bits = (self.0 & BITS_MASK) + (next.0 & BITS_MASK);
        let single = self.0 & next.0 & LITERAL != 0;
        let bytes = self.0 + ((next.0 >> BASE_SHIFT & 0xff) << (BASE_SHIFT + 8));
        let both = Self(bytes + (1 << COUNT_SHIFT) + (next.0 & BITS_MASK));
        if single && bits <= LITERAL_ROOT_BITS as u64 { both } else { self }
    }

    /// Bits that this entry uses up: below 64.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        (self.0 & BITS_MASK) as u32
    }

    /// A number that is [`bits`](Self::bits) modulo 64, and what `bextr` takes.
    #[inline(always)]
    pub(super) fn bits_mod_64(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(super) fn is_literal(self) -> bool {
        self.0 & LITERAL != 0
    }

    /// How many literals: at most 7, in fact at most 2.
    #[inline(always)]
    pub(super) fn literals(self) -> usize {
        debug_assert!(self.is_literal());
        (self.0 >> COUNT_SHIFT & 7) as usize
    }

    /// The literals, the first one lowest.
    #[inline(always)]
    pub(super) fn bytes(self) -> [u8; 2] {
        ((self.0 >> BASE_SHIFT) as u16).to_le_bytes()
    }

    /// Not a value either. This, and what follows, is never asked of literals.
    #[inline(always)]
    pub(super) fn is_other(self) -> bool {
        debug_assert!(!self.is_literal());
        self.0 & OTHER != 0
    }

    #[inline(always)]
    pub(super) fn is_subtable(self) -> bool {
        debug_assert!(!self.is_literal());
        self.0 & SUBTABLE != 0
    }

    /// The end of the block.
    #[inline(always)]
    pub(super) fn is_end(self) -> bool {
        debug_assert!(!self.is_literal());
        self.0 & END != 0
    }

    /// The value that these next bits of the data have, extra bits added.
    #[inline(always)]
    pub(super) fn value_of(self, next: u64) -> usize {
        let bits = next & !(u64::MAX << self.bits());
        self.base() + (bits >> self.word_bits()) as usize
    }

    /// A value without its extra bits.
    #[inline(always)]
    pub(super) fn base(self) -> usize {
        (self.0 >> BASE_SHIFT) as usize
    }

    #[inline(always)]
    fn word_bits(self) -> u32 {
        (self.0 >> WORD_SHIFT & WORD_MASK) as u32
    }
}

/// A root and its subtables.
#[derive(Debug)]
pub(super) struct CodeTable<const ENTRIES: usize, const ROOT_BITS: usize>([TableEntry; ENTRIES]);

/// Literals and lengths.
pub(super) type LiteralTable = CodeTable<LITERAL_ENTRIES, LITERAL_ROOT_BITS>;
/// Distances.
pub(super) type DistanceTable = CodeTable<DISTANCE_ENTRIES, DISTANCE_ROOT_BITS>;
/// Code lengths.
pub(super) type PrecodeTable = CodeTable<PRECODE_ENTRIES, PRECODE_ROOT_BITS>;

impl<const ENTRIES: usize, const ROOT_BITS: usize> CodeTable<ENTRIES, ROOT_BITS> {
    const SOUND: () = assert!(ENTRIES.is_power_of_two() && ENTRIES >= 1 << ROOT_BITS);

    /// A table in which no word means anything.
    pub(super) const fn new() -> Self {
        let () = Self::SOUND;
        Self([TableEntry::NOTHING; ENTRIES])
    }

    /// The root's entry for these next bits of the data.
    #[inline(always)]
    pub(super) fn root(&self, next: u64) -> TableEntry {
        self.0[(next & ((1 << ROOT_BITS) - 1)) as usize]
    }

    /// The root's entry with this number, which is below `1 << ROOT_BITS`.
    #[inline(always)]
    pub(super) fn at(&self, index: u64) -> TableEntry {
        self.0[index as usize]
    }

    /// The entry in the subtable that `entry` stands for.
    #[inline(always)]
    pub(super) fn below(&self, entry: TableEntry, next: u64) -> TableEntry {
        let at = (next >> ROOT_BITS) & !(u64::MAX << entry.word_bits());
        self.0[(entry.base() + at as usize) & (ENTRIES - 1)]
    }

    /// The entry for these next bits of the data, wherever it is.
    #[inline(always)]
    pub(super) fn find(&self, next: u64) -> TableEntry {
        let entry = self.root(next);
        if !entry.is_literal() && entry.is_subtable() { self.below(entry, next) } else { entry }
    }

    /// Makes the table of the code with these lengths, one for each symbol; 0: it has no word.
    ///
    /// Refused, as by zlib: more words than there is room for; and less, with one exception. A code
    /// of one word of one bit, or of none, is sound if `lone`: what is missing means nothing.
    fn fill(
        &mut self,
        lengths: &[u8],
        symbols: &[TableEntry],
        lone: bool,
    ) -> Result<(), DeflateFault> {
        let counts = count(lengths);
        let mut starts = [0_usize; CODE_BITS_MAX + 2];
        let mut room = 1;
        for bits in 1..=CODE_BITS_MAX {
            starts[bits + 1] = starts[bits] + counts[bits];
            room *= 2;
            if counts[bits] > room {
                return Err(DeflateFault::CodeLengths);
            }
            room -= counts[bits];
        }
        let words = starts[CODE_BITS_MAX + 1];
        if room > 0 {
            if !lone || words > 1 || counts[1] != words {
                return Err(DeflateFault::CodeLengths);
            }
            self.0[..1 << ROOT_BITS].fill(TableEntry::NOTHING);
        }
        // Symbols in the order of their words.
        let mut sorted = [TableEntry::NOTHING; LITERAL_SYMBOLS];
        for (&bits, symbol) in lengths.iter().zip(symbols) {
            if bits > 0 {
                let at = &mut starts[usize::from(bits)];
                sorted[*at] = symbol.with_word_bits(usize::from(bits));
                *at += 1;
            }
        }
        if room > 0 {
            let word = if words == 1 { sorted[0] } else { TableEntry::NOTHING };
            self.0[..1 << ROOT_BITS].iter_mut().step_by(2).for_each(|entry| *entry = word);
            return Ok(());
        }
        let (short, long) = sorted.split_at(starts[ROOT_BITS]);
        let word = self.fill_root(short, &counts);
        self.fill_subtables(long, &counts, word);
        Ok(())
    }

    /// Fills the root from a complete code; returns the first word that is too long for it.
    fn fill_root(&mut self, sorted: &[TableEntry], counts: &LengthCounts) -> usize {
        let mut sorted = sorted.iter();
        let (mut word, mut filled) = (0, 1);
        for (bits, &count) in counts.iter().enumerate().take(ROOT_BITS + 1).skip(1) {
            // What is there so far holds whether the next bit is 0 or 1.
            self.0.copy_within(..filled, filled);
            filled *= 2;
            for entry in sorted.by_ref().take(count) {
                self.0[word & (ENTRIES - 1)] = *entry;
                word = next_word(word, bits);
            }
        }
        word
    }

    /// Fills the subtables with the entries of the long words, from `word` on.
    fn fill_subtables(&mut self, sorted: &[TableEntry], counts: &LengthCounts, mut word: usize) {
        let mut sorted = sorted.iter();
        let (mut at, mut sub_bits, mut prefix) = (1 << ROOT_BITS, 0, usize::MAX);
        for bits in ROOT_BITS + 1..=CODE_BITS_MAX {
            for nth in 0..counts[bits] {
                let Some(&entry) = sorted.next() else { return };
                let low = word & ((1 << ROOT_BITS) - 1);
                if low != prefix {
                    prefix = low;
                    at += if sub_bits > 0 { 1 << sub_bits } else { 0 };
                    // As many bits as the longest word that begins so has beyond the root.
                    sub_bits = bits - ROOT_BITS;
                    let mut words = counts[bits] - nth;
                    while words < 1 << sub_bits && ROOT_BITS + sub_bits < CODE_BITS_MAX {
                        sub_bits += 1;
                        words = 2 * words + counts[ROOT_BITS + sub_bits];
                    }
                    self.0[low] = TableEntry::subtable(at, sub_bits);
                }
                for sub in (word >> ROOT_BITS..1 << sub_bits).step_by(1 << (bits - ROOT_BITS)) {
                    self.0[(at + sub) & (ENTRIES - 1)] = entry;
                }
                word = next_word(word, bits);
            }
        }
    }
}

impl LiteralTable {
    /// Makes the table of a literal/length code; see [`CodeTable::fill`].
    pub(super) fn set(&mut self, lengths: &[u8]) -> Result<(), DeflateFault> {
        self.fill(lengths, &LITERALS, true)?;
        let (literals, _) = lengths.split_at(lengths.len().min(256));
        let shortest = literals.iter().filter(|bits| **bits > 0).min();
        shortest.iter().for_each(|bits| self.pair(usize::from(**bits)));
        Ok(())
    }

    /// Lets an entry of one literal have the next one too, where both words fit the root's index.
    /// `shortest`: the bits of the shortest word of a literal.
    fn pair(&mut self, shortest: usize) {
        // Beside a word that is longer than this there is no room for another.
        let longest = LITERAL_ROOT_BITS.saturating_sub(shortest);
        // What may follow, each literal still alone.
        let mut single = [TableEntry::NOTHING; 1 << (LITERAL_ROOT_BITS - 1)];
        let (single, _) = single.split_at_mut(1 << longest.min(LITERAL_ROOT_BITS - 1));
        single.copy_from_slice(&self.0[..single.len()]);
        for (word, first) in single.iter().enumerate() {
            let bits = first.bits() as usize;
            // The entry of a short word comes again and again; once is enough.
            if !first.is_literal() || bits > longest || word >> bits != 0 {
                continue;
            }
            let (next, _) = single.split_at(single.len().min(1 << (LITERAL_ROOT_BITS - bits)));
            let places = self.0[..1 << LITERAL_ROOT_BITS].iter_mut().skip(word).step_by(1 << bits);
            for (place, next) in places.zip(next) {
                *place = first.join(*next);
            }
        }
    }
}

impl DistanceTable {
    /// Makes the table of a distance code; see [`CodeTable::fill`].
    pub(super) fn set(&mut self, lengths: &[u8]) -> Result<(), DeflateFault> {
        self.fill(lengths, &DISTANCES, true)
    }
}

impl PrecodeTable {
    /// Makes the table of the code for code lengths: the values are its symbols.
    pub(super) fn set(&mut self, lengths: &[u8]) -> Result<(), DeflateFault> {
        self.fill(lengths, &PRECODES, false)
    }
}

/// Words of each length; those of length 0 are not counted.
type LengthCounts = [usize; CODE_BITS_MAX + 1];

fn count(lengths: &[u8]) -> LengthCounts {
    let mut counts = [0; CODE_BITS_MAX + 1];
    for &bits in lengths {
        counts[usize::from(bits) & CODE_BITS_MAX] += 1;
    }
    counts[0] = 0;
    counts
}

/// The word after this one, which has `bits` bits: the first bit is the lowest, so the carry of the
/// addition runs downwards. After the last word comes 0.
#[inline(always)]
fn next_word(word: usize, bits: usize) -> usize {
    let zeros = !word & ((1 << bits) - 1);
    match zeros.checked_ilog2() {
        Some(carry) => word & ((1 << carry) - 1) | 1 << carry,
        None => 0,
    }
}

/// RFC 1951, section 3.2.5.
static LITERALS: [TableEntry; LITERAL_SYMBOLS] = {
    let mut symbols = [TableEntry(OTHER); LITERAL_SYMBOLS];
    let mut at = 0;
    while at < 256 {
        symbols[at] = TableEntry::literal(at as u8);
        at += 1;
    }
    symbols[256] = TableEntry(OTHER | END);
    let (mut base, mut at) = (3, 257);
    while at < 285 {
        let extra_bits = if at < 265 { 0 } else { (at as u64 - 261) / 4 };
        symbols[at] = TableEntry::value(base, extra_bits, DISTANCE_ROOT_BITS);
        base += 1 << extra_bits;
        at += 1;
    }
    symbols[285] = TableEntry::value(258, 0, DISTANCE_ROOT_BITS);
    symbols
};

/// RFC 1951, section 3.2.5.
static DISTANCES: [TableEntry; DISTANCE_SYMBOLS] = {
    let mut symbols = [TableEntry(OTHER); DISTANCE_SYMBOLS];
    let (mut base, mut at) = (1, 0);
    while at < 30 {
        let extra_bits = if at < 4 { 0 } else { (at as u64 - 2) / 2 };
        symbols[at] = TableEntry::value(base, extra_bits, LITERAL_ROOT_BITS);
        base += 1 << extra_bits;
        at += 1;
    }
    symbols
};

static PRECODES: [TableEntry; PRECODE_SYMBOLS] = {
    let mut symbols = [TableEntry(0); PRECODE_SYMBOLS];
    let mut at = 0;
    while at < PRECODE_SYMBOLS {
        symbols[at] = TableEntry::value(at as u64, 0, 0);
        at += 1;
    }
    symbols
};
