//! The difference between two short texts, line by line.

/// Lines with `-` (only before), `+` (only after) or a space (both), in order: as few marked lines
/// as there can be. Takes time and memory of both lengths multiplied.
pub(super) fn diff<'a>(before: &'a [String], after: &'a [String]) -> Vec<(char, &'a str)> {
    // common[i][j]: lines that before[i..] and after[j..] have in common, in order.
    let mut common = vec![vec![0_u32; after.len() + 1]; before.len() + 1];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            common[i][j] = if before[i] == after[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            lines.push((' ', before[i].as_str()));
            (i, j) = (i + 1, j + 1);
        } else if j == after.len() || (i < before.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', before[i].as_str()));
            i += 1;
        } else {
            lines.push(('+', after[j].as_str()));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_texts_can_be_read_from_the_difference(
            before in prop::collection::vec("[a-c]", 0..12),
            after in prop::collection::vec("[a-c]", 0..12),
        ) {
            let lines = diff(&before, &after);
            let side = |without: char| -> Vec<String> {
                let kept = lines.iter().filter(|(sign, _)| *sign != without);
                kept.map(|(_, line)| (*line).to_owned()).collect()
            };
            prop_assert_eq!(&side('+'), &before);
            prop_assert_eq!(&side('-'), &after);
        }
    }

    #[test]
    fn what_is_the_same_is_not_marked() {
        let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let (before, after) = (lines("abcd"), lines("abxd"));
        let found = diff(&before, &after);
        assert_eq!(found, [(' ', "a"), (' ', "b"), ('-', "c"), ('+', "x"), (' ', "d")]);
    }
}
