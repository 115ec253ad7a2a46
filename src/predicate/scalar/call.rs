//! Calls of functions, and expressions with a syntax of their own, to the typed tree.

use sqlparser::ast::{self, Expr as Sql, Spanned, Value};
use sqlparser::tokenizer::Span;

use super::super::error::{PredicateError, quoted};
use super::super::typing::{TypedResult, Typer, function_arguments};
use super::fold::{concat, folded};
use super::function::{DatePart, DateUnit, Function, Parameter, Signature};
use super::suggest::date_function;
use super::tree::{CastTarget, ScalarExpr};
use super::typing::nested;
use super::value::{ScalarType, ScalarValue};
use crate::values::time::NANOS_PER_DAY;

/// The hint under an unknown function.
const FUNCTIONS: &str = "docs/where.md lists the functions, such as lower, length, substr, strpos, \
    replace, trim, split_part, starts_with, regexp_like, year, date_diff, date_add, coalesce, if";

/// What to write instead of functions that people know from elsewhere.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("regexp_extract", "write regexp_like(Key, 'pattern'), or split_part(Key, '/', 2)"),
    ("regexp_replace", "write replace(Key, 'a', 'b'), or regexp_like(Key, 'pattern')"),
    ("regexp_matches", "write regexp_like(Key, 'pattern')"),
    ("contains", "write strpos(Key, 'text') > 0, or Key LIKE '%text%'"),
    ("date_format", "write year(…), month(…) and day(…), or date_trunc('month', …)"),
    ("format_datetime", "write year(…), month(…) and day(…), or date_trunc('month', …)"),
    ("to_string", "write CAST(… AS VARCHAR)"),
    ("to_char", "write CAST(… AS VARCHAR)"),
    ("left", "write substr(Key, 1, n)"),
    ("right", "write substr(Key, -n)"),
    ("datediff", "write date_diff('day', earlier, later)"),
    ("dateadd", "write date_add('day', 30, LastModifiedDate)"),
    ("date_sub", "write LastModifiedDate - INTERVAL '30' DAY"),
    ("ifnull", "write coalesce(a, b)"),
    ("isnull", "write a IS NULL, or coalesce(a, b)"),
    ("nvl", "write coalesce(a, b)"),
    ("iif", "write if(condition, a, b)"),
    ("power", "write the product: 1024 * 1024"),
    ("pow", "write the product: 1024 * 1024"),
    ("count", "a condition looks at one row; to count rows: s3sieve count REPORT --where '…'"),
    ("sum", "a condition looks at one row; sums are in the output of s3sieve count"),
    ("min", "a condition looks at one row; the least of several values is least(a, b)"),
    ("max", "a condition looks at one row; the greatest of several values is greatest(a, b)"),
    ("avg", "a condition looks at one row; sums are in the output of s3sieve count"),
    ("row_number", "a condition looks at one row; LIMIT in --sql takes the first rows"),
    ("split", "take one part: split_part(Key, '/', 1), or split(Key, '/')[1]"),
    ("from_base64", "compare the text as the report has it"),
    ("json_extract_scalar", "compare the text as the report has it"),
];

impl Typer<'_> {
    pub(super) fn call(
        &mut self,
        function: &ast::Function,
        depth: usize,
    ) -> TypedResult<ScalarExpr> {
        let span = function.span();
        let name = function.name.to_string().trim_matches('"').to_ascii_lowercase();
        let Some(arguments) = function_arguments(function) else {
            return Err(self
                .error(span, format!("{} takes plain arguments here", quoted(&name)))
                .hint("DISTINCT, OVER, FILTER and named arguments are not supported"));
        };
        let arguments = arguments.as_slice();
        match (name.as_str(), arguments) {
            ("now" | "utcnow" | "current_timestamp" | "localtimestamp", []) => {
                Ok(ScalarExpr::of(ScalarValue::Instant(self.evaluator.now.as_nanosecond())))
            }
            ("current_date", []) => {
                let days = self.evaluator.now.as_nanosecond().div_euclid(NANOS_PER_DAY);
                let days = i64::try_from(days).unwrap_or(i64::MAX);
                Ok(ScalarExpr::of(ScalarValue::Date(days)))
            }
            ("try", [only]) => self.scalar(only, depth),
            ("regexp_like", _) => {
                self.regex(function, depth).and_then(nested).map(ScalarExpr::condition)
            }
            ("if", [when, rest @ ..]) if (1..=2).contains(&rest.len()) => {
                let when = self.boolean(when, depth)?;
                let mut values = self.arguments(rest, depth)?;
                if rest.len() == 1 {
                    values.push((ScalarExpr::NULL, Span::empty()));
                }
                self.case_of(vec![when], values)
            }
            ("coalesce", [_, ..]) => self.coalesce(arguments, depth),
            ("nullif", [_, _]) => {
                let values = self.arguments(arguments, depth)?;
                let (values, _) = self.comparable(values, "nullif of two types")?;
                Ok(folded(Function::NullIf, values))
            }
            ("greatest" | "least", [_, _, ..]) => {
                let of = if name == "least" { Function::Least } else { Function::Greatest };
                let values = self.arguments(arguments, depth)?;
                Ok(folded(of, self.of_one_type(values, &name)?))
            }
            ("concat", [_, _, ..]) => {
                let mut texts = Vec::with_capacity(arguments.len());
                for (value, span) in self.arguments(arguments, depth)? {
                    texts.push(self.text_argument(value, span, "concat")?);
                }
                Ok(concat(texts))
            }
            ("mod", [left, right]) => {
                let left = (self.scalar(left, depth)?, left.span());
                let right = (self.scalar(right, depth)?, right.span());
                self.arithmetic(Function::Modulo, left, right)
            }
            ("element_at", [split, number]) => self.element_of_split(split, number, span, depth),
            ("cardinality", [split]) => {
                let parts = self.split_arguments(split, span, depth)?;
                Ok(folded(Function::CountOfSplit, parts))
            }
            ("url_decode", [only]) => self.url_decode(only, depth),
            _ => {
                if let Some(date) = self.date_function(&name, arguments, span, depth)? {
                    return Ok(date);
                }
                let span = function.name.span();
                match Signature::of(&name) {
                    Some(signature) => self.call_of(signature, &name, arguments, span, depth),
                    None => Err(self.unknown_function(&name, arguments, span)),
                }
            }
        }
    }

    fn url_decode(&mut self, of: &ast::Expr, depth: usize) -> TypedResult<ScalarExpr> {
        let value = self.scalar(of, depth)?;
        // A key is decoded before anything looks at it.
        if value.is_key() {
            return Ok(value);
        }
        let value = self.text_argument(value, of.span(), "url_decode")?;
        Ok(folded(Function::UrlDecode, vec![value]))
    }

    /// Functions of dates that are not in the table; `None` for any other function.
    fn date_function(
        &mut self,
        name: &str,
        arguments: &[&Sql],
        span: Span,
        depth: usize,
    ) -> TypedResult<Option<ScalarExpr>> {
        let value = match (name, arguments) {
            ("date" | "from_iso8601_date", [only]) => {
                let value = self.dated(only, depth)?;
                self.cast(value, CastTarget::Date, span)
            }
            ("to_timestamp" | "from_iso8601_timestamp" | "timestamp", [only]) => {
                let value = self.dated(only, depth)?;
                self.cast(value, CastTarget::Instant, span)
            }
            ("parse_datetime" | "date_parse" | "to_timestamp", [only, _]) => {
                self.parsed_date(only, span, depth)
            }
            ("date_trunc" | "date_diff" | "date_add", [unit, rest @ ..]) => {
                self.unit_function(name, unit, rest, span, depth)
            }
            _ => return Ok(None),
        };
        value.map(Some)
    }

    fn unknown_function(&self, name: &str, arguments: &[&Sql], span: Span) -> PredicateError {
        let special = [
            "coalesce",
            "nullif",
            "greatest",
            "least",
            "concat",
            "mod",
            "date",
            "date_trunc",
            "date_diff",
            "date_add",
            "element_at",
            "cardinality",
            "url_decode",
            "if",
            "try",
            "current_date",
            "now",
            "to_timestamp",
            "from_iso8601_timestamp",
        ];
        if special.contains(&name) {
            return self
                .error(span, format!("{} takes other arguments", quoted(name)))
                .hint("docs/where.md has an example of every function");
        }
        let other = OTHER_NAMES.iter().find(|(known, _)| *known == name);
        let hint = date_function(name, arguments);
        self.error(span, format!("{} is not a function that is known here", quoted(name)))
            .hint(hint.unwrap_or_else(|| other.map_or(FUNCTIONS, |(_, hint)| *hint).to_owned()))
    }

    fn arguments(&mut self, sql: &[&Sql], depth: usize) -> TypedResult<Vec<(ScalarExpr, Span)>> {
        sql.iter().map(|sql| Ok((self.scalar(sql, depth)?, sql.span()))).collect()
    }

    /// A function of the table.
    fn call_of(
        &mut self,
        signature: &Signature,
        name: &str,
        arguments: &[&Sql],
        span: Span,
        depth: usize,
    ) -> TypedResult<ScalarExpr> {
        let given = arguments.len();
        let (least, most) = (signature.required, signature.parameters.len());
        if !(least..=most).contains(&given) {
            let wanted = match (least, most) {
                (1, 1) => "one argument".to_owned(),
                (least, most) if least == most => format!("{least} arguments"),
                (least, most) => format!("{least} to {most} arguments"),
            };
            return Err(self
                .error(span, format!("`{name}` takes {wanted}, not {given}"))
                .hint("docs/where.md has an example of every function"));
        }
        let mut values = Vec::with_capacity(given);
        for (sql, parameter) in arguments.iter().zip(signature.parameters) {
            let value = self.scalar(sql, depth)?;
            values.push(self.fitted(value, *parameter, sql.span(), name)?);
        }
        Ok(folded(signature.function, values))
    }

    fn fitted(
        &mut self,
        value: ScalarExpr,
        parameter: Parameter,
        span: Span,
        name: &str,
    ) -> TypedResult<ScalarExpr> {
        match parameter {
            Parameter::Text => self.text_argument(value, span, name),
            Parameter::Number => self.number_argument(value, span, name),
            Parameter::Date => self.date_argument(value, span, name),
            Parameter::Integer => match value.value_type() {
                ScalarType::Integer | ScalarType::Null => Ok(value),
                other => Err(self.wrong_argument(&value, other, span, name, "a whole number")),
            },
        }
    }

    /// `coalesce`: what follows a value that is never NULL is left out, and so is NULL.
    fn coalesce(&mut self, arguments: &[&Sql], depth: usize) -> TypedResult<ScalarExpr> {
        let values = self.arguments(arguments, depth)?;
        let values = self.of_one_type(values, "coalesce of two types")?;
        let mut kept = Vec::new();
        for value in values.into_iter().filter(|value| *value != ScalarExpr::NULL) {
            let last = matches!(value, ScalarExpr::Literal(_));
            kept.push(value);
            if last {
                break;
            }
        }
        Ok(match kept.len() {
            0 => ScalarExpr::NULL,
            1 => kept.pop().unwrap_or(ScalarExpr::NULL),
            _ => folded(Function::Coalesce, kept),
        })
    }

    /// A value that is to be a date; a constant text must be one.
    fn dated(&mut self, sql: &Sql, depth: usize) -> TypedResult<ScalarExpr> {
        let value = self.scalar(sql, depth)?;
        match value {
            ScalarExpr::Literal(Some(ScalarValue::Text(_))) => {
                self.date_argument(value, sql.span(), "date")
            }
            value => Ok(value),
        }
    }

    /// `parse_datetime(x, 'format')`: a column of dates is one already.
    fn parsed_date(&mut self, sql: &Sql, span: Span, depth: usize) -> TypedResult<ScalarExpr> {
        let value = self.scalar(sql, depth)?;
        if value.value_type().is_date() {
            return Ok(value);
        }
        Err(self
            .error(span, "formats of dates are not supported")
            .hint(format!("dates are read in ISO 8601: write from_iso8601_timestamp({value})")))
    }

    fn unit_function(
        &mut self,
        name: &str,
        unit: &Sql,
        rest: &[&Sql],
        span: Span,
        depth: usize,
    ) -> TypedResult<ScalarExpr> {
        let unit = self.unit(unit)?;
        let (function, date_from) = match (name, rest.len()) {
            ("date_trunc", 1) => (Function::Truncate(unit), 0),
            ("date_diff", 2) => (Function::Difference(unit), 0),
            ("date_add", 2) => (Function::Add(unit), 1),
            _ => return Err(self.unknown_function(name, rest, span)),
        };
        let mut values = Vec::with_capacity(rest.len());
        for (place, sql) in rest.iter().enumerate() {
            let value = self.scalar(sql, depth)?;
            let parameter = if place < date_from { Parameter::Integer } else { Parameter::Date };
            values.push(self.fitted(value, parameter, sql.span(), name)?);
        }
        Ok(folded(function, values))
    }

    /// `'day'`, or S3 Select's bare `day`.
    fn unit(&self, sql: &Sql) -> TypedResult<DateUnit> {
        let word = match sql {
            Sql::Identifier(name) => Some(name.value.as_str()),
            Sql::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => Some(text.as_str()),
                _ => None,
            },
            _ => None,
        };
        word.and_then(DateUnit::of).ok_or_else(|| {
            self.error(sql.span(), "this is not a unit of time").hint(
                "the units are 'millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', \
                 'quarter' and 'year'",
            )
        })
    }

    fn element_of_split(
        &mut self,
        split: &Sql,
        number: &Sql,
        span: Span,
        depth: usize,
    ) -> TypedResult<ScalarExpr> {
        let mut values = self.split_arguments(split, span, depth)?;
        let place = self.scalar(number, depth)?;
        values.push(self.fitted(place, Parameter::Integer, number.span(), "element_at")?);
        Ok(folded(Function::ElementOfSplit, values))
    }

    /// The arguments of `split(text, delimiter)`, the only array here.
    fn split_arguments(
        &mut self,
        sql: &Sql,
        span: Span,
        depth: usize,
    ) -> TypedResult<Vec<ScalarExpr>> {
        if let Sql::Function(function) = sql
            && function.name.to_string().eq_ignore_ascii_case("split")
            && let Some([text, delimiter]) = function_arguments(function).as_deref()
        {
            let mut values = Vec::with_capacity(3);
            for sql in [text, delimiter] {
                let value = self.scalar(sql, depth)?;
                values.push(self.text_argument(value, sql.span(), "split")?);
            }
            return Ok(values);
        }
        Err(self
            .error(span, "the only array is split(text, 'delimiter')")
            .hint("write split(Key, '/')[1], element_at(split(Key, '/'), -1) or split_part"))
    }

    /// Expressions whose arguments are not in a list.
    pub(super) fn special_syntax(&mut self, sql: &Sql, depth: usize) -> TypedResult<ScalarExpr> {
        let span = sql.span();
        match sql {
            Sql::Extract { field, expr, .. } => {
                let Some(part) = part_of(&field.to_string()) else {
                    return Err(self
                        .error(span, format!("{field} can't be extracted from a date here"))
                        .hint(
                            "the fields are YEAR, QUARTER, MONTH, WEEK, DAY, DAY_OF_WEEK, \
                             DAY_OF_YEAR, HOUR, MINUTE and SECOND",
                        ));
                };
                let value = self.scalar(expr, depth)?;
                let date = self.date_argument(value, expr.span(), "extract")?;
                Ok(folded(Function::Part(part), vec![date]))
            }
            Sql::Ceil { field: ast::CeilFloorKind::Scale(_), .. }
            | Sql::Floor { field: ast::CeilFloorKind::Scale(_), .. } => {
                Err(self.error(span, "this takes one number: write round(x, digits)"))
            }
            Sql::Ceil { expr, .. } | Sql::Floor { expr, .. } => {
                let (function, name) = match sql {
                    Sql::Ceil { .. } => (Function::Ceiling, "ceil"),
                    _ => (Function::Floor, "floor"),
                };
                let value = self.scalar(expr, depth)?;
                Ok(folded(function, vec![self.number_argument(value, expr.span(), name)?]))
            }
            Sql::Position { expr, r#in } => {
                let mut values = Vec::with_capacity(2);
                for sql in [r#in, expr] {
                    let value = self.scalar(sql, depth)?;
                    values.push(self.text_argument(value, sql.span(), "position")?);
                }
                Ok(folded(Function::Position, values))
            }
            Sql::Substring { expr, substring_from, substring_for, .. } => {
                let start = substring_from.as_deref();
                let given = [Some(&**expr), start, substring_for.as_deref()];
                let arguments: Vec<&Sql> = given.into_iter().flatten().collect();
                match Signature::of("substr") {
                    Some(signature) if start.is_some() => {
                        self.call_of(signature, "substr", &arguments, span, depth)
                    }
                    _ => Err(self
                        .error(span, "`substr` takes a text and where it starts")
                        .hint("write substr(text, start) or substr(text, start, length)")),
                }
            }
            Sql::Trim { .. } => self.trim(sql, depth),
            Sql::AtTimeZone { timestamp, time_zone } => {
                let utc = self.scalar(time_zone, depth)?;
                let is_utc = ["UTC", "Z", "GMT", "+00:00"]
                    .iter()
                    .any(|zone| utc == ScalarExpr::of(ScalarValue::text(*zone)));
                if !is_utc {
                    return Err(self
                        .error(span, "dates are in UTC here")
                        .hint("leave AT TIME ZONE out, and shift by INTERVAL '2' HOUR"));
                }
                self.scalar(timestamp, depth)
            }
            Sql::CompoundFieldAccess { root, access_chain } => match access_chain.as_slice() {
                [ast::AccessExpr::Subscript(ast::Subscript::Index { index })] => {
                    self.element_of_split(root, index, span, depth)
                }
                _ => Err(self.unsupported(sql)),
            },
            _ => Err(self.unsupported(sql)),
        }
    }

    /// `TRIM(x)`, `TRIM(BOTH 'a' FROM x)`, `TRIM(x, 'a')`.
    fn trim(&mut self, sql: &Sql, depth: usize) -> TypedResult<ScalarExpr> {
        let Sql::Trim { trim_where, trim_what, expr, trim_characters } = sql else {
            return Err(self.unsupported(sql));
        };
        let function = match trim_where {
            None | Some(ast::TrimWhereField::Both) => Function::Trim,
            Some(ast::TrimWhereField::Leading) => Function::TrimLeft,
            Some(ast::TrimWhereField::Trailing) => Function::TrimRight,
        };
        let set = match (trim_what.as_deref(), trim_characters.as_deref()) {
            (None, None) => None,
            (Some(set), None) | (None, Some([set])) => Some(set),
            _ => {
                return Err(self.error(sql.span(), "write trim(text), or trim(text, 'characters')"));
            }
        };
        let mut values = Vec::with_capacity(2);
        for sql in std::iter::once(&**expr).chain(set) {
            let value = self.scalar(sql, depth)?;
            values.push(self.text_argument(value, sql.span(), "trim")?);
        }
        Ok(folded(function, values))
    }
}

fn part_of(field: &str) -> Option<DatePart> {
    Some(match field.to_ascii_lowercase().as_str() {
        "year" | "years" => DatePart::Year,
        "quarter" => DatePart::Quarter,
        "month" | "months" => DatePart::Month,
        "week" | "weeks" => DatePart::Week,
        "day" | "days" | "day_of_month" => DatePart::Day,
        "day_of_week" | "dayofweek" | "dow" | "isodow" => DatePart::DayOfWeek,
        "day_of_year" | "dayofyear" | "doy" => DatePart::DayOfYear,
        "hour" | "hours" => DatePart::Hour,
        "minute" | "minutes" => DatePart::Minute,
        "second" | "seconds" => DatePart::Second,
        _ => return None,
    })
}
