//! What the library shows: a name that comes or goes is a change for those who depend on it, and
//! belongs into the changelog. The compiler holds the rest (`unreachable_pub`): nothing is public
//! but what these names lead to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

/// Names at most: a page that can be read in one go.
const NAMES_MAX: usize = 100;

/// The names that `src/lib.rs` exports, without those of `internal`.
fn exported() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let text = fs::read_to_string(path).unwrap();
    let (face, _) = text.split_once("#[doc(hidden)]").unwrap();
    let export = Regex::new(r"(?m)^pub use [\w:]+?::(?:(\w+)|\{([^}]*)\});").unwrap();
    let name = Regex::new(r"\w+").unwrap();
    let names = export.captures_iter(face).flat_map(|found| {
        let names = found.get(1).or(found.get(2)).unwrap().as_str();
        name.find_iter(names).map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    });
    names.collect()
}

#[test]
fn the_public_names_are_those_of_the_list() {
    let names = exported();
    assert!(names.len() <= NAMES_MAX, "{} names", names.len());
    insta::assert_snapshot!("public_names", names.into_iter().collect::<Vec<_>>().join("\n"));
}
