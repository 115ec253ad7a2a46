//! Two ways to inflate behind one small type: our own kernel, fast, and `zlib-rs`, the reference.
//!
//! Never knows gzip: no header, no checksum, no second member.
//!
//! Both accept the same data and take exactly its bytes: nothing of what follows. Bytes given out
//! before an error, and the place where it is noticed, may differ.

use flate2::{Decompress, FlushDecompress, Status};

use super::DeflateFault;
use super::kernel::{InflateKernel, InflateStep, StreamPiece};

/// What inflates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Inflate {
    /// Our own kernel.
    #[default]
    Fast,
    /// `zlib-rs`: the most widely used implementation, in Rust; the oracle in tests.
    Reference,
}

/// One way to inflate, at work on one member.
pub(super) enum Engine {
    /// Our own.
    Fast(Box<InflateKernel>),
    /// `zlib-rs` through `flate2`.
    Reference(Box<Decompress>),
}

impl Engine {
    pub(super) fn new(inflate: Inflate) -> Self {
        match inflate {
            Inflate::Fast => Self::Fast(Box::new(InflateKernel::new())),
            Inflate::Reference => Self::Reference(Box::new(Decompress::new(false))),
        }
    }

    /// Makes ready for the first byte of another member, after any state, errors included.
    pub(super) fn start(&mut self) {
        match self {
            Self::Fast(kernel) => kernel.start(),
            Self::Reference(decompress) => decompress.reset(false),
        }
    }

    /// Whether [`step_two`] takes it further: with this much input and room it does.
    pub(super) fn can_share(&self, input_bytes: usize, room_bytes: usize) -> bool {
        match self {
            Self::Fast(_) => InflateKernel::can_share(input_bytes, room_bytes),
            Self::Reference(_) => false,
        }
    }

    /// Inflates `input` into `output[at..]` until the data ends, `output` is full, the input is
    /// used up, or `output[..enough]` is there, perhaps a little more. `output[..at]` is what came
    /// before: the whole member, or at least 32 KiB. `at` is below `enough`, and that is not above
    /// the length of `output`. Input is left only if `output[..enough]` is there, or at the end.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        at: usize,
        enough: usize,
    ) -> Result<InflateStep, DeflateFault> {
        match self {
            Self::Fast(kernel) => kernel.step(input, output, at, enough),
            Self::Reference(decompress) => {
                reference_step(decompress, input, &mut output[at..enough])
            }
        }
    }
}

/// Takes two streams further in turn, where that is faster, as far as both go; then, or where it is
/// not, [`Engine::step`] takes each further. What is wrong with one does not touch the other.
pub(super) fn step_two(
    (one, two): (&mut Engine, &mut Engine),
    pieces: [StreamPiece<'_>; 2],
) -> [Result<InflateStep, DeflateFault>; 2] {
    match (one, two) {
        (Engine::Fast(one), Engine::Fast(two)) => InflateKernel::step_two([one, two], pieces),
        _ => [Ok(InflateStep::default()); 2],
    }
}

fn reference_step(
    decompress: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<InflateStep, DeflateFault> {
    let before = (decompress.total_in(), decompress.total_out());
    let status = decompress
        .decompress(input, output, FlushDecompress::None)
        .map_err(|_| DeflateFault::Unspecified)?;
    Ok(InflateStep {
        consumed: (decompress.total_in() - before.0) as usize,
        produced: (decompress.total_out() - before.1) as usize,
        end: status == Status::StreamEnd,
    })
}
