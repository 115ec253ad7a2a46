//! Computed expressions: what is neither a column nor a constant.
//!
//! The fast tests compare one column with one constant. Everything else, `split_part(Key, '/', 2)`
//! or `Size / 1024 > length(Key)`, is a typed tree ([`ScalarExpr`]) that is evaluated row by row.
//! A condition on such trees ([`ComputedCondition`]) is one leaf of the predicate: TRUE, FALSE or
//! NULL.
//!
//! - `typing` makes the tree of sqlparser's and finds the function for the types at hand; `call`
//!   does that for calls, `fold` computes what has no column in it, `shape` finds what the fast
//!   tests know;
//! - `function` lists the functions: names, arguments, types of results;
//! - `tree` has the tree, its type and its canonical text;
//! - `evaluate` computes a tree for a row, with `text`, `number` and `calendar` for the functions
//!   and `cast` for conversions; `read_column` is the one place where a field becomes a value.
//!
//! # Semantics
//! They are Athena's (Trino's), with one exception: where Athena ends the query, the value is NULL,
//! as if it stood in `TRY(…)`. That is so for a cast that fails, a division by zero, a number out
//! of range, and `split_part(x, '/', 0)`. A report of a billion rows has odd ones, and a row that
//! can't be computed must not be selected.
//!
//! A function sees texts as the report has them, a key decoded. Only a comparison of a whole column
//! of names (`StorageClass = 'glacier'`) ignores case. An empty field is NULL, an empty text that
//! was computed is not: `substr(Key, 100) = ''` is TRUE for a short key.
//!
//! The oracle of all this is DuckDB: `tests/duckdb/expressions.py`.

mod calendar;
mod call;
mod cast;
mod evaluate;
mod fold;
mod function;
mod number;
mod shape;
mod suggest;
mod text;
mod tree;
mod typing;
mod value;

pub(super) use fold::literal_of;
pub(super) use tree::{ComputedCondition, Pattern, ScalarExpr};
pub(super) use value::{ScalarType, ScalarValue};
