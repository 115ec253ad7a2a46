//! What sqlparser's tree says, in our words: operators, arguments, types.
//!
//! Never knows a report's columns.

use sqlparser::ast::{self, BinaryOperator, Expr as Sql};

use super::column_test::{Comparison, Type};

pub(super) fn comparison_of(operator: &BinaryOperator) -> Option<Comparison> {
    Some(match operator {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// Whether an operator makes a value: a number, a date or a text.
pub(super) fn is_value_operator(operator: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus, StringConcat};
    matches!(operator, Plus | Minus | Multiply | Divide | Modulo | StringConcat)
}

/// The parts of `a AND b AND c`, first to last. sqlparser nests them to the left, as deep as the
/// chain is long: so this follows them in a loop.
pub(super) fn chain<'s>(sql: &'s Sql, by: &BinaryOperator) -> Vec<&'s Sql> {
    let mut parts = Vec::new();
    let mut rest = sql;
    while let Sql::BinaryOp { left, op, right } = rest
        && op == by
    {
        parts.push(&**right);
        rest = left;
    }
    parts.push(rest);
    parts.reverse();
    parts
}

pub(super) fn is_named(function: &ast::Function, name: &str) -> bool {
    function.name.to_string().eq_ignore_ascii_case(name)
}

/// The plain arguments of a call; `None` when it has anything else, such as DISTINCT or OVER.
pub(super) fn function_arguments(function: &ast::Function) -> Option<Vec<&Sql>> {
    let bare = function.parameters == ast::FunctionArguments::None
        && function.filter.is_none()
        && function.null_treatment.is_none()
        && function.over.is_none()
        && function.within_group.is_empty();
    match &function.args {
        ast::FunctionArguments::None if bare => Some(Vec::new()),
        ast::FunctionArguments::List(list)
            if bare && list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
        {
            let plain = |argument| match argument {
                &ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ref sql)) => Some(sql),
                _ => None,
            };
            list.args.iter().map(plain).collect()
        }
        _ => None,
    }
}

/// Our type for one of SQL's; `None` for types that a report has no values of, and for lengths.
pub(super) fn cast_target(written: &ast::DataType) -> Option<Type> {
    Some(match written.to_string().to_ascii_uppercase().as_str() {
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "INT8" | "DECIMAL" | "NUMERIC" | "DEC"
        | "FLOAT" | "REAL" | "DOUBLE" | "DOUBLE PRECISION" => Type::Integer,
        "TIMESTAMP"
        | "TIMESTAMPTZ"
        | "DATETIME"
        | "TIMESTAMP WITH TIME ZONE"
        | "TIMESTAMP WITHOUT TIME ZONE" => Type::Instant,
        "VARCHAR" | "TEXT" | "STRING" | "CHARACTER VARYING" => Type::Text,
        "BOOL" | "BOOLEAN" => Type::Boolean,
        _ => return None,
    })
}
