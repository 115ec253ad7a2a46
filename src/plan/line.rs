//! Lines of a manifest: counting them, cutting between them, and the key that one holds.
//!
//! A line ends with a line feed, and no field holds one.

use memchr::{memchr, memchr_iter, memrchr};

/// How many of the `rows` lines in `lines` fit a room of this many rows and bytes: rows and bytes.
pub(super) fn fit(lines: &[u8], rows: u64, rows_room: u64, bytes_room: u64) -> (u64, usize) {
    if rows <= rows_room && lines.len() as u64 <= bytes_room {
        return (rows, lines.len());
    }
    let mut fitting = (0, 0);
    for (place, at) in memchr_iter(b'\n', lines).enumerate() {
        let (count, end) = (place as u64 + 1, at + 1);
        if count > rows_room || end as u64 > bytes_room {
            break;
        }
        fitting = (count, end);
    }
    fitting
}

/// How many lines there are.
pub(super) fn count(lines: &[u8]) -> u64 {
    memchr_iter(b'\n', lines).count() as u64
}

/// The first line, without its line feed.
pub(super) fn first(lines: &[u8]) -> &[u8] {
    &lines[..memchr(b'\n', lines).unwrap_or(lines.len())]
}

/// The last line, without its line feed.
pub(super) fn last(lines: &[u8]) -> &[u8] {
    let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
    &lines[memrchr(b'\n', lines).map_or(0, |at| at + 1)..]
}

/// Of a line with a version id, what names the object: bucket and key. A version id has no comma.
pub(super) fn object(line: &[u8]) -> &[u8] {
    memrchr(b',', line).map_or(line, |end| &line[..end])
}

/// The fields of a line without its line feed, as they stand there; `None` where a quote stands
/// that neither begins nor ends one.
pub(super) fn fields(line: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let end = match rest.strip_prefix(b"\"") {
            None => memchr(b',', rest).unwrap_or(rest.len()),
            Some(quoted) => closing_quote(quoted) + 2,
        };
        let (field, behind) = rest.split_at_checked(end)?;
        if !field.starts_with(b"\"") && memchr(b'"', field).is_some() {
            return None;
        }
        fields.push(field);
        rest = match behind {
            [] => return Some(fields),
            [b',', next @ ..] => next,
            _ => return None,
        };
    }
}

/// Appends a line with every field in quotes, as S3 writes its inventories.
pub(super) fn push_quoted(line: &[u8], out: &mut Vec<u8>) {
    let mut rest = line.strip_suffix(b"\n").unwrap_or(line);
    loop {
        // A field is in quotes from its first byte to its last, or holds none.
        let end = match rest.strip_prefix(b"\"") {
            None => memchr(b',', rest).unwrap_or(rest.len()),
            Some(quoted) => closing_quote(quoted) + 2,
        };
        let (field, behind) = rest.split_at(end.min(rest.len()));
        if field.starts_with(b"\"") {
            out.extend_from_slice(field);
        } else {
            out.push(b'"');
            out.extend_from_slice(field);
            out.push(b'"');
        }
        match behind.strip_prefix(b",") {
            Some(next) => rest = next,
            None => break,
        }
        out.push(b',');
    }
    out.push(b'\n');
}

/// Appends what [`push_quoted`] made a line of, as the line was.
pub(super) fn push_unquoted(line: &[u8], out: &mut Vec<u8>) {
    let mut rest = line;
    while let Some(quoted) = rest.strip_prefix(b"\"") {
        let (field, behind) = quoted.split_at(closing_quote(quoted));
        let is_plain = memchr::memchr2(b',', b'"', field).is_none();
        if is_plain {
            out.extend_from_slice(field);
        } else {
            out.extend_from_slice(&rest[..field.len() + 1]);
            out.push(b'"');
        }
        rest = behind.strip_prefix(b"\"").unwrap_or(behind);
        if let Some(next) = rest.strip_prefix(b",") {
            out.push(b',');
            rest = next;
        }
    }
    out.extend_from_slice(rest);
}

/// Where the quote stands that ends a field, behind the one that began it.
fn closing_quote(quoted: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr(b'"', &quoted[at..]) {
        at += found;
        if quoted.get(at + 1) != Some(&b'"') {
            return at;
        }
        at += 2;
    }
    quoted.len()
}

/// The key (second field) of a line, still encoded; bytes that are no UTF-8 are replaced.
pub(super) fn key(line: &[u8]) -> String {
    let mut reader = csv_core::Reader::new();
    // Unquoting makes fields shorter, never longer.
    let mut fields = vec![0; line.len() + 1];
    let mut ends = [0; 3];
    let (_, _, written, found) = {
        let (result, read, written, found) = reader.read_record(line, &mut fields, &mut ends);
        let (_, _, more, rest) =
            reader.read_record(&[], &mut fields[written..], &mut ends[found..]);
        (result, read, written + more, found + rest)
    };
    match found {
        2.. => String::from_utf8_lossy(&fields[ends[0]..ends[1].min(written)]).into_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_by_rows_and_by_bytes() {
        let lines = b"a,1\na,22\na,333\n";
        assert_eq!(fit(lines, 3, 9, 99), (3, 15));
        assert_eq!(fit(lines, 3, 2, 99), (2, 9));
        assert_eq!(fit(lines, 3, 9, 15), (3, 15));
        assert_eq!(fit(lines, 3, 9, 14), (2, 9));
        assert_eq!(fit(lines, 3, 9, 3), (0, 0));
        assert_eq!(fit(lines, 3, 0, 99), (0, 0));
    }

    #[test]
    fn first_and_last_lines() {
        assert_eq!(first(b"a\nbb\n"), b"a");
        assert_eq!(last(b"a\nbb\n"), b"bb");
        assert_eq!(last(b"a\n"), b"a");
    }

    #[test]
    fn every_field_gets_quotes_and_loses_them_again() {
        for (line, quoted) in [
            ("demo,a,v1", "\"demo\",\"a\",\"v1\"\n"),
            ("demo,,null", "\"demo\",\"\",\"null\"\n"),
            ("demo,\"a,\"\"b\"\"\",", "\"demo\",\"a,\"\"b\"\"\",\"\"\n"),
            ("demo,\"\"\"\"", "\"demo\",\"\"\"\"\n"),
            ("", "\"\"\n"),
        ] {
            let mut out = Vec::new();
            push_quoted(format!("{line}\n").as_bytes(), &mut out);
            let mut again = Vec::new();
            push_unquoted(&out, &mut again);
            assert_eq!(String::from_utf8(again).unwrap(), format!("{line}\n"));
            assert_eq!(String::from_utf8(out).unwrap(), quoted);
        }
    }

    #[test]
    fn fields_stand_between_commas_or_in_quotes() {
        let shown = |line: &'static str| -> Option<Vec<&str>> {
            let fields = fields(line.as_bytes())?;
            Some(fields.into_iter().map(|field| std::str::from_utf8(field).unwrap()).collect())
        };
        assert_eq!(shown("demo,a,v1").unwrap(), ["demo", "a", "v1"]);
        assert_eq!(shown("demo,\"a,\"\"b\",").unwrap(), ["demo", "\"a,\"\"b\"", ""]);
        assert_eq!(shown("").unwrap(), [""]);
        for odd in ["demo,a\"b", "demo,\"a\"b", "demo,\"a", "\"", "a,\"\"\""] {
            assert_eq!(shown(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_key_is_unquoted_and_still_encoded() {
        assert_eq!(key(b"demo,0100059%7Ethumb.jpg,v1"), "0100059%7Ethumb.jpg");
        assert_eq!(key(b"demo,plain"), "plain");
        assert_eq!(key(b"demo,\"a,b\"\"c\",v1"), "a,b\"c");
        assert_eq!(key(b"demo,,null"), "");
        assert_eq!(key(b"demo,\xff,null"), "\u{fffd}");
    }
}
