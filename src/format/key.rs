//! The encoding of keys in CSV inventories and in manifests, as S3 writes it.
//!
//! Reports in Parquet and ORC hold keys raw: they are encoded so on their way out.
//!
//! Never knows what a key looks like.

pub use crate::predicate::decode_key;

/// Bytes that stand for themselves. A space becomes `+`; everything else, `~` too, becomes `%XX`
/// in upper case: the form encoding of HTML, except that `/` is left as it is.
const fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'*')
}

const LITERAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_literal(byte as u8);
        byte += 1;
    }
    table
};

const HEX: [u8; 16] = *b"0123456789ABCDEF";

/// How many bytes at the beginning stand for themselves. Many keys are looked at eight bytes at a
/// time: a table's answers, joined without a branch.
fn literals(key: &[u8]) -> usize {
    let (words, _) = key.as_chunks::<8>();
    let whole = words
        .iter()
        .take_while(|word| word.iter().fold(true, |all, byte| all & LITERAL[usize::from(*byte)]));
    let start = whole.count() * 8;
    let more = key[start..].iter().take_while(|byte| LITERAL[usize::from(**byte)]);
    start + more.count()
}

/// Whether the key is its own encoding.
#[must_use]
pub fn is_encoded_alike(key: &[u8]) -> bool {
    literals(key) == key.len()
}

/// Appends the encoded form of a key.
pub fn encode_key(mut key: &[u8], out: &mut Vec<u8>) {
    loop {
        let (plain, rest) = key.split_at(literals(key));
        out.extend_from_slice(plain);
        let Some((byte, rest)) = rest.split_first() else { return };
        match byte {
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(&[
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
        key = rest;
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
