//! The encoding of keys in CSV inventories and in manifests, as S3 writes it.
//!
//! Reports in Parquet and ORC hold keys raw: they are encoded so on their way out.
//!
//! Never knows what a key looks like.

const HEX: [u8; 16] = *b"0123456789ABCDEF";

/// Bytes looked at together: those of a word.
const BLOCK_BYTES: usize = 8;

/// The same byte in each place of a word.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; BLOCK_BYTES])
}

/// The highest bit of each byte that lies in `first..=last`, where no byte of `word` is above 127.
/// Other bits mean nothing.
#[inline]
const fn within(word: u64, first: u8, last: u8) -> u64 {
    // A byte's highest bit is set by the sum from `first` on, and by the other one after `last`.
    (word + each(128 - first)) ^ (word + each(127 - last))
}

/// The highest bit of each byte that does not stand for itself. Letters, digits and `/-_.*` do. A
/// space becomes `+`; everything else, `~` too, becomes `%XX` in upper case: the form encoding of
/// HTML, except that `/` is left as it is. Without branches, so that a word is told at once.
#[inline]
const fn odd_bytes(word: u64) -> u64 {
    let ascii = word & each(0x7f);
    // `-`, `.` and `/` stand before the digits.
    let literal = within(ascii, b'-', b'9')
        | within(ascii | each(0x20), b'a', b'z')
        | within(ascii, b'_', b'_')
        | within(ascii, b'*', b'*');
    (!literal | word) & each(0x80)
}

/// Appends the encoded form of a key.
pub fn encode_key(key: &[u8], out: &mut Vec<u8>) {
    let (blocks, rest) = key.as_chunks::<BLOCK_BYTES>();
    // What stands for itself is moved in runs, not byte by byte: mostly the key as a whole.
    let mut from = 0;
    for (number, block) in blocks.iter().enumerate() {
        let odd = odd_bytes(u64::from_le_bytes(*block));
        if odd != 0 {
            from = encode_odd(key, from, number * BLOCK_BYTES, odd, out);
        }
    }
    let odd = odd_rest(key, rest.len());
    if odd != 0 {
        from = encode_odd(key, from, key.len() - rest.len(), odd, out);
    }
    out.extend_from_slice(&key[from..]);
}

/// What [`odd_bytes`] says of the last bytes of a key, fewer than a block.
#[inline]
fn odd_rest(key: &[u8], length: usize) -> u64 {
    if length == 0 {
        return 0;
    }
    match key.last_chunk::<BLOCK_BYTES>() {
        // Read together with bytes before them: filling up a block would wait for its own stores.
        Some(block) => odd_bytes(u64::from_le_bytes(*block)) >> (8 * (BLOCK_BYTES - length)),
        None => {
            let word = key.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            odd_bytes(word) & (u64::MAX >> (8 * (BLOCK_BYTES - length)))
        }
    }
}

/// Appends a key from one byte on to the last byte that does not stand for itself in the block at
/// `block`, where `odd` has a bit set for each such byte. Gives where the key goes on.
fn encode_odd(key: &[u8], mut from: usize, block: usize, mut odd: u64, out: &mut Vec<u8>) -> usize {
    while odd != 0 {
        let place = block + odd.trailing_zeros() as usize / 8;
        out.extend_from_slice(&key[from..place]);
        match key[place] {
            b' ' => out.push(b'+'),
            byte => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'%', high, low]);
            }
        }
        from = place + 1;
        odd &= odd - 1;
    }
    from
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(key: &[u8]) -> String {
        let mut out = Vec::new();
        encode_key(key, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Reads the form encoding back, as its definition says.
    fn decoded(text: &str) -> Vec<u8> {
        let mut bytes = text.bytes();
        let mut out = Vec::new();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        out
    }

    #[test]
    fn keys_are_encoded_as_s3_does() {
        for (key, text) in [
            ("a/b-c_d.e*", "a/b-c_d.e*"),
            ("my photo.jpg", "my+photo.jpg"),
            ("dt=2026-01-01", "dt%3D2026-01-01"),
            ("~user", "%7Euser"),
            ("a+b%c", "a%2Bb%25c"),
            ("é,\"\n", "%C3%A9%2C%22%0A"),
            ("(@)", "%28%40%29"),
        ] {
            assert_eq!(encoded(key.as_bytes()), text);
        }
    }

    #[test]
    fn every_byte_is_told_at_every_place() {
        for byte in 0..=u8::MAX {
            let literal = byte.is_ascii_alphanumeric() || b"/-_.*".contains(&byte);
            for place in 0..BLOCK_BYTES {
                let mut block = [b'a'; BLOCK_BYTES];
                block[place] = byte;
                let odd = if literal { 0 } else { 0x80 << (8 * place) };
                assert_eq!(odd_bytes(u64::from_le_bytes(block)), odd, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_needs_no_care_in_csv_and_comes_back(
            key in proptest::collection::vec(any::<u8>(), 0..64)
        ) {
            let text = encoded(&key);
            prop_assert!(!text.contains([',', '"', '\n', '\r', ' ']));
            prop_assert_eq!(decoded(&text), key);
        }
    }
}
