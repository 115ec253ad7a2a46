//! Which instructions hash: the choice, and what this machine can run.
//!
//! Never knows what is hashed.

use super::{LANES_MAX, Md5Block, Md5State, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use std::fmt;

/// A way to hash. All give the same digests; they differ in speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Md5Path {
    /// The fastest of the others that this machine can run.
    Auto,
    /// Sixteen streams at once on x86-64 with AVX-512; with up to eight, as the next.
    Avx512,
    /// Eight streams at once on x86-64 with AVX2.
    Avx2,
    /// One stream after another on any machine.
    Portable,
}

impl Md5Path {
    /// The paths that this machine can run, fastest first; never [`Md5Path::Auto`].
    #[must_use]
    pub fn available() -> Vec<Self> {
        let all = [Self::Avx512, Self::Avx2, Self::Portable];
        all.into_iter().filter(|path| Md5Kernel::of(*path).is_some()).collect()
    }

    /// How many streams the path that is taken hashes at once: 1 where it gains nothing.
    #[must_use]
    pub fn lanes(self) -> usize {
        Md5Kernel::resolve(self).lanes()
    }
}

impl fmt::Display for Md5Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        })
    }
}

/// A hashing kernel that this machine is known to run: holding one is the proof.
#[derive(Debug, Clone, Copy)]
pub(super) enum Md5Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable,
}

impl Md5Kernel {
    /// The kernel of a path; none where the machine can't run it.
    fn of(path: Md5Path) -> Option<Self> {
        match path {
            #[cfg(target_arch = "x86_64")]
            Md5Path::Avx512 => Avx512::detect().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            Md5Path::Avx2 => Avx2::detect().map(Self::Avx2),
            Md5Path::Portable => Some(Self::Portable),
            _ => None,
        }
    }

    /// The kernel of this path, or else of the fastest that the machine can run.
    pub(super) fn resolve(path: Md5Path) -> Self {
        let others = [Md5Path::Avx512, Md5Path::Avx2];
        let found = Self::of(path).or_else(|| others.into_iter().find_map(Self::of));
        found.unwrap_or(Self::Portable)
    }

    /// How many streams it takes at once.
    pub(super) fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => super::avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => super::avx2::LANES,
            Self::Portable => 1,
        }
    }

    /// Takes blocks, as many of each stream, into the states of the first [`Md5Kernel::lanes`]
    /// streams; does nothing to the others.
    pub(super) fn compress(
        self,
        states: &mut [Md5State; LANES_MAX],
        blocks: &[&[Md5Block]; LANES_MAX],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.compress(states, blocks),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => {
                let (Some(states), Some(blocks)) = (states.first_chunk_mut(), blocks.first_chunk())
                else {
                    return;
                };
                kernel.compress(states, blocks);
            }
            Self::Portable => portable::compress(&mut states[0], blocks[0]),
        }
    }
}
