//! The encoding of keys in CSV inventories, as S3 writes it.
//!
//! Never knows what a key looks like.

/// Bytes that stand for themselves. A space becomes `+`; everything else, `~` too, becomes `%XX`
/// in upper case: the form encoding of HTML, except that `/` is left as it is.
const fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'*')
}

const HEX: [u8; 16] = *b"0123456789ABCDEF";

/// Appends the encoded form of a key.
pub(super) fn push_encoded(key: &[u8], out: &mut Vec<u8>) {
    for &byte in key {
        if is_literal(byte) {
            out.push(byte);
        } else if byte == b' ' {
            out.push(b'+');
        } else {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(key: &[u8]) -> String {
        let mut out = Vec::new();
        push_encoded(key, &mut out);
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
