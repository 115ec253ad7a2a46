//! Buffers of columns that were read to their end, for those that are read next.
//!
//! A column of a row group takes some megabytes, and the next one as much. Fresh memory for each
//! was a tenth of a filter's time: the system must clear it, page by page.
//!
//! Never knows what a buffer was for.

use super::codec::Decompressor;
use crate::values::Span;

/// The largest buffer that is kept. 4 MiB: pages of the usual 1 MiB, and some more.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// Buffers of each kind that are kept: four for each of 16 columns.
const KEPT_MAX: usize = 64;

/// Buffers that are free; one for each worker.
#[derive(Debug, Default)]
pub struct BufferPool {
    bytes: Vec<Vec<u8>>,
    spans: Vec<Vec<Span>>,
    codes: Vec<Vec<u32>>,
    numbers: Vec<Vec<i64>>,
    decompressors: Vec<Decompressor>,
}

macro_rules! kept {
    ($take:ident, $put:ident, $field:ident, $item:ty, $what:literal) => {
        #[doc = concat!("A buffer for ", $what, "; what was in it may still be there.")]
        pub fn $take(&mut self) -> Vec<$item> {
            self.$field.pop().unwrap_or_default()
        }

        #[doc = concat!("Takes back a buffer for ", $what, ".")]
        pub fn $put(&mut self, buffer: Vec<$item>) {
            let bytes = buffer.capacity() * size_of::<$item>();
            if (1..=KEPT_BYTES_MAX).contains(&bytes) && self.$field.len() < KEPT_MAX {
                self.$field.push(buffer);
            }
        }
    };
}

impl BufferPool {
    kept!(bytes, put_bytes, bytes, u8, "bytes");
    kept!(spans, put_spans, spans, Span, "spans");
    kept!(codes, put_codes, codes, u32, "places in a dictionary");
    kept!(numbers, put_numbers, numbers, i64, "numbers");

    /// A decompressor.
    pub fn decompressor(&mut self) -> Decompressor {
        self.decompressors.pop().unwrap_or_default()
    }

    /// Takes back a decompressor.
    pub fn put_decompressor(&mut self, decompressor: Decompressor) {
        if self.decompressors.len() < KEPT_MAX {
            self.decompressors.push(decompressor);
        }
    }
}
