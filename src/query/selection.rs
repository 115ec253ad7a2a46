//! Which rows of one report are selected, and what is asked of them: a request as it is resolved
//! against the report's columns.

use super::{ObjectFilter, Projection, SizeColumns};
use crate::predicate::Matcher;
use crate::read::ReadColumns;
use crate::report::Schema;

/// Which rows of one report are selected, and what is asked of them. Made by [`Selection::new`];
/// each further method adds a question.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The columns of every row.
    pub(super) schema: Schema,
    /// Which rows match.
    pub(super) matcher: Matcher,
    /// If given, the only objects that match.
    pub(super) among: Option<ObjectFilter>,
    /// What is written of a row.
    pub(super) projection: Projection,
    /// How many reasons there are to exclude a row, but for flags that can't be read.
    pub(super) reasons: usize,
    /// The rules by which rows are excluded, each with the place of its reason. Those that are
    /// false of every row are left out: a rule on a column that the report lacks costs nothing.
    pub(super) exclusions: Vec<(usize, Matcher)>,
    /// Columns whose values must be true, false or empty in rows that come out.
    pub(super) flags: Vec<usize>,
    /// Those of `flags` that no exclusion looks at of every row.
    pub(super) flags_unseen: Vec<usize>,
    /// How many questions are asked of every row that comes out.
    pub(super) questions: usize,
    /// Those questions with their places, without those that are false of every row.
    pub(super) observations: Vec<(usize, Matcher)>,
    /// The columns whose values pick the lane, none where the report lacks one.
    pub(super) split_by: Vec<Option<usize>>,
    /// Of these columns, those that the report has.
    pub(super) split_by_known: Vec<usize>,
    /// Rows that come out in lanes of their own, if there can be such.
    pub(super) apart: Option<Matcher>,
    /// What the rows that come out are counted by.
    pub(super) sizes: SizeColumns,
}

impl Selection {
    /// All rows of these columns that match, each written as `projection` says.
    #[must_use]
    pub fn new(schema: Schema, matcher: Matcher, projection: Projection) -> Self {
        Self {
            schema,
            matcher,
            among: None,
            projection,
            reasons: 0,
            exclusions: Vec::new(),
            flags: Vec::new(),
            flags_unseen: Vec::new(),
            questions: 0,
            observations: Vec::new(),
            split_by: Vec::new(),
            split_by_known: Vec::new(),
            apart: None,
            sizes: SizeColumns::default(),
        }
    }

    /// Only these objects match, if any are given.
    #[must_use]
    pub fn among(self, among: Option<ObjectFilter>) -> Self {
        Self { among, ..self }
    }

    /// Excludes rows: those for which a rule is true, the first that is; its place in `rules`
    /// names the reason. So it does with rows in which one of the columns `flags` is neither true,
    /// false nor empty, where a run goes on although values can't be read: the reason is then the
    /// one behind the last.
    #[must_use]
    pub fn excluding(self, rules: Vec<Matcher>, flags: Vec<usize>) -> Self {
        let reasons = rules.len();
        let exclusions = possible(rules);
        let is_seen = |flag: &usize| {
            exclusions.iter().any(|(_, rule)| {
                let mut columns = Vec::new();
                rule.add_columns(&mut columns);
                columns == [*flag]
            })
        };
        let flags_unseen = flags.iter().copied().filter(|flag| !is_seen(flag)).collect();
        Self { reasons, exclusions, flags, flags_unseen, ..self }
    }

    /// Counts for how many of the rows that come out each of these is true.
    #[must_use]
    pub fn observing(self, questions: Vec<Matcher>) -> Self {
        Self { questions: questions.len(), observations: possible(questions), ..self }
    }

    /// Gives each combination of values of these columns a lane of its own. All selections of a
    /// run name the same columns in the same order, with none where their report lacks one.
    #[must_use]
    pub fn split_by(self, columns: Vec<Option<usize>>) -> Self {
        let split_by_known = columns.iter().copied().flatten().collect();
        Self { split_by: columns, split_by_known, ..self }
    }

    /// Gives these rows lanes of their own.
    #[must_use]
    pub fn apart(self, rows: Matcher) -> Self {
        Self { apart: Some(rows).filter(|rows| !rows.is_never()), ..self }
    }

    /// Adds up the rows that come out by storage class and size.
    #[must_use]
    pub fn sizes(self, sizes: SizeColumns) -> Self {
        Self { sizes, ..self }
    }

    /// What is added up of the rows that come out.
    #[must_use]
    pub fn size_columns(&self) -> &SizeColumns {
        &self.sizes
    }

    /// What is read of the rows.
    pub(super) fn columns(&self) -> ReadColumns {
        let Projection { bucket, key, version } = self.projection;
        let mut fields = vec![bucket, key];
        fields.extend(version);
        fields.extend(&self.split_by_known);
        fields.extend(self.sizes.size);
        fields.extend(self.sizes.class);
        fields.extend(&self.flags);
        let rules = self.exclusions.iter().chain(&self.observations).map(|(_, rule)| rule);
        for rule in rules.chain(&self.apart) {
            rule.add_columns(&mut fields);
        }
        ReadColumns::new(&self.schema, &self.matcher, fields)
    }
}

/// The rules that can be true of a row, with their places.
fn possible(rules: Vec<Matcher>) -> Vec<(usize, Matcher)> {
    rules.into_iter().enumerate().filter(|(_, rule)| !rule.is_never()).collect()
}
