//! From the masks of 64-byte blocks to the positions of the separators.
//!
//! Never knows how a machine makes the masks, nor how many columns a row has.
//!
//! A *separator* is a comma or a line end outside quotes. A line end that directly follows another
//! one ends nothing: it is a blank line, or the `\n` of a `\r\n`. Such *blank* line ends are left
//! out, so every separator in the index ends exactly one field.
//!
//! Quotes are *regular* when every field is either wholly quoted without a quote inside, or has no
//! quote at all. That can be seen from the masks alone: an opening quote stands at a field's start,
//! and a separator follows a closing quote. Up to the first quote that breaks this the index is
//! right; from there on nothing is claimed, and the slow path has to decide.

/// How many bytes one set of masks covers.
pub(super) const BLOCK_BYTES: usize = 64;

/// How many positions an append may write past the last one it means: one vector store of 16.
pub(super) const SLACK: usize = 16;

/// Where the special bytes of a block stand; bit 0 is the first byte.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Masks {
    /// `"`.
    pub quote: u64,
    /// `,`.
    pub comma: u64,
    /// `\n` and `\r`.
    pub terminator: u64,
}

/// What an index of a stretch of data holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SeparatorCounts {
    /// How many positions were written.
    pub separators: usize,
    /// How many of them are line ends.
    pub line_ends: usize,
    /// Where the first irregular quote makes itself felt (the byte that proves it); the index
    /// covers the blocks before that byte's block. `None`: it covers everything.
    pub irregular: Option<usize>,
    /// Whether no comma and no line end stands inside quotes. Quotes never do in what the index
    /// covers.
    pub plain: bool,
}

/// What a block must know of the one before it.
struct Carry {
    /// All ones inside quotes, else zero.
    inside: u64,
    /// One if the last byte was a separator or blank line end, so that a field starts.
    field_start: u64,
    /// One if the last byte was a line end outside quotes.
    line_end: u64,
    /// One if the last byte was a closing quote.
    closing: u64,
}

/// The separators of one block.
struct IndexBlock {
    separators: u64,
    line_ends: u64,
    irregular: u64,
    /// Commas and line ends inside quotes.
    hidden: u64,
}

impl Carry {
    /// The state at a record's start.
    const START: Self = Self { inside: 0, field_start: 1, line_end: 1, closing: 0 };

    #[inline(always)]
    fn step(&mut self, masks: Masks, prefix_xor: impl Fn(u64) -> u64) -> IndexBlock {
        // From an opening quote (included) to its closing quote (not included).
        let inside = prefix_xor(masks.quote) ^ self.inside;
        let line_ends = masks.terminator & !inside;
        let separators = masks.comma & !inside | line_ends;
        let opening = masks.quote & inside;
        let closing = masks.quote & !inside;
        let field_starts = separators << 1 | self.field_start;
        let after_closing = closing << 1 | self.closing;
        let blank = line_ends & (line_ends << 1 | self.line_end);
        self.inside = ((inside as i64) >> 63) as u64;
        self.field_start = separators >> 63;
        self.line_end = line_ends >> 63;
        self.closing = closing >> 63;
        IndexBlock {
            separators: separators & !blank,
            line_ends: line_ends & !blank,
            irregular: opening & !field_starts | after_closing & !separators,
            hidden: (masks.comma | masks.terminator) & inside,
        }
    }
}

/// Writes the places of the set bits, counted from `base`, to `out` and returns how many there
/// are. Writes in groups, so up to [`SLACK`] values behind them are overwritten.
#[inline(always)]
pub(super) fn append_bits(out: &mut [u32], base: u32, mut bits: u64) -> usize {
    const GROUP: usize = 4;
    let count = bits.count_ones() as usize;
    // Whole groups: most blocks of a report need just one, so the branch is easy to guess.
    for group in out.chunks_exact_mut(GROUP).take(count.div_ceil(GROUP).max(1)) {
        for slot in group {
            *slot = base.wrapping_add(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
    }
    count
}

/// Writes the positions of the separators of `data`, which starts at a record's start, to
/// `positions`. That slice must be at least [`SLACK`] longer than `data`, and `data` shorter than
/// 4 GiB.
///
/// The three functions are what machines do differently: making the masks of a block, the running
/// parity of a mask, and writing out the places of bits (as [`append_bits`] does it). This function
/// is inlined into a caller compiled for the machine's instructions; the three must be closures or
/// functions that can be inlined there, too.
#[inline(always)]
pub(super) fn index_blocks(
    data: &[u8],
    positions: &mut [u32],
    classify: impl Fn(&[u8; BLOCK_BYTES]) -> Masks,
    prefix_xor: impl Fn(u64) -> u64,
    append: impl Fn(&mut [u32], u32, u64) -> usize,
) -> SeparatorCounts {
    let mut carry = Carry::START;
    let mut found = SeparatorCounts { separators: 0, line_ends: 0, irregular: None, plain: true };
    let mut base = 0;
    let (blocks, tail) = data.as_chunks::<BLOCK_BYTES>();
    for block in blocks {
        let block = carry.step(classify(block), &prefix_xor);
        if block.irregular != 0 {
            found.irregular = Some(base + block.irregular.trailing_zeros() as usize);
            return found;
        }
        let Some(out) = positions.get_mut(found.separators..) else { return found };
        found.separators += append(out, base as u32, block.separators);
        found.line_ends += block.line_ends.count_ones() as usize;
        found.plain &= block.hidden == 0;
        base += BLOCK_BYTES;
    }
    if !tail.is_empty() {
        let mut padded = [0; BLOCK_BYTES];
        padded[..tail.len()].copy_from_slice(tail);
        let block = carry.step(classify(&padded), &prefix_xor);
        // What follows a closing quote at the very end of the data is not known yet.
        let irregular = block.irregular & ((1 << tail.len()) - 1);
        if irregular != 0 {
            found.irregular = Some(base + irregular.trailing_zeros() as usize);
            return found;
        }
        let Some(out) = positions.get_mut(found.separators..) else { return found };
        found.separators += append(out, base as u32, block.separators);
        found.line_ends += block.line_ends.count_ones() as usize;
        found.plain &= block.hidden == 0;
    }
    found
}
