//! Blocks: pieces of column formats that were compressed as a whole, by any of their codecs.
//!
//! Never knows what is in a block, or where it was.

use std::fmt;

use super::foreign;
use super::gzip::{GzipDecoder, Inflate, Inflated, RawInflate, Status};

/// What a block was compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Nothing.
    None,
    /// Snappy, without frames.
    Snappy,
    /// gzip (RFC 1952); several members, too.
    Gzip,
    /// Raw deflate data (RFC 1951).
    Deflate,
    /// zstd.
    Zstd,
    /// A block of LZ4, without frames.
    Lz4,
    /// Blocks of LZ4 in the framing of Hadoop, as Parquet's deprecated `LZ4` has it: big-endian
    /// lengths, decompressed and compressed, before each. Some writers left the framing away.
    Lz4Hadoop,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no compression",
            Self::Snappy => "Snappy",
            Self::Gzip => "gzip",
            Self::Deflate => "zlib",
            Self::Zstd => "zstd",
            Self::Lz4 | Self::Lz4Hadoop => "LZ4",
        })
    }
}

/// Why a block can't be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// It is not what its codec writes.
    #[error("its {codec} data is damaged ({fault})")]
    Damaged {
        /// The codec.
        codec: Codec,
        /// What the decompressor said.
        fault: String,
    },
    /// It holds more than there may be.
    #[error("its {codec} data holds more than the {bytes_max} bytes that it should")]
    TooLong {
        /// The codec.
        codec: Codec,
        /// How many there may be.
        bytes_max: usize,
    },
}

/// Room that an output has beyond the longest block: with it decompressors run at full speed to the
/// end, and find out that there is no more to come.
pub(crate) const SPARE_BYTES: usize = 640;

/// Decompresses blocks; one for each worker, used again from block to block.
#[derive(Default)]
pub struct Decompressor {
    gzip: Option<Box<GzipDecoder>>,
    deflate: Option<Box<RawInflate>>,
    snappy: snap::raw::Decoder,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decompressor")
    }
}

impl Decompressor {
    /// Decompresses a block to the beginning of `output`, which is longer by [`SPARE_BYTES`] than
    /// the block may be at most; gives its length. Bytes behind it may be overwritten.
    ///
    /// # Errors
    /// When the block is damaged or longer.
    pub fn decompress(
        &mut self,
        codec: Codec,
        block: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CodecError> {
        let bytes_max = output.len().saturating_sub(SPARE_BYTES);
        match self.decompress_any(codec, block, output)? {
            length if length <= bytes_max => Ok(length),
            _ => Err(CodecError::TooLong { codec, bytes_max }),
        }
    }

    /// Decompresses two blocks, each as [`decompress`](Self::decompress) does; deflated ones in
    /// less time than one after the other.
    pub fn decompress_two(
        &mut self,
        codec: Codec,
        blocks: [&[u8]; 2],
        outputs: [&mut [u8]; 2],
    ) -> [Result<usize, CodecError>; 2] {
        if codec != Codec::Deflate {
            let [one, two] = outputs;
            return [
                self.decompress(codec, blocks[0], one),
                self.decompress(codec, blocks[1], two),
            ];
        }
        let room = [outputs[0].len(), outputs[1].len()];
        let inflate = self.deflate.get_or_insert_with(Box::default);
        let [one, two] = inflate.inflate_two(blocks, outputs);
        [inflated(one, room[0]), inflated(two, room[1])]
    }

    fn decompress_any(
        &mut self,
        codec: Codec,
        block: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CodecError> {
        let damaged =
            |fault: &dyn fmt::Display| CodecError::Damaged { codec, fault: fault.to_string() };
        let too_long = CodecError::TooLong { codec, bytes_max: output.len() };
        match codec {
            Codec::None => {
                output.get_mut(..block.len()).ok_or(too_long)?.copy_from_slice(block);
                Ok(block.len())
            }
            Codec::Snappy => {
                let length = snap::raw::decompress_len(block).map_err(|error| damaged(&error))?;
                let output = output.get_mut(..length).ok_or(too_long)?;
                let snappy = &mut self.snappy;
                foreign_call(codec, || snappy.decompress(block, output))
            }
            Codec::Gzip => self.gunzip(block, output),
            Codec::Deflate => {
                let inflate = self.deflate.get_or_insert_with(Box::default);
                inflated(inflate.inflate(block, output), output.len())
            }
            Codec::Zstd => {
                if self.zstd.is_none() {
                    let made = zstd::bulk::Decompressor::new();
                    self.zstd = Some(made.map_err(|error| damaged(&error))?);
                }
                match &mut self.zstd {
                    Some(zstd) => foreign_call(codec, || zstd.decompress_to_buffer(block, output)),
                    None => Err(too_long),
                }
            }
            Codec::Lz4 => lz4(codec, block, output),
            Codec::Lz4Hadoop => match unframe(block, output) {
                Some(length) => Ok(length),
                None => lz4(codec, block, output),
            },
        }
    }

    fn gunzip(&mut self, block: &[u8], output: &mut [u8]) -> Result<usize, CodecError> {
        let codec = Codec::Gzip;
        let decoder =
            self.gzip.get_or_insert_with(|| Box::new(GzipDecoder::new(Inflate::default())));
        decoder.reset();
        let (mut from, mut at) = (0, 0);
        loop {
            let progress = decoder
                .decode(&block[from..], true, output, at)
                .map_err(|error| CodecError::Damaged { codec, fault: error.to_string() })?;
            from += progress.consumed;
            at += progress.produced;
            if progress.status == Status::End {
                return Ok(at);
            }
            if at == output.len() && progress.consumed == 0 && progress.produced == 0 {
                return Err(CodecError::TooLong { codec, bytes_max: output.len() });
            }
        }
    }
}

/// Calls a decompressor that is not ours: a block at which it panics is damaged.
fn foreign_call<E: fmt::Display>(
    codec: Codec,
    call: impl FnOnce() -> Result<usize, E>,
) -> Result<usize, CodecError> {
    let damaged = |fault: String| CodecError::Damaged { codec, fault };
    match foreign::guarded(call) {
        Ok(found) => found.map_err(|error| damaged(error.to_string())),
        Err(panic) => Err(damaged(format!("its decompressor gave up: {panic}"))),
    }
}

fn lz4(codec: Codec, block: &[u8], output: &mut [u8]) -> Result<usize, CodecError> {
    foreign_call(codec, || lz4_flex::block::decompress_into(block, output))
}

/// The length of what was inflated into `room` bytes.
fn inflated(found: Inflated, room: usize) -> Result<usize, CodecError> {
    let (codec, bytes_max) = (Codec::Deflate, room.saturating_sub(SPARE_BYTES));
    match found {
        Ok(Some(length)) if length <= bytes_max => Ok(length),
        Ok(_) => Err(CodecError::TooLong { codec, bytes_max }),
        Err(fault) => Err(CodecError::Damaged { codec, fault: fault.to_string() }),
    }
}

/// Blocks in Hadoop's framing; `None` where it is not such a framing to the last byte.
fn unframe(mut block: &[u8], output: &mut [u8]) -> Option<usize> {
    let mut at = 0_usize;
    while !block.is_empty() {
        let (length, rest) = block.split_first_chunk::<4>()?;
        let (compressed, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (piece, rest) = rest.split_at_checked(u32::from_be_bytes(*compressed) as usize)?;
        let room = output.get_mut(at..at.checked_add(length)?)?;
        if lz4(Codec::Lz4Hadoop, piece, room).ok()? != length {
            return None;
        }
        at += length;
        block = rest;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const CODECS: [Codec; 7] = [
        Codec::None,
        Codec::Snappy,
        Codec::Gzip,
        Codec::Deflate,
        Codec::Zstd,
        Codec::Lz4,
        Codec::Lz4Hadoop,
    ];

    fn compressed(codec: Codec, bytes: &[u8]) -> Vec<u8> {
        match codec {
            Codec::None => bytes.to_vec(),
            Codec::Snappy => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            Codec::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Deflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Zstd => zstd::bulk::compress(bytes, 3).unwrap(),
            Codec::Lz4 => lz4_flex::block::compress(bytes),
            Codec::Lz4Hadoop => {
                let mut framed = Vec::new();
                for piece in bytes.chunks(100) {
                    let block = lz4_flex::block::compress(piece);
                    framed.extend((piece.len() as u32).to_be_bytes());
                    framed.extend((block.len() as u32).to_be_bytes());
                    framed.extend(block);
                }
                framed
            }
        }
    }

    proptest! {
        #[test]
        fn every_codec_gives_back_what_was_compressed(
            bytes in proptest::collection::vec(0..20u8, 1..600),
            room in 0..600usize,
            cut in 0..600usize,
            flipped in 0..600usize,
        ) {
            let mut decompressor = Decompressor::default();
            for codec in CODECS {
                let block = compressed(codec, &bytes);
                let mut output = vec![0xAA; bytes.len() + room % 2 + SPARE_BYTES];
                let length = decompressor.decompress(codec, &block, &mut output);
                prop_assert_eq!(length, Ok(bytes.len()), "{:?}", codec);
                prop_assert_eq!(&output[..bytes.len()], &bytes[..], "{:?}", codec);
                let half = compressed(codec, &bytes[..bytes.len() / 2 + 1]);
                let mut two = [vec![0xAA; output.len()], vec![0xAA; output.len()]];
                let [one, other] = &mut two;
                let found = decompressor.decompress_two(codec, [&block, &half], [one, other]);
                prop_assert_eq!(found, [Ok(bytes.len()), Ok(bytes.len() / 2 + 1)], "{:?}", codec);
                prop_assert_eq!(&two[0][..bytes.len()], &bytes[..], "{:?}", codec);
                prop_assert_eq!(&two[1][..bytes.len() / 2 + 1], &bytes[..bytes.len() / 2 + 1]);
                // Neither a lack of room nor damage does harm.
                let mut short = vec![0; room % bytes.len() + SPARE_BYTES];
                prop_assert!(decompressor.decompress(codec, &block, &mut short).is_err());
                let mut damaged = block[..cut % block.len()].to_vec();
                let _ = decompressor.decompress(codec, &damaged, &mut output);
                damaged = block;
                let place = flipped % damaged.len();
                damaged[place] ^= 1 << (flipped % 8);
                let _ = decompressor.decompress(codec, &damaged, &mut output);
            }
        }
    }

    #[test]
    fn nothing_stands_behind_deflated_data() {
        let mut block = compressed(Codec::Deflate, b"some bytes");
        let mut output = [vec![0; 10 + SPARE_BYTES], vec![0; 10 + SPARE_BYTES]];
        let mut decompressor = Decompressor::default();
        assert_eq!(decompressor.decompress(Codec::Deflate, &block, &mut output[0]), Ok(10));
        block.push(0);
        assert!(decompressor.decompress(Codec::Deflate, &block, &mut output[0]).is_err());
        let [one, two] = &mut output;
        let found = decompressor.decompress_two(Codec::Deflate, [&block, &block], [one, two]);
        assert!(found.iter().all(Result::is_err));
    }

    #[test]
    fn lz4_without_its_framing_is_read_too() {
        let bytes = b"without any framing without any framing";
        let mut output = vec![0; bytes.len() + SPARE_BYTES];
        let block = compressed(Codec::Lz4, bytes);
        let found = Decompressor::default().decompress(Codec::Lz4Hadoop, &block, &mut output);
        assert_eq!(found, Ok(bytes.len()));
        assert_eq!(&output[..bytes.len()], bytes);
    }

    #[test]
    fn a_decompressor_that_panics_has_met_a_damaged_block() {
        let found = foreign_call(Codec::Snappy, || -> Result<usize, CodecError> {
            panic!("index out of bounds")
        });
        let fault = found.unwrap_err().to_string();
        assert!(
            fault.contains("Snappy data is damaged") && fault.contains("out of bounds"),
            "{fault}"
        );
    }
}
