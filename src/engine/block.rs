//! Blocks of output, and the lanes that they belong to.

/// The size at which a worker hands a block over. 256 KiB: large enough that a write costs little
/// beside the bytes it moves, small enough that a block is still in the L2 cache when it is
/// hashed and written.
pub const BLOCK_BYTES: usize = 256 << 10;

/// Which stream of output a block belongs to. The engine only carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutputLane(pub u32);

/// Finished output: whole rows of one lane.
#[derive(Debug, PartialEq, Eq)]
pub struct OutputBlock {
    /// The stream that the rows belong to.
    pub lane: OutputLane,
    /// How many rows `bytes` holds.
    pub rows: u64,
    /// The rows.
    pub bytes: Vec<u8>,
}
