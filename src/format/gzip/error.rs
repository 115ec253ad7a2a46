//! What can be wrong with a gzip file, where, and what to do about it.
//!
//! Never knows the file's name: whoever opened it adds that.

/// A gzip file that could not be decoded: what is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte {byte} (member {member}): {kind}")]
pub struct GzipError {
    /// What is wrong.
    pub kind: GzipErrorKind,
    /// Offset in the compressed file, from 0. The first wrong byte where that is known; for
    /// [`GzipErrorKind::Deflate`] the fault is at this byte or after it.
    pub byte: u64,
    /// The member that was being read, from 1; for bytes after the last member, that member.
    pub member: u64,
}

/// The ways in which a gzip file can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GzipErrorKind {
    /// There are no bytes at all.
    #[error("the file is empty, and even empty data makes 20 bytes of gzip: fetch it again")]
    Empty,
    /// The first bytes are not gzip's.
    #[error(
        "found {found:#04x} where a gzip file has {expected:#04x}: this is not a gzip file; \
             check the format that the report declares"
    )]
    NotGzip {
        /// The byte that is there.
        found: u8,
        /// The byte that opens a gzip file at this place.
        expected: u8,
    },
    /// Bytes after a member that are neither another member nor zero padding.
    #[error(
        "found {found:#04x} after the end of the compressed data, where only another member or \
             zero bytes may follow: the file is damaged; fetch it again"
    )]
    TrailingGarbage {
        /// The first byte that does not belong there.
        found: u8,
    },
    /// A compression method that is not deflate.
    #[error(
        "compression method {found} is unknown (gzip defines 8 only): the file is damaged; \
             fetch it again"
    )]
    Method {
        /// The method byte.
        found: u8,
    },
    /// Flag bits that RFC 1952 reserves are set.
    #[error("reserved flag bits are set ({flags:#04x}): the file is damaged; fetch it again")]
    ReservedFlags {
        /// The flag byte.
        flags: u8,
    },
    /// A file name or comment in the header without an end.
    #[error(
        "the header's {field} is longer than {bytes_max} bytes: the file is damaged or hostile; \
             fetch it again"
    )]
    HeaderTextTooLong {
        /// Which text: file name or comment.
        field: &'static str,
        /// The most that is read.
        bytes_max: u32,
    },
    /// The header's own checksum does not fit the header.
    #[error(
        "stored header CRC-16 {stored:04x}, the header gives {computed:04x}: the file is \
             damaged; fetch it again"
    )]
    HeaderCrc {
        /// As the file has it.
        stored: u16,
        /// As the header's bytes have it.
        computed: u16,
    },
    /// The deflate data cannot be decoded.
    #[error("the compressed data is malformed ({0}): the file is damaged; fetch it again")]
    Deflate(DeflateFault),
    /// The data's checksum does not fit the data.
    #[error(
        "stored CRC-32 {stored:08x}, data gives {computed:08x}: the file is damaged; \
             fetch it again"
    )]
    Crc {
        /// As the file has it.
        stored: u32,
        /// As the decoded bytes have it.
        computed: u32,
    },
    /// The data's length, modulo 2^32, does not fit the data.
    #[error(
        "stored length {stored}, data has {computed} bytes (modulo 2^32): the file is damaged; \
             fetch it again"
    )]
    Length {
        /// As the file has it.
        stored: u32,
        /// As counted.
        computed: u32,
    },
    /// The file ends inside a member.
    #[error("the file ends inside the {part}: it is cut short; fetch it again")]
    Truncated {
        /// The part of the member that is incomplete.
        part: MemberPart,
    },
}

/// The parts of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberPart {
    /// From the magic bytes to the header's checksum.
    Header,
    /// The deflate data.
    Body,
    /// CRC-32 and length.
    Trailer,
}

impl std::fmt::Display for MemberPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "gzip header",
            Self::Body => "compressed data",
            Self::Trailer => "checksum",
        })
    }
}

/// What is wrong with deflate data. The reference does not say in a form to rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeflateFault {
    /// A block of the reserved type 3.
    #[error("unknown block type")]
    BlockType,
    /// A stored block whose length and its complement disagree.
    #[error("bad length of a stored block")]
    StoredLength,
    /// Code lengths that make no prefix code.
    #[error("bad code lengths")]
    CodeLengths,
    /// A bit pattern that the block's codes leave unused.
    #[error("bad code")]
    Code,
    /// A copy from before the member's first byte.
    #[error("distance too far back")]
    Distance,
    /// Bytes behind the end of the data, where nothing follows.
    #[error("bytes behind its end")]
    Trailing,
    /// The reference refused the data and gave no reason.
    #[error("refused by the reference decoder")]
    Unspecified,
}
