//! What to write instead of sums of dates and numbers, and of other dialects' functions of dates:
//! the user's own words, in a form that is read here.
//!
//! Never knows types: it is asked where they don't fit.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Value};

use super::function::DateUnit;

/// Characters of an expression of the user's that a suggestion repeats.
const REPEATED_CHARS_MAX: usize = 40;

/// A date and a number, one of which is added to the other.
pub(super) fn date_sum(operator: &BinaryOperator, left: &Sql, right: &Sql) -> String {
    let moved = match operator {
        BinaryOperator::Plus => days(left, '+', right).or_else(|| days(right, '+', left)),
        BinaryOperator::Minus => days(left, '-', right),
        _ => None,
    };
    let example = "LastModifiedDate + INTERVAL '30' DAY, or date_add('day', 30, LastModifiedDate)";
    format!("write {}", moved.as_deref().unwrap_or(example))
}

fn days(date: &Sql, sign: char, number: &Sql) -> Option<String> {
    let Sql::Value(value) = number else { return None };
    let Value::Number(digits, _) = &value.value else { return None };
    let is_whole = digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = matches!(date, Sql::Value(_));
    let date = repeated(date).filter(|_| is_whole && !is_number)?;
    Some(format!("{date} {sign} INTERVAL '{digits}' DAY"))
}

/// A function of dates by a name that it has elsewhere.
pub(super) fn date_function(name: &str, arguments: &[&Sql]) -> Option<String> {
    let unit = |sql: &Sql| {
        let name = sql.to_string();
        DateUnit::of(name.trim_matches(|c| matches!(c, '\'' | '"'))).map(DateUnit::name)
    };
    match (name, arguments) {
        ("dateadd", [of, number, date]) => Some(format!(
            "write date_add('{}', {}, {})",
            unit(of)?,
            repeated(number)?,
            repeated(date)?
        )),
        ("datediff", [of, earlier, later]) => Some(format!(
            "write date_diff('{}', {}, {})",
            unit(of)?,
            repeated(earlier)?,
            repeated(later)?
        )),
        ("datediff", [later, earlier]) => {
            Some(format!("write date_diff('day', {}, {})", repeated(earlier)?, repeated(later)?))
        }
        _ => None,
    }
}

/// An expression as SQL writes it; `None` where it is too long to be repeated.
fn repeated(sql: &Sql) -> Option<String> {
    let text = sql.to_string();
    let fits = text.chars().count() <= REPEATED_CHARS_MAX && !text.contains(char::is_control);
    fits.then_some(text)
}
