//! Packed values: several as one run of bytes, as a key of a table or as a row on its way, so that
//! neither takes an allocation for each value.
//!
//! Never knows what the values are.

use std::iter;

/// Appends a value to a packed key: its length (u32) and its bytes.
pub(super) fn push(value: &[u8], key: &mut Vec<u8>) {
    // A record, and so a value, is far shorter than 4 GiB.
    key.extend_from_slice(&(value.len() as u32).to_le_bytes());
    key.extend_from_slice(value);
}

/// The values of a packed key.
pub(super) fn values(mut key: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        let (length, rest) = key.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        key = rest;
        Some(value)
    })
}

/// The values of a packed key, as values of their own.
pub(super) fn unpack(key: &[u8]) -> Vec<Vec<u8>> {
    values(key).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_keys_come_apart_again() {
        for values in [vec![], vec![b"".to_vec()], vec![b"a".to_vec(), b"".to_vec(), vec![0; 300]]]
        {
            let mut key = Vec::new();
            values.iter().for_each(|value| push(value, &mut key));
            assert_eq!(unpack(&key), values);
        }
    }
}
