//! Raw deflate data in one piece, without gzip's header, checksum and length.
//!
//! Never knows what else holds such data, or how its length is known.

use super::DeflateFault;
use super::Inflate;
use super::inflate::{self, Engine};
use super::kernel::{InflateStep, StreamPiece};

/// Inflates pieces of raw deflate data, one after the other or two at a time.
pub struct RawInflate {
    engine: Engine,
    second: Engine,
}

impl Default for RawInflate {
    fn default() -> Self {
        Self::new(Inflate::default())
    }
}

/// A piece's length, or `None` where there is no room for it.
pub(crate) type Inflated = Result<Option<usize>, DeflateFault>;

impl RawInflate {
    /// Ready for the first piece.
    pub fn new(inflate: Inflate) -> Self {
        Self::with_engines(Engine::new(inflate), Engine::new(inflate))
    }

    pub(super) fn with_engines(engine: Engine, second: Engine) -> Self {
        Self { engine, second }
    }

    /// Inflates all of `input` to the beginning of `output`, and gives the length; `None` where
    /// `output`, which must be longer than the data by a byte at least, has no room for it. Bytes
    /// behind the data may be overwritten.
    ///
    /// # Errors
    /// When the data is damaged or cut, or something stands behind it.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        self.engine.start();
        finish(&mut self.engine, input, output, InflateStep::default())
    }

    /// Inflates two pieces, as [`inflate`](Self::inflate) does each, in less time than one after
    /// the other: a processor waits for lookups most of the time, and here has another to do.
    ///
    /// # Errors
    /// For each piece by itself: what is wrong with one does not touch the other.
    pub fn inflate_two(&mut self, inputs: [&[u8]; 2], outputs: [&mut [u8]; 2]) -> [Inflated; 2] {
        self.engine.start();
        self.second.start();
        let [to_one, to_two] = outputs;
        let [one, two] = inflate::step_two(
            (&mut self.engine, &mut self.second),
            [StreamPiece::whole(inputs[0], to_one), StreamPiece::whole(inputs[1], to_two)],
        );
        [
            one.and_then(|done| finish(&mut self.engine, inputs[0], to_one, done)),
            two.and_then(|done| finish(&mut self.second, inputs[1], to_two, done)),
        ]
    }
}

/// Inflates what is left behind `done`.
fn finish(engine: &mut Engine, input: &[u8], output: &mut [u8], done: InflateStep) -> Inflated {
    let (enough, at) = (output.len(), done.produced);
    if at == enough {
        return Ok(None);
    }
    let step = engine.step(&input[done.consumed..], output, at, enough)?;
    let taken = done.consumed + step.consumed;
    if step.end && taken < input.len() {
        Err(DeflateFault::Trailing)
    } else if step.end {
        Ok(Some(at + step.produced))
    } else if at + step.produced == enough {
        Ok(None)
    } else {
        Err(DeflateFault::Unspecified)
    }
}
