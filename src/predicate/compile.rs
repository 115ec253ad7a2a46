//! From the typed tree to the tests that rows are put to.
//!
//! Rows are kept where the predicate is TRUE, and SQL has three truth values. Two functions carry
//! them through the tree: [`when_true`] builds the test "this is TRUE", [`when_false`] the test
//! "this is FALSE". A NOT only changes which of the two is asked of its operand (De Morgan's laws
//! hold in three values), so both end at single columns, where "FALSE" is "not NULL, and the
//! comparison fails". What comes out has no NULL in it.
//!
//! Then tests that fit together are joined (two bounds of one date are one range, `A OR B` of one
//! column one set), and the cheapest go first.
//!
//! Never knows rows.

use super::decimal::Decimal;
use super::expr::{Case, Check, ColumnTest, Comparison, Expr, Operand, ValueTest};
use super::like::MatchPlan;
use super::matcher::{
    CaseFold, ComputedTest, FieldEncoding, Node, NumberCheck, NumberTest, TextCheck, TextTest,
    TokenTest, by_length, encoding,
};
use super::read::NumberReading;
use super::scalar::ComputedCondition;

/// The test that is true for the rows where the condition is TRUE.
pub(super) fn when_true(expr: &Expr) -> Node {
    match expr {
        Expr::Constant(truth) => Node::Constant(*truth == Some(true)),
        Expr::All(parts) => all(parts.iter().map(when_true)),
        Expr::Any(parts) => any(parts.iter().map(when_true)),
        Expr::Not(inner) => when_false(inner),
        Expr::Is { operand, state } => is(operand, *state),
        Expr::Test(test) => leaf(test, true),
        Expr::Computed(computed) => computed_leaf(computed, true),
    }
}

/// The test that is true for the rows where the condition is FALSE.
pub(super) fn when_false(expr: &Expr) -> Node {
    match expr {
        Expr::Constant(truth) => Node::Constant(*truth == Some(false)),
        Expr::All(parts) => any(parts.iter().map(when_false)),
        Expr::Any(parts) => all(parts.iter().map(when_false)),
        Expr::Not(inner) => when_true(inner),
        Expr::Is { operand, state } => not(is(operand, *state)),
        Expr::Test(test) => leaf(test, false),
        Expr::Computed(computed) => computed_leaf(computed, false),
    }
}

/// IS TRUE, IS FALSE and IS UNKNOWN are never NULL: what is not TRUE is FALSE.
fn is(operand: &Expr, state: Option<bool>) -> Node {
    match state {
        Some(true) => when_true(operand),
        Some(false) => when_false(operand),
        None => not(any([when_true(operand), when_false(operand)].into_iter())),
    }
}

fn not(node: Node) -> Node {
    match node {
        Node::Constant(answer) => Node::Constant(!answer),
        Node::Not(inner) => *inner,
        other => Node::Not(Box::new(other)),
    }
}

fn all(nodes: impl Iterator<Item = Node>) -> Node {
    let mut kept: Vec<Node> = Vec::new();
    for node in nodes {
        match node {
            Node::Constant(true) => {}
            Node::Constant(false) => return Node::Constant(false),
            Node::All(inner) => kept.extend(inner),
            other => kept.push(other),
        }
    }
    let mut joined = join(kept, true);
    if joined.len() == 1 {
        return joined.remove(0);
    }
    if joined.is_empty() { Node::Constant(true) } else { Node::All(cheapest_first(joined)) }
}

fn any(nodes: impl Iterator<Item = Node>) -> Node {
    let mut kept: Vec<Node> = Vec::new();
    for node in nodes {
        match node {
            Node::Constant(false) => {}
            Node::Constant(true) => return Node::Constant(true),
            Node::Any(inner) => kept.extend(inner),
            other => kept.push(other),
        }
    }
    let mut joined = join(kept, false);
    if joined.len() == 1 {
        return joined.remove(0);
    }
    if joined.is_empty() { Node::Constant(false) } else { Node::Any(cheapest_first(joined)) }
}

/// Joins each test into an earlier one where the two are one test. The number of tests is bounded
/// by the words of a predicate, so that looking at all pairs is cheap enough.
fn join(nodes: Vec<Node>, and: bool) -> Vec<Node> {
    let mut joined: Vec<Node> = Vec::with_capacity(nodes.len());
    for node in nodes {
        if !joined.iter_mut().any(|earlier| join_into(earlier, &node, and)) {
            joined.push(node);
        }
    }
    joined
}

/// Whether `earlier` could take `node` in. Ranges of one column meet in an AND. Sets of one column
/// meet in an OR of "is one of" and in an AND of "is none of".
fn join_into(earlier: &mut Node, node: &Node, and: bool) -> bool {
    match (earlier, node) {
        (Node::Number(a), Node::Number(b)) => {
            let same = a.column == b.column && a.reading == b.reading;
            match (&mut a.numbers, &b.numbers) {
                (NumberCheck::Range(least, most), NumberCheck::Range(other_least, other_most))
                    if same && and && a.want && b.want =>
                {
                    (*least, *most) = ((*least).max(*other_least), (*most).min(*other_most));
                    true
                }
                _ => false,
            }
        }
        (Node::Token(a), Node::Token(b)) => {
            let fits = a.column == b.column && a.want != and && b.want != and;
            if fits {
                a.values = value_set(a.values.iter().chain(&b.values).map(|value| &**value));
            }
            fits
        }
        (Node::Text(a), Node::Text(b)) => {
            let same = a.column == b.column && a.fold == b.fold;
            match (&mut a.check, &b.check) {
                (TextCheck::OneOf(values), TextCheck::OneOf(others))
                    if same && a.want != and && b.want != and =>
                {
                    *values = value_set(values.iter().chain(others).map(|value| &**value));
                    true
                }
                _ => false,
            }
        }
        _ => false,
    }
}

fn value_set<'v>(values: impl Iterator<Item = &'v [u8]>) -> Box<[Box<[u8]>]> {
    let mut set: Vec<Box<[u8]>> = values.map(Into::into).collect();
    set.sort_unstable_by(|a, b| by_length(a, b));
    set.dedup();
    set.into()
}

fn cheapest_first(mut nodes: Vec<Node>) -> Box<[Node]> {
    nodes.sort_by_key(cost);
    nodes.into()
}

/// What a test costs beside others, in rough nanoseconds for a row of a report.
fn cost(node: &Node) -> usize {
    match node {
        Node::Constant(_) => 0,
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().map(cost).sum::<usize>() + 1,
        Node::Not(node) => cost(node),
        Node::Empty(_) => 1,
        // Row by row, with allocations: after all others.
        Node::Computed(test) => 1_000 * test.computed.depth(),
        Node::Token(test) => 1 + test.values.len(),
        Node::Flag { encoding, .. } => 2 + decoding(*encoding),
        Node::Number(test) => {
            let reading = if test.reading == NumberReading::Integer { 4 } else { 12 };
            reading + decoding(test.encoding)
        }
        Node::Text(test) => {
            let folding = if test.fold == CaseFold::None { 0 } else { 40 };
            let is_acl = test.encoding == FieldEncoding::Acl;
            let check = match &test.check {
                // Of a key, no more is decoded than is looked at.
                TextCheck::OneOf(values) if values.len() == 1 && !is_acl => return 4 + folding,
                TextCheck::Like(MatchPlan::Equals(_) | MatchPlan::StartsWith(_)) if !is_acl => {
                    return 6 + folding;
                }
                TextCheck::Below(_) | TextCheck::AtMost(_) => 4,
                TextCheck::OneOf(_) => 20,
                TextCheck::Like(MatchPlan::Around(..)) => 6,
                TextCheck::Like(_) => 30,
                TextCheck::Regex(_) => 100,
            };
            check + folding + decoding(test.encoding)
        }
    }
}

fn decoding(encoding: FieldEncoding) -> usize {
    match encoding {
        FieldEncoding::None => 0,
        FieldEncoding::Key => 20,
        FieldEncoding::Acl => 500,
    }
}

/// A computed condition that is TRUE, or that is FALSE.
fn computed_leaf(computed: &ComputedCondition, want: bool) -> Node {
    Node::Computed(Box::new(ComputedTest { computed: computed.clone(), want }))
}

/// A test of one column: that it is TRUE, or that it is FALSE.
fn leaf(test: &ColumnTest, want: bool) -> Node {
    let operand = &test.operand;
    match &test.check {
        Check::Null if want => null(operand),
        Check::Null => not(null(operand)),
        Check::True => flag(operand, want),
        Check::Integer(relation) => integers(operand, relation, want),
        Check::Instant(relation) => {
            let (numbers, positive) = match relation {
                ValueTest::In(values) => {
                    (NumberCheck::Set(values.iter().map(|at| at.0).collect()), true)
                }
                ValueTest::Compare(by, at) => range(*by, at.0, true),
            };
            number(operand, NumberReading::Instant, numbers, positive == want)
        }
        Check::Text(relation) => texts(operand, relation, want),
        Check::Like { pattern, folded } => {
            let fold = if *folded { CaseFold::Lower } else { fold_of(operand) };
            let plan = if *folded {
                pattern
                    .clone()
                    .map_text(|text| text.chars().flat_map(char::to_lowercase).collect())
                    .plan()
            } else {
                pattern.plan()
            };
            text(operand, fold, TextCheck::Like(plan), want)
        }
        Check::Regex(regex) => {
            // The pattern itself ignores a token's case: the field stays as it is.
            let fold = if operand.is_token() { CaseFold::None } else { fold_of(operand) };
            text(operand, fold, TextCheck::Regex(regex.compiled.clone()), want)
        }
    }
}

/// The field is NULL: empty, or not what its type says.
fn null(operand: &Operand) -> Node {
    use super::expr::Type;
    let every = || NumberCheck::Range(i128::MIN, i128::MAX);
    match operand.value_type() {
        Type::Text => Node::Empty(operand.column),
        Type::Integer => not(number(operand, NumberReading::Integer, every(), true)),
        Type::Instant => not(number(operand, NumberReading::Instant, every(), true)),
        Type::Boolean => not(any([flag(operand, true), flag(operand, false)].into_iter())),
    }
}

fn flag(operand: &Operand, want: bool) -> Node {
    let (encoding, cast) = (encoding(operand), operand.cast.is_some());
    Node::Flag { column: operand.column, encoding, cast, want }
}

fn number(operand: &Operand, reading: NumberReading, numbers: NumberCheck, want: bool) -> Node {
    let (column, encoding, cast) = (operand.column, encoding(operand), operand.cast.is_some());
    Node::Number(match (numbers, want) {
        // What is not above a bound is at or below it: as a range that can meet others.
        (NumberCheck::Range(i128::MIN, most), false) if most < i128::MAX => {
            let numbers = NumberCheck::Range(most + 1, i128::MAX);
            NumberTest { column, encoding, cast, reading, numbers, want: true }
        }
        (NumberCheck::Range(least, i128::MAX), false) if least > i128::MIN => {
            let numbers = NumberCheck::Range(i128::MIN, least - 1);
            NumberTest { column, encoding, cast, reading, numbers, want: true }
        }
        (numbers, want) => NumberTest { column, encoding, cast, reading, numbers, want },
    })
}

/// The whole numbers that compare so with a number whose floor is `floor`, and whether the
/// comparison holds for those (`true`) or for all others.
fn range(by: Comparison, floor: i128, whole: bool) -> (NumberCheck, bool) {
    // Whole numbers below 1.5 are those at or below 1; below 2, those at or below 1 too.
    let below = if whole { floor - 1 } else { floor };
    let equal = if whole { NumberCheck::Range(floor, floor) } else { NumberCheck::Range(1, 0) };
    match by {
        Comparison::Equal => (equal, true),
        Comparison::NotEqual => (equal, false),
        Comparison::Less => (NumberCheck::Range(i128::MIN, below), true),
        Comparison::LessOrEqual => (NumberCheck::Range(i128::MIN, floor), true),
        Comparison::Greater => (NumberCheck::Range(floor + 1, i128::MAX), true),
        Comparison::GreaterOrEqual => (NumberCheck::Range(below + 1, i128::MAX), true),
    }
}

fn integers(operand: &Operand, relation: &ValueTest<Decimal>, want: bool) -> Node {
    let (numbers, positive) = match relation {
        ValueTest::Compare(by, value) => range(*by, value.floor(), value.is_whole()),
        ValueTest::In(values) => {
            // A field is a whole number: 1.5 in a list is equal to none.
            let whole = values.iter().filter(|value| value.is_whole());
            let mut set: Vec<i128> = whole.map(|value| value.floor()).collect();
            set.sort_unstable();
            (NumberCheck::Set(set.into()), true)
        }
    };
    number(operand, NumberReading::Integer, numbers, positive == want)
}

fn texts(operand: &Operand, relation: &ValueTest<String>, want: bool) -> Node {
    let one_of = |values: &[String]| value_set(values.iter().map(String::as_bytes));
    let bytes = |value: &String| value.as_bytes().into();
    let (check, positive) = match relation {
        ValueTest::In(values) => (TextCheck::OneOf(one_of(values)), true),
        ValueTest::Compare(by, value) => match by {
            Comparison::Equal => (TextCheck::OneOf(one_of(std::slice::from_ref(value))), true),
            Comparison::NotEqual => (TextCheck::OneOf(one_of(std::slice::from_ref(value))), false),
            Comparison::Less => (TextCheck::Below(bytes(value)), true),
            Comparison::GreaterOrEqual => (TextCheck::Below(bytes(value)), false),
            Comparison::LessOrEqual => (TextCheck::AtMost(bytes(value)), true),
            Comparison::Greater => (TextCheck::AtMost(bytes(value)), false),
        },
    };
    match check {
        TextCheck::OneOf(values) if operand.is_token() && !operand.ignores_hyphens => {
            Node::Token(TokenTest { column: operand.column, values, want: positive == want })
        }
        check => text(operand, fold_of(operand), check, positive == want),
    }
}

fn text(operand: &Operand, fold: CaseFold, check: TextCheck, want: bool) -> Node {
    let (column, encoding) = (operand.column, encoding(operand));
    Node::Text(TextTest { column, encoding, fold, check, want })
}

fn fold_of(operand: &Operand) -> CaseFold {
    match operand.case {
        _ if operand.is_token() => CaseFold::Token { ignores_hyphens: operand.ignores_hyphens },
        Some(Case::Lower) => CaseFold::Lower,
        Some(Case::Upper) => CaseFold::Upper,
        None => CaseFold::None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Predicate;
    use super::*;
    use crate::report::Schema;

    fn compiled(text: &str) -> String {
        let schema = Schema::from_names([
            "Bucket",
            "Key",
            "Size",
            "LastModifiedDate",
            "StorageClass",
            "BucketKeyStatus",
        ]);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let predicate = Predicate::parse(text, &schema, now).unwrap();
        shape(&when_true(&predicate.expr))
    }

    /// The kinds of tests in the order they are made.
    fn shape(node: &Node) -> String {
        let joined = |nodes: &[Node]| nodes.iter().map(shape).collect::<Vec<_>>().join(" ");
        match node {
            Node::Constant(answer) => answer.to_string(),
            Node::All(nodes) => format!("all({})", joined(nodes)),
            Node::Any(nodes) => format!("any({})", joined(nodes)),
            Node::Not(node) => format!("not({})", shape(node)),
            Node::Empty(_) => "empty".to_owned(),
            Node::Computed(_) => "computed".to_owned(),
            Node::Token(test) => format!("token{}", test.values.len()),
            Node::Flag { .. } => "flag".to_owned(),
            Node::Number(test) => match test.reading {
                NumberReading::Integer => "integer".to_owned(),
                NumberReading::Instant => "instant".to_owned(),
            },
            Node::Text(test) => match &test.check {
                TextCheck::OneOf(values) => format!("text{}", values.len()),
                TextCheck::Regex(_) => "regex".to_owned(),
                TextCheck::Like(_) => "like".to_owned(),
                _ => "order".to_owned(),
            },
        }
    }

    #[test]
    fn the_cheapest_tests_come_first() {
        assert_eq!(
            compiled(
                "regexp_like(Key, 'x') AND Key LIKE '%x%' AND LastModifiedDate < '2024-01-01' \
                 AND Key LIKE 'a%' AND Size > 5 AND BucketKeyStatus = 'DISABLED'"
            ),
            "all(token1 integer like instant like regex)"
        );
    }

    #[test]
    fn tests_of_one_column_are_joined() {
        assert_eq!(compiled("Size BETWEEN 1 AND 5"), "integer");
        assert_eq!(compiled("NOT (Size <= 1 OR Size > 5)"), "integer");
        assert_eq!(compiled("StorageClass = 'GLACIER' OR StorageClass = 'SNOW'"), "token2");
        assert_eq!(compiled("StorageClass <> 'GLACIER' AND StorageClass <> 'SNOW'"), "token2");
        assert_eq!(
            compiled("StorageClass = 'GLACIER' AND StorageClass = 'SNOW'"),
            "all(token1 token1)"
        );
        assert_eq!(compiled("Key = 'a' OR Key = 'b' OR Key = 'c'"), "text3");
    }

    #[test]
    fn computed_conditions_come_last() {
        assert_eq!(
            compiled("length(Key) > 5 AND regexp_like(Key, 'x') AND Size > 5"),
            "all(integer regex computed)"
        );
        assert_eq!(compiled("strpos(Key, 'a') > 0 AND starts_with(Key, 'b')"), "all(like like)");
        assert_eq!(compiled("coalesce(StorageClass, '') <> 'GLACIER'"), "any(empty token1)");
    }

    #[test]
    fn constants_vanish() {
        assert_eq!(compiled("TRUE AND Size > 5"), "integer");
        assert_eq!(compiled("NULL OR Size > 5"), "integer");
        assert_eq!(compiled("NULL AND Size > 5"), "false");
        assert_eq!(compiled("NOT (NULL OR Size > 5)"), "false");
        assert_eq!(compiled("(Size > 5 AND NULL) IS UNKNOWN"), "not(integer)");
    }
}
