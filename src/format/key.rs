//! The encoding of keys in CSV inventories and in manifests, as S3 writes it.
//!
//! Reports in Parquet and ORC hold keys raw: they are encoded so on their way out.
//!
//! Never knows what a key looks like.

pub use crate::predicate::decode_key;

/// Bytes that stand for themselves: letters, digits and `/-_.*`. A space becomes `+`; everything
/// else, `~` too, becomes `%XX` in upper case: the form encoding of HTML, except that `/` is left
/// as it is. Without branches, so that many bytes are told at once.
const fn is_literal(byte: u8) -> bool {
    // `-`, `.` and `/` stand before the digits.
    let signs_and_digits = byte.wrapping_sub(b'-') <= b'9' - b'-';
    let letters = (byte | 0x20).wrapping_sub(b'a') <= b'z' - b'a';
    signs_and_digits | letters | (byte == b'_') | (byte == b'*')
}

const HEX: [u8; 16] = *b"0123456789ABCDEF";

/// Bytes looked at together.
const BLOCK_BYTES: usize = 16;

/// Which bytes of a block do not stand for themselves: a bit for each, the first one lowest.
#[inline]
fn odd_bytes(block: &[u8; BLOCK_BYTES]) -> u32 {
    let odd = block.iter().fold(0, |odd, byte| odd | u8::from(!is_literal(*byte)));
    if odd == 0 {
        return 0;
    }
    let bits = block.iter().enumerate();
    bits.fold(0, |bits, (place, byte)| bits | u32::from(!is_literal(*byte)) << place)
}

/// Appends the encoded form of a key.
pub fn encode_key(key: &[u8], out: &mut Vec<u8>) {
    // Most keys grow little or not at all.
    out.reserve(key.len() + 2 * BLOCK_BYTES);
    let (blocks, rest) = key.as_chunks::<BLOCK_BYTES>();
    for block in blocks {
        encode_block(block, odd_bytes(block), BLOCK_BYTES, out);
    }
    // The rest as a block of its own, filled up with what is not written.
    let mut block = [b'/'; BLOCK_BYTES];
    block[..rest.len()].copy_from_slice(rest);
    encode_block(&block, odd_bytes(&block), rest.len(), out);
}

/// Appends the first `length` bytes of a block, of which these are odd.
#[inline]
fn encode_block(block: &[u8; BLOCK_BYTES], mut odd: u32, length: usize, out: &mut Vec<u8>) {
    let mut from = 0;
    while odd != 0 {
        let place = odd.trailing_zeros() as usize;
        out.extend_from_slice(&block[from..place]);
        match block[place] {
            b' ' => out.push(b'+'),
            byte => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'%', high, low]);
            }
        }
        from = place + 1;
        odd &= odd - 1;
    }
    if from == 0 && length == BLOCK_BYTES {
        out.extend_from_slice(block);
    } else {
        out.extend_from_slice(&block[from..length]);
    }
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
