//! Raw deflate data in one piece, without gzip's header, checksum and length.
//!
//! Never knows what else holds such data, or how its length is known.

use super::DeflateFault;
use super::Inflate;
use super::inflate::Engine;

/// Inflates pieces of raw deflate data, one after the other.
pub struct RawInflate {
    engine: Engine,
}

impl Default for RawInflate {
    fn default() -> Self {
        Self { engine: Engine::new(Inflate::default()) }
    }
}

impl RawInflate {
    /// Inflates all of `input` to the beginning of `output`, and gives the length; `None` where
    /// `output`, which must be longer than the data by a byte at least, has no room for it. Bytes
    /// behind the data may be overwritten.
    ///
    /// # Errors
    /// When the data is damaged, or cut.
    pub fn inflate(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<Option<usize>, DeflateFault> {
        if output.is_empty() {
            return Ok(None);
        }
        self.engine.start();
        let enough = output.len();
        let step = self.engine.step(input, output, 0, enough)?;
        if step.end {
            Ok(Some(step.produced))
        } else if step.produced == enough {
            Ok(None)
        } else {
            Err(DeflateFault::Unspecified)
        }
    }
}
