//! Small files, several read whole and hashed at once before they are scanned.
//!
//! The disk then has many of them to fetch at the same time, and hashing takes a lane of a vector
//! for each file instead of a stream's whole time (see [`crate::format::md5`]).
//!
//! Never knows what is in a file.

use super::input::{has_its_length, read};
use super::md5::{BUFFER_BYTES, CHUNK_BYTES};
use super::{DataErrorKind, Input, Verify};
use crate::format::md5::{LANES_MAX, Md5Path, Md5Streams};
use crate::source::{FolderOpener, ReadBuffer, SourceFile};

/// Files up to this size are small: sixteen fit the buffer that larger ones are hashed from.
const SMALL_BYTES_MAX: u64 = CHUNK_BYTES as u64;

const _: () = assert!(LANES_MAX * CHUNK_BYTES == BUFFER_BYTES);

/// A file that was read.
pub(super) struct SmallFile<'a> {
    pub(super) bytes: &'a [u8],
    /// Where it is checked.
    pub(super) digest: Option<[u8; 16]>,
}

/// How many files from the first on are small and can be read at once; 0 or at least 2.
pub(super) fn count(inputs: &[Input]) -> usize {
    let small = inputs.iter().take(LANES_MAX).take_while(|input| input.bytes <= SMALL_BYTES_MAX);
    match small.count() {
        1 => 0,
        count => count,
    }
}

/// Reads small files, at most [`LANES_MAX`], into `buffer`. What is wrong with one is told in its
/// place.
pub(super) fn read_all<'a>(
    inputs: &[Input],
    verify: Verify,
    opener: &mut FolderOpener,
    buffer: &'a mut ReadBuffer,
) -> Vec<Result<SmallFile<'a>, DataErrorKind>> {
    // All are opened before the first is read: opening asks the system to fetch. In S3 it waits for
    // an answer, too, so all are asked for before the first is opened.
    inputs.iter().filter(|input| input.path.is_remote()).for_each(|i| i.path.advise_soon());
    let mut open = |input: &Input| has_its_length(input, opener.open(&input.path)?);
    let files: Vec<_> = inputs.iter().map(&mut open).collect();
    let chunks = buffer.of(BUFFER_BYTES).chunks_exact_mut(CHUNK_BYTES);
    let contents: Vec<Result<&[u8], DataErrorKind>> =
        files.into_iter().zip(inputs).zip(chunks).map(read_whole).collect();
    let digests = match verify {
        // In lanes this costs next to nothing, so it is always checked.
        Verify::Auto | Verify::Md5 => digests(&contents),
        Verify::Crc => Vec::new(),
    };
    let mut digests = digests.into_iter();
    let mut with_digest = |bytes| SmallFile { bytes, digest: digests.next() };
    contents.into_iter().map(|content| content.map(&mut with_digest)).collect()
}

type ToRead<'a, 'b> = ((Result<SourceFile, DataErrorKind>, &'b Input), &'a mut [u8]);

fn read_whole<'a>(((file, input), chunk): ToRead<'a, '_>) -> Result<&'a [u8], DataErrorKind> {
    let length = input.bytes.min(SMALL_BYTES_MAX) as usize;
    let count = read(&mut file?, &mut chunk[..length])?;
    Ok(&chunk[..count])
}

/// The MD5 of each file that could be read.
fn digests(contents: &[Result<&[u8], DataErrorKind>]) -> Vec<[u8; 16]> {
    let pieces: Vec<&[u8]> =
        contents.iter().filter_map(|content| content.as_ref().ok().copied()).collect();
    let mut streams = Md5Streams::new(pieces.len(), Md5Path::Auto);
    streams.update(&pieces);
    streams.finish()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use md5::{Digest, Md5};

    use super::*;
    use crate::report::FileFormat;

    #[test]
    fn each_file_comes_with_its_digest_or_its_own_fault() {
        let folder = tempfile::tempdir().unwrap();
        let file = |number: usize| {
            let bytes = vec![number as u8; number * 997];
            let path = folder.path().join(number.to_string());
            fs::write(&path, &bytes).unwrap();
            let md5 = Some(Md5::digest(&bytes).into());
            let (path, bytes) = (path.into(), bytes.len() as u64);
            Input { path, bytes, md5, report: 0, format: FileFormat::Csv }
        };
        let mut inputs: Vec<Input> = (0..9).map(file).collect();
        fs::remove_file(inputs[2].path.as_path().unwrap()).unwrap();
        inputs[5].bytes += 1;
        let (mut opener, mut buffer) = (FolderOpener::default(), ReadBuffer::default());
        let files = read_all(&inputs, Verify::Md5, &mut opener, &mut buffer);
        for (number, (file, input)) in files.into_iter().zip(&inputs).enumerate() {
            match number {
                2 => assert!(matches!(file, Err(DataErrorKind::Read(_)))),
                5 => assert!(matches!(file, Err(DataErrorKind::Size { .. }))),
                _ => {
                    let file = file.ok().unwrap();
                    assert_eq!((file.bytes.len() as u64, file.digest), (input.bytes, input.md5));
                }
            }
        }
        let unchecked = read_all(&inputs[..2], Verify::Crc, &mut opener, &mut buffer);
        assert!(unchecked.iter().all(|file| file.as_ref().is_ok_and(|file| file.digest.is_none())));
    }

    #[test]
    fn only_neighbours_that_are_small_are_read_at_once() {
        let input = |bytes| Input {
            path: "f".into(),
            bytes,
            md5: None,
            report: 0,
            format: FileFormat::Csv,
        };
        let count = |sizes: &[u64]| count(&sizes.iter().copied().map(input).collect::<Vec<_>>());
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[1]), 0, "one is not worth it");
        assert_eq!(count(&[0, SMALL_BYTES_MAX, SMALL_BYTES_MAX + 1, 1]), 2);
        assert_eq!(count(&[1; 20]), LANES_MAX);
    }
}
