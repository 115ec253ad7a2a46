//! Memory for what comes from the network.
//!
//! The HTTP client takes new memory for each piece that it reads, up to 400 KB, and whoever looks
//! at the piece frees it. Linux's usual C library gives blocks of that size back to the system, so
//! that each is paid for with page faults again (docs/performance.md, "Reading from S3"). It
//! keeps blocks that are not larger than one that was freed before (mallopt(3), "dynamic mmap
//! threshold"), so one is freed here first. Others are not changed by that.
//!
//! Never knows what comes.

use std::hint::black_box;

/// Blocks up to this size are kept, and twice as much of free memory at the end of each of the
/// library's heaps. 16 MiB: all that one reader has on its way as a rule. It is never written to.
const KEPT_BYTES: usize = 16 << 20;

/// From here on, memory that was freed is mostly used again rather than given back.
pub(super) fn keep_freed() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT_BYTES)));
}
