//! Which instructions split CSV: the choice, and what this machine can run.
//!
//! Never knows what an index is used for.

#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use super::{index::SeparatorCounts, portable};
use std::fmt;

/// A way to split. All give the same rows and the same errors; they differ in speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SplitPath {
    /// The fastest of the others that this machine can run.
    #[default]
    Auto,
    /// 64 bytes at a time on x86-64 with AVX-512 (BW, VBMI2).
    Avx512,
    /// Twice 32 bytes at a time on x86-64 with AVX2.
    Avx2,
    /// Four times 16 bytes at a time on 64-bit ARM.
    Neon,
    /// Eight bytes at a time on any machine.
    Portable,
    /// Byte by byte with `csv-core`, for everything: slow, and what the others are compared with.
    Reference,
}

impl SplitPath {
    /// The paths that this machine can run, fastest first; never [`SplitPath::Auto`].
    #[must_use]
    pub fn available() -> Vec<Self> {
        [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable, Self::Reference]
            .into_iter()
            .filter(|path| *path == Self::Reference || IndexKernel::of(*path).is_some())
            .collect()
    }

    /// The path itself if this machine can run it, else the fastest that it can.
    pub(super) fn resolved(self) -> Self {
        let available = Self::available();
        let fastest = available.first().copied().unwrap_or(Self::Reference);
        if available.contains(&self) { self } else { fastest }
    }
}

impl fmt::Display for SplitPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
            Self::Reference => "reference",
        })
    }
}

/// An indexing kernel that this machine is known to run: holding one is the proof.
#[derive(Debug, Clone, Copy)]
pub(super) enum IndexKernel {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(super::neon::Neon),
    Portable,
}

impl IndexKernel {
    /// The kernel of a path; none for the reference, and where the machine can't run it.
    pub(super) fn of(path: SplitPath) -> Option<Self> {
        match path {
            #[cfg(target_arch = "x86_64")]
            SplitPath::Avx512 => Avx512::detect().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            SplitPath::Avx2 => Avx2::detect().map(Self::Avx2),
            #[cfg(target_arch = "aarch64")]
            SplitPath::Neon => super::neon::Neon::detect().map(Self::Neon),
            SplitPath::Portable => Some(Self::Portable),
            _ => None,
        }
    }

    /// Indexes `data`; see [`super::index::index_blocks`].
    pub(super) fn index(self, data: &[u8], positions: &mut [u32]) -> SeparatorCounts {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.index(data, positions),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.index(data, positions),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(kernel) => kernel.index(data, positions),
            Self::Portable => portable::index(data, positions),
        }
    }
}
