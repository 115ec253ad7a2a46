//! Comparisons of any two values: as a fast test where one side is a column and the other a
//! constant, or where the two are equal to such a test; else as a computed condition.

use sqlparser::ast::{Expr as Sql, Spanned};
use sqlparser::tokenizer::Span;

use super::constant::Constant;
use super::expr::{Check, Comparison, Expr, Operand, Regex, Type};
use super::like::Like;
use super::scalar::{ComputedCondition, Pattern, ScalarExpr, ScalarType, ScalarValue, literal_of};
use super::typing::{TypedResult, Typer, like_test};

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(super) struct ComparisonSide {
    pub(super) kind: SideKind,
    /// The typed tree; `None` only where a constant says it all.
    pub(super) scalar: Option<ScalarExpr>,
    pub(super) span: Span,
}

#[derive(Debug, Clone)]
pub(super) enum SideKind {
    Column(Operand),
    Constant(Constant),
    Computed,
}

impl ComparisonSide {
    pub(super) fn into_scalar(self) -> ScalarExpr {
        match (self.scalar, self.kind) {
            (Some(scalar), _) => scalar,
            (None, SideKind::Constant(constant)) => literal_of(constant),
            (None, _) => literal_of(Constant::Null),
        }
    }
}

impl Typer<'_> {
    pub(super) fn side(&mut self, sql: &Sql, depth: usize) -> TypedResult<ComparisonSide> {
        let span = sql.span();
        // Most constants are literals: long lists of them are not typed twice.
        if let Ok(constant) = self.evaluator.constant(sql) {
            return Ok(ComparisonSide { kind: SideKind::Constant(constant), scalar: None, span });
        }
        let scalar = self.scalar(sql, depth)?;
        let kind = match (scalar.as_operand(), scalar.as_constant()) {
            (Some(operand), _) => SideKind::Column(operand),
            (None, Some(constant)) => SideKind::Constant(constant),
            (None, None) => SideKind::Computed,
        };
        Ok(ComparisonSide { kind, scalar: Some(scalar), span })
    }

    /// Refuses `'StorageClass' = 'GLACIER'`, where a column was meant.
    pub(super) fn check_columns(
        &self,
        left: &ComparisonSide,
        right: &ComparisonSide,
    ) -> TypedResult<()> {
        let literal = |side: &ComparisonSide| {
            side.scalar.is_none() && matches!(side.kind, SideKind::Constant(Constant::Text(_)))
        };
        if !literal(left) || !literal(right) {
            return Ok(());
        }
        Err(self
            .error(left.span.union(&right.span), "this compares two constants")
            .hint("a column's name stands without quotes or in double quotes"))
    }

    pub(super) fn compare_sides(
        &mut self,
        left: ComparisonSide,
        by: Comparison,
        right: ComparisonSide,
    ) -> TypedResult<Expr> {
        match (&left.kind, &right.kind) {
            (SideKind::Column(operand), SideKind::Constant(value)) => {
                let (operand, value) = (operand.clone(), value.clone());
                self.compare(operand, by, value, right.span)
            }
            (SideKind::Constant(_), SideKind::Column(_) | SideKind::Computed) => {
                self.compare_sides(right, by.flipped(), left)
            }
            (SideKind::Computed, SideKind::Constant(value)) => {
                if let Some(scalar) = &left.scalar
                    && let Some(expr) = self.as_fast_test(scalar, by, value, right.span)?
                {
                    return Ok(expr);
                }
                self.computed_comparison(left, by, right)
            }
            _ => self.computed_comparison(left, by, right),
        }
    }

    fn computed_comparison(
        &mut self,
        left: ComparisonSide,
        by: Comparison,
        right: ComparisonSide,
    ) -> TypedResult<Expr> {
        let span = left.span.union(&right.span);
        let sides = vec![left, right].into_iter().map(|side| (side.span, side.into_scalar()));
        let sides = sides.map(|(span, scalar)| (scalar, span)).collect();
        let (sides, of) = self.comparable(sides, "these two don't compare")?;
        let sides: Vec<ScalarExpr> = sides.into_iter().map(ScalarExpr::compared).collect();
        let Ok([left, right]) = <[ScalarExpr; 2]>::try_from(sides) else {
            return Err(self.error(span, "a comparison has two sides"));
        };
        if left.is_null() || right.is_null() {
            self.warn_of_null();
            return Ok(Expr::Constant(None));
        }
        if of == ScalarType::Boolean {
            if !matches!(by, Comparison::Equal | Comparison::NotEqual) {
                return Err(self.error(span, "TRUE and FALSE have no order"));
            }
            if let Some(truth) = right.as_truth() {
                let test = self.truth_of(left);
                return Ok(if truth == (by == Comparison::Equal) { test } else { test.not() });
            }
        }
        Ok(folded(ComputedCondition::Compare(left, by, right)))
    }

    pub(super) fn computed_in(
        &mut self,
        value: ComparisonSide,
        items: Vec<ComparisonSide>,
    ) -> TypedResult<Expr> {
        let all = std::iter::once(value).chain(items);
        let all = all.map(|side| (side.span, side.into_scalar()));
        let all = all.map(|(span, scalar)| (scalar, span)).collect();
        let (all, _) = self.comparable(all, "the values of this list don't compare")?;
        let mut all: Vec<ScalarExpr> = all.into_iter().map(ScalarExpr::compared).collect();
        if all.len() < 2 {
            return Ok(Expr::Constant(Some(false)));
        }
        let list = all.split_off(1);
        let value = all.pop().unwrap_or_else(|| literal_of(Constant::Null));
        if value.is_null() || list.iter().any(ScalarExpr::is_null) {
            self.warn_of_null();
        }
        if value.is_null() {
            return Ok(Expr::Constant(None));
        }
        Ok(folded(ComputedCondition::In(value, list)))
    }

    /// A value that is true or false as a condition.
    pub(super) fn truth_of(&mut self, value: ScalarExpr) -> Expr {
        if let Some(expr) = prefix_test(&value) {
            return expr;
        }
        match value {
            ScalarExpr::Condition(condition) => condition.expr,
            value => match (value.as_operand(), value.as_constant()) {
                (Some(operand), _) if operand.value_type() == Type::Boolean => {
                    Expr::test(operand, Check::True)
                }
                (_, Some(Constant::Boolean(truth))) => Expr::Constant(Some(truth)),
                (_, Some(Constant::Null)) => Expr::Constant(None),
                _ => folded(ComputedCondition::Truth(value)),
            },
        }
    }

    /// A comparison with a constant that says the same as tests of a column.
    fn as_fast_test(
        &mut self,
        value: &ScalarExpr,
        by: Comparison,
        constant: &Constant,
        span: Span,
    ) -> TypedResult<Option<Expr>> {
        if let Some((operand, wanted)) = value.as_position() {
            return Ok(position_test(&operand, &wanted, by, constant));
        }
        let Some((operand, default)) = value.as_default() else { return Ok(None) };
        let order = match (operand.value_type(), &default, constant) {
            (Type::Text, ScalarValue::Text(default), Constant::Text(text)) if !text.is_empty() => {
                if operand.is_token() {
                    default.to_ascii_uppercase().cmp(&text.to_ascii_uppercase().into_bytes())
                } else {
                    (**default).cmp(text.as_bytes())
                }
            }
            (Type::Integer, default, Constant::Number(number)) => {
                match default.order(&ScalarValue::Decimal(*number)) {
                    Some(order) => order,
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let null = Expr::test(operand.clone(), Check::Null);
        let compared = self.compare(operand, by, constant.clone(), span)?;
        Ok(Some(if by.holds(order) {
            Expr::any(vec![null, compared])
        } else {
            Expr::all(vec![null.not(), compared])
        }))
    }
}

/// A condition on values, computed where all are known.
fn folded(computed: ComputedCondition) -> Expr {
    if computed.is_constant() {
        Expr::Constant(computed.constant_truth())
    } else {
        Expr::Computed(computed)
    }
}

pub(super) fn pattern_test(value: ScalarExpr, pattern: Pattern) -> Expr {
    if value.is_null() {
        Expr::Constant(None)
    } else {
        folded(ComputedCondition::Like(value, pattern))
    }
}

pub(super) fn regex_test(value: ScalarExpr, regex: Regex) -> Expr {
    if value.is_null() {
        Expr::Constant(None)
    } else {
        folded(ComputedCondition::Regex(value, regex))
    }
}

/// `starts_with(column, 'a')` and `ends_with(column, 'a')` as LIKE.
fn prefix_test(value: &ScalarExpr) -> Option<Expr> {
    let (operand, text, starts) = value.as_prefix()?;
    let like =
        if starts { Like::around(&text, false, true) } else { Like::around(&text, true, false) };
    Some(like_test(operand, like, false))
}

/// `strpos(column, 'a') > 0` and its like as LIKE.
fn position_test(
    operand: &Operand,
    wanted: &str,
    by: Comparison,
    constant: &Constant,
) -> Option<Expr> {
    let Constant::Number(number) = constant else { return None };
    let number = number.is_whole().then(|| number.floor())?;
    let like =
        |any_before| like_test(operand.clone(), Like::around(wanted, any_before, true), false);
    match (by, number) {
        (Comparison::Greater | Comparison::NotEqual, 0) | (Comparison::GreaterOrEqual, 1) => {
            Some(like(true))
        }
        (Comparison::Equal | Comparison::LessOrEqual, 0) | (Comparison::Less, 1) => {
            Some(like(true).not())
        }
        (Comparison::Equal, 1) => Some(like(false)),
        _ => None,
    }
}
