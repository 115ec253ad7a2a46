//! Object keys as CSV reports write them: form-encoded, `+` for a space, `%XX` for a byte.
//!
//! S3's own encoder writes a space as `+` and a plus sign as `%2B`, so that reading both `+` and
//! `%20` as a space is right whichever of the two a producer writes. Bytes need not be UTF-8.
//!
//! Never knows which column a key came from, or what it is compared with.

/// Appends the decoded key to `out`.
///
/// `+` becomes a space and `%XX` the byte XX; a `%` that two hexadecimal digits do not follow stays
/// as it is. Nothing is refused, and nothing is said about UTF-8.
pub fn decode_key(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(plain) = memchr::memchr2(b'%', b'+', rest) {
        out.extend_from_slice(&rest[..plain]);
        let (byte, taken) = decode_first(&rest[plain..]);
        out.push(byte);
        rest = &rest[plain + taken..];
    }
    out.extend_from_slice(rest);
}

/// Whether nothing in the key needs decoding: raw and decoded bytes are the same.
pub(crate) fn is_plain(raw: &[u8]) -> bool {
    memchr::memchr2(b'%', b'+', raw).is_none()
}

/// Whether the decoded key equals `wanted`; stops at the first difference.
pub(crate) fn decoded_equals(raw: &[u8], wanted: &[u8]) -> bool {
    // Decoding never lengthens, and a byte of the key is at most three of the encoding.
    if raw.len() < wanted.len() || raw.len() > wanted.len().saturating_mul(3) {
        return false;
    }
    rest_after_prefix(raw, wanted).is_some_and(<[u8]>::is_empty)
}

/// Whether the decoded key starts with `wanted`; looks at no more of the key than that.
pub(crate) fn decoded_starts_with(raw: &[u8], wanted: &[u8]) -> bool {
    rest_after_prefix(raw, wanted).is_some()
}

fn rest_after_prefix<'r>(raw: &'r [u8], wanted: &[u8]) -> Option<&'r [u8]> {
    let mut rest = raw;
    for byte in wanted {
        let first = *rest.first()?;
        let (decoded, taken) =
            if first == b'%' || first == b'+' { decode_first(rest) } else { (first, 1) };
        if decoded != *byte {
            return None;
        }
        rest = &rest[taken..];
    }
    Some(rest)
}

/// The first decoded byte of a non-empty encoding, and how many bytes it took.
fn decode_first(encoded: &[u8]) -> (u8, usize) {
    match *encoded {
        [b'+', ..] => (b' ', 1),
        [b'%', high, low, ..] => match (hex(high), hex(low)) {
            (Some(high), Some(low)) => (high << 4 | low, 3),
            _ => (b'%', 1),
        },
        [byte, ..] => (byte, 1),
        [] => (0, 0),
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        decode_key(raw, &mut out);
        out
    }

    #[test]
    fn keys_are_form_decoded_and_broken_sequences_stay() {
        for (raw, key) in [
            (&b"plain/key"[..], &b"plain/key"[..]),
            (b"a+b%20c%2Bd", b"a b c+d"),
            (b"dt%3D2024/%7Ex", b"dt=2024/~x"),
            (b"%e4%B8%AD", "中".as_bytes()),
            (b"%ff%00", b"\xff\0"),
            (b"100%", b"100%"),
            (b"%4", b"%4"),
            (b"%zz%%41", b"%zz%A"),
            (b"%+1", b"% 1"),
            (b"", b""),
        ] {
            assert_eq!(decoded(raw), key, "{raw:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn comparing_without_decoding_agrees_with_decoding(
            raw in "(a|b|%|\\+|%41|%2b|%C3%A9|4|1){0,8}",
            wanted in "[ab%+A é41]{0,6}",
        ) {
            let key = decoded(raw.as_bytes());
            let wanted = wanted.as_bytes();
            proptest::prop_assert_eq!(decoded_equals(raw.as_bytes(), wanted), key == wanted);
            proptest::prop_assert_eq!(
                decoded_starts_with(raw.as_bytes(), wanted), key.starts_with(wanted));
            proptest::prop_assert!(decoded_equals(raw.as_bytes(), &key));
        }
    }
}
