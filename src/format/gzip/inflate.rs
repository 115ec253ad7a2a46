//! Two ways to inflate behind one small type: our own kernel, fast, and `zlib-rs`, the reference.
//!
//! Never knows gzip: no header, no checksum, no second member.
//!
//! Both accept the same data and take exactly its bytes: nothing of what follows. Bytes given out
//! before an error, and the place where it is noticed, may differ.

use flate2::{Decompress, FlushDecompress, Status};

use super::kernel::InflateKernel;
use super::{DeflateFault, Inflate};

/// What one call did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InflateStep {
    /// Bytes of `input` that were taken.
    pub(super) consumed: usize,
    /// Bytes that were written from `at` on.
    pub(super) produced: usize,
    /// The deflate data ended: the last byte that was taken is its last.
    pub(super) end: bool,
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

/// Inflates two whole streams into two outputs, in turn where that is faster. Gives where each
/// stands after what could be done in turn; [`Engine::step`] does the rest. Both engines are at the
/// start of a stream.
pub(super) fn step_two(
    (one, two): (&mut Engine, &mut Engine),
    inputs: [&[u8]; 2],
    outputs: [&mut [u8]; 2],
) -> Result<[InflateStep; 2], DeflateFault> {
    match (one, two) {
        (Engine::Fast(one), Engine::Fast(two)) => {
            InflateKernel::step_two([one, two], inputs, outputs)
        }
        _ => Ok([InflateStep::default(); 2]),
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
