//! Access control lists as reports write them: the base64 of a JSON document (S3 User Guide,
//! "Working with the Object ACL field").
//!
//! What is not the base64 of a JSON object stays as it stands, so that no plain text is taken for
//! an encoded one.
//!
//! Never knows which column a list came from, or what it is compared with.

/// In [`DIGITS`]: not a digit.
const NONE: u8 = u8::MAX;

/// The digits' values, by their characters.
const DIGITS: [u8; 256] = digits();

const fn digits() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [NONE; 256];
    let mut value = 0;
    while value < alphabet.len() {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits
}

/// Appends the JSON object that a field encodes to `out`. Where it encodes none, nothing is
/// appended, and the answer is `false`.
pub(super) fn decode_acl(raw: &[u8], out: &mut Vec<u8>) -> bool {
    // `e` begins with the bits of `{`; most other texts end here.
    if raw.first() != Some(&b'e') || !raw.len().is_multiple_of(4) {
        return false;
    }
    let begin = out.len();
    if append(raw, out) && out.get(begin) == Some(&b'{') {
        return true;
    }
    out.truncate(begin);
    false
}

/// Appends the decoded bytes; `false` at the first character that does not belong there.
fn append(raw: &[u8], out: &mut Vec<u8>) -> bool {
    let padding = raw.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let digits = &raw[..raw.len() - padding];
    for four in digits.chunks(4) {
        let mut bits = 0_u32;
        for byte in four {
            let digit = DIGITS[usize::from(*byte)];
            if digit == NONE {
                return false;
            }
            bits = bits << 6 | u32::from(digit);
        }
        let missing = 4 - four.len();
        let [_, bytes @ ..] = (bits << (6 * missing)).to_be_bytes();
        out.extend_from_slice(&bytes[..3 - missing]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &str) -> Option<String> {
        let mut out = b"before".to_vec();
        let is_acl = decode_acl(raw.as_bytes(), &mut out);
        let text = String::from_utf8(out).unwrap();
        let rest = text.strip_prefix("before").unwrap();
        assert!(is_acl || rest.is_empty(), "{raw}");
        is_acl.then(|| rest.to_owned())
    }

    #[test]
    fn json_objects_are_decoded_and_anything_else_stays() {
        for (raw, json) in [
            ("e30=", "{}"),
            ("eyJhIjoxfQ==", "{\"a\":1}"),
            ("eyJ2ZXJzaW9uIjoiMjAyMi0xMS0xMCJ9", "{\"version\":\"2022-11-10\"}"),
        ] {
            assert_eq!(decoded(raw).as_deref(), Some(json), "{raw}");
        }
        for raw in
            ["", "e", "e30", "e3=0", "e===", "test", "each", "e30-", "{}", "public-read", "W10="]
        {
            assert_eq!(decoded(raw), None, "{raw}");
        }
    }
}
