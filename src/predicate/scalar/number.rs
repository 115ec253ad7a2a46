//! Arithmetic, and functions of numbers.
//!
//! Whole numbers are 64-bit, and a quotient of two is cut towards zero. Decimals are exact; a
//! quotient of decimals is a double. What is out of range, not finite, or divided by zero is NULL.

use super::super::decimal::Decimal;
use super::function::Function;
use super::value::{ScalarValue, finite};

pub(super) fn arithmetic<'v>(
    function: Function,
    left: &ScalarValue<'_>,
    right: &ScalarValue<'_>,
) -> Option<ScalarValue<'v>> {
    if let (ScalarValue::Integer(a), ScalarValue::Integer(b)) = (left, right) {
        let result = match function {
            Function::Plus => a.checked_add(*b),
            Function::Minus => a.checked_sub(*b),
            Function::Times => a.checked_mul(*b),
            Function::Divide => a.checked_div(*b),
            // The least number modulo -1 is 0, and no overflow.
            Function::Modulo if *b == -1 => Some(0),
            Function::Modulo => a.checked_rem(*b),
            _ => None,
        };
        return result.map(ScalarValue::Integer);
    }
    match (left.decimal(), right.decimal()) {
        (Some(a), Some(b)) if function != Function::Divide => {
            let result = match function {
                Function::Plus => a.plus(b),
                Function::Minus => a.plus(b.negated()),
                Function::Times => a.times(b),
                Function::Modulo => a.remainder(b),
                _ => None,
            };
            result.map(ScalarValue::Decimal)
        }
        _ => doubles(function, left.double()?, right.double()?),
    }
}

fn doubles<'v>(function: Function, a: f64, b: f64) -> Option<ScalarValue<'v>> {
    finite(match function {
        Function::Plus => a + b,
        Function::Minus => a - b,
        Function::Times => a * b,
        Function::Divide => a / b,
        Function::Modulo => a % b,
        _ => return None,
    })
}

/// A function whose first argument is a number.
pub(super) fn apply<'v>(
    function: Function,
    of: &ScalarValue<'_>,
    second: Option<ScalarValue<'_>>,
) -> Option<ScalarValue<'v>> {
    let digits = second.and_then(|value| value.integer());
    match of {
        ScalarValue::Integer(number) => Some(ScalarValue::Integer(match function {
            Function::Negate => number.checked_neg()?,
            Function::Absolute => number.checked_abs()?,
            Function::Sign => number.signum(),
            Function::Round => round_whole(*number, digits.unwrap_or(0))?,
            Function::Ceiling | Function::Floor => *number,
            _ => return None,
        })),
        ScalarValue::Decimal(number) => {
            decimal(function, *number, digits.unwrap_or(0)).map(ScalarValue::Decimal)
        }
        ScalarValue::Double(number) => double(function, *number, digits),
        _ => None,
    }
}

/// Digits before the point are rounded away where `digits` is negative, halves away from zero.
fn round_whole(number: i64, digits: i64) -> Option<i64> {
    let Some(places) = digits.checked_neg().filter(|places| *places > 0) else {
        return Some(number);
    };
    let unit = match u32::try_from(places).ok().and_then(|places| 10i128.checked_pow(places)) {
        Some(unit) if places <= 19 => unit,
        _ => return Some(0),
    };
    let number = i128::from(number);
    let half = unit / 2 * number.signum();
    i64::try_from((number + half) / unit * unit).ok()
}

fn decimal(function: Function, number: Decimal, digits: i64) -> Option<Decimal> {
    let zero = Decimal::new(0, 0)?;
    let whole = Decimal::new(number.floor(), 0)?;
    match function {
        Function::Negate => Some(number.negated()),
        Function::Absolute if number.order(zero).is_lt() => Some(number.negated()),
        Function::Absolute => Some(number),
        Function::Sign => Decimal::new(number.parts().0.signum(), 0),
        Function::Floor => Some(whole),
        Function::Ceiling if number.is_whole() => Some(number),
        Function::Ceiling => whole.plus(Decimal::new(1, 0)?),
        Function::Round if digits >= 0 => {
            number.rounded(u32::try_from(digits.min(i64::from(u16::MAX))).ok()?)
        }
        _ => None,
    }
}

fn double<'v>(function: Function, number: f64, digits: Option<i64>) -> Option<ScalarValue<'v>> {
    finite(match (function, digits) {
        (Function::Negate, _) => -number,
        (Function::Absolute, _) => number.abs(),
        (Function::Sign, _) if number == 0.0 => 0.0,
        (Function::Sign, _) => number.signum(),
        (Function::Ceiling, _) => number.ceil(),
        (Function::Floor, _) => number.floor(),
        (Function::Round, None) => number.round(),
        (Function::Round, Some(digits)) => {
            let digits = i32::try_from(digits.clamp(-400, 400)).ok()?;
            let factor = 10f64.powi(digits);
            let rounded = (number * factor).round() / factor;
            // Past the digits that a double has there is nothing to round.
            if rounded.is_finite() { rounded } else { number }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> ScalarValue<'static> {
        if text.contains('e') {
            return ScalarValue::Double(text.parse().unwrap());
        }
        match text.parse() {
            Ok(whole) => ScalarValue::Integer(whole),
            Err(_) => ScalarValue::Decimal(Decimal::parse(text).unwrap()),
        }
    }

    fn shown(value: Option<ScalarValue<'_>>) -> String {
        value.map_or("NULL".to_owned(), |value| value.to_string())
    }

    #[test]
    fn operators_follow_the_types() {
        use Function::{Divide, Minus, Modulo, Plus, Times};
        for (left, operator, right, result) in [
            ("7", Divide, "2", "3"),
            ("-7", Divide, "2", "-3"),
            ("7", Divide, "0", "NULL"),
            ("7", Divide, "2.0", "3.5e0"),
            ("7e0", Divide, "0", "NULL"),
            ("-7", Modulo, "3", "-1"),
            ("7.5", Modulo, "2", "1.5"),
            ("7.5", Modulo, "0", "NULL"),
            ("9223372036854775807", Plus, "1", "NULL"),
            ("9223372036854775807", Plus, "1.0", "9223372036854775808.0"),
            ("-9223372036854775808", Modulo, "-1", "0"),
            ("-9223372036854775808", Divide, "-1", "NULL"),
            ("0.1", Plus, "0.2", "0.3"),
            ("1.5", Times, "2", "3.0"),
            ("1.5", Minus, "2e0", "-5e-1"),
        ] {
            assert_eq!(
                shown(arithmetic(operator, &number(left), &number(right))),
                result,
                "{left}"
            );
        }
    }

    #[test]
    fn numbers_are_rounded_by_their_types() {
        use Function::{Absolute, Ceiling, Floor, Negate, Round, Sign};
        for (function, of, digits, result) in [
            (Round, "2.5", None, "3.0"),
            (Round, "-2.5", None, "-3.0"),
            (Round, "2.345", Some(2), "2.35"),
            (Round, "25e-1", None, "3e0"),
            (Round, "15", Some(-1), "20"),
            (Round, "15", Some(-30), "0"),
            (Ceiling, "1.2", None, "2.0"),
            (Ceiling, "-1.2", None, "-1.0"),
            (Floor, "-1.2", None, "-2.0"),
            (Floor, "-12e-1", None, "-2e0"),
            (Absolute, "-3", None, "3"),
            (Absolute, "-9223372036854775808", None, "NULL"),
            (Negate, "1.5", None, "-1.5"),
            (Sign, "-1.5", None, "-1.0"),
            (Sign, "0e0", None, "0e0"),
        ] {
            let digits = digits.map(ScalarValue::Integer);
            assert_eq!(shown(apply(function, &number(of), digits)), result, "{function:?} {of}");
        }
    }
}
