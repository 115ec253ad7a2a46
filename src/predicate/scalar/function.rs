//! The functions of computed expressions: their names, what they take, and what they give.

/// A function or an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::predicate) enum Function {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
    Negate,
    Concat,
    Coalesce,
    NullIf,
    Greatest,
    Least,
    Lower,
    Upper,
    Trim,
    TrimLeft,
    TrimRight,
    Reverse,
    Length,
    Position,
    Substring,
    Replace,
    SplitPart,
    ElementOfSplit,
    CountOfSplit,
    StartsWith,
    EndsWith,
    UrlDecode,
    UrlEncode,
    Absolute,
    Ceiling,
    Floor,
    Round,
    Sign,
    Part(DatePart),
    Truncate(DateUnit),
    Difference(DateUnit),
    Add(DateUnit),
    FromUnixTime,
    ToUnixTime,
    ToIso8601,
}

/// A number that a date has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::predicate) enum DatePart {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

/// What dates are cut to and counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::predicate) enum DateUnit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    Text,
    Integer,
    Number,
    /// A date or a timestamp; a text that is a constant is read as one.
    Date,
}

/// A function that is called by its name, with arguments of fixed types.
pub(super) struct Signature {
    pub(super) function: Function,
    /// The first is the one of the canonical text.
    pub(super) names: &'static [&'static str],
    pub(super) parameters: &'static [Parameter],
    /// How many of them must be given.
    pub(super) required: usize,
}

const fn signature(
    function: Function,
    names: &'static [&'static str],
    parameters: &'static [Parameter],
    required: usize,
) -> Signature {
    Signature { function, names, parameters, required }
}

use Parameter::{Date, Integer, Number, Text};

pub(super) const SIGNATURES: &[Signature] = &[
    signature(Function::Lower, &["lower"], &[Text], 1),
    signature(Function::Upper, &["upper"], &[Text], 1),
    signature(Function::Trim, &["trim", "btrim"], &[Text, Text], 1),
    signature(Function::TrimLeft, &["ltrim"], &[Text, Text], 1),
    signature(Function::TrimRight, &["rtrim"], &[Text, Text], 1),
    signature(Function::Reverse, &["reverse"], &[Text], 1),
    signature(Function::Length, &["length", "char_length", "character_length", "len"], &[Text], 1),
    signature(Function::Position, &["strpos", "instr"], &[Text, Text], 2),
    signature(Function::Substring, &["substr", "substring"], &[Text, Integer, Integer], 2),
    signature(Function::Replace, &["replace"], &[Text, Text, Text], 2),
    signature(Function::SplitPart, &["split_part"], &[Text, Text, Integer], 3),
    signature(Function::StartsWith, &["starts_with"], &[Text, Text], 2),
    signature(Function::EndsWith, &["ends_with"], &[Text, Text], 2),
    signature(Function::UrlDecode, &["url_decode"], &[Text], 1),
    signature(Function::UrlEncode, &["url_encode"], &[Text], 1),
    signature(Function::Absolute, &["abs"], &[Number], 1),
    signature(Function::Ceiling, &["ceil", "ceiling"], &[Number], 1),
    signature(Function::Floor, &["floor"], &[Number], 1),
    signature(Function::Round, &["round"], &[Number, Integer], 1),
    signature(Function::Sign, &["sign"], &[Number], 1),
    signature(Function::Part(DatePart::Year), &["year"], &[Date], 1),
    signature(Function::Part(DatePart::Quarter), &["quarter"], &[Date], 1),
    signature(Function::Part(DatePart::Month), &["month"], &[Date], 1),
    signature(Function::Part(DatePart::Week), &["week", "week_of_year"], &[Date], 1),
    signature(Function::Part(DatePart::Day), &["day", "day_of_month"], &[Date], 1),
    signature(Function::Part(DatePart::DayOfWeek), &["day_of_week", "dow"], &[Date], 1),
    signature(Function::Part(DatePart::DayOfYear), &["day_of_year", "doy"], &[Date], 1),
    signature(Function::Part(DatePart::Hour), &["hour"], &[Date], 1),
    signature(Function::Part(DatePart::Minute), &["minute"], &[Date], 1),
    signature(Function::Part(DatePart::Second), &["second"], &[Date], 1),
    signature(Function::FromUnixTime, &["from_unixtime"], &[Number], 1),
    signature(Function::ToUnixTime, &["to_unixtime"], &[Date], 1),
    signature(Function::ToIso8601, &["to_iso8601"], &[Date], 1),
];

impl Signature {
    /// The signature of a function of this name, in any case.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        let same = |known: &&str| known.eq_ignore_ascii_case(name);
        SIGNATURES.iter().find(|signature| signature.names.iter().any(same))
    }
}

impl Function {
    /// Between its operands, where it is an operator.
    pub(super) fn sign(self) -> Option<&'static str> {
        Some(match self {
            Self::Plus => "+",
            Self::Minus | Self::Negate => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Concat => "||",
            _ => return None,
        })
    }

    /// As the canonical text writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Coalesce => "coalesce",
            Self::NullIf => "nullif",
            Self::Greatest => "greatest",
            Self::Least => "least",
            Self::ElementOfSplit => "element_at",
            Self::CountOfSplit => "cardinality",
            Self::Truncate(_) => "date_trunc",
            Self::Difference(_) => "date_diff",
            Self::Add(_) => "date_add",
            other => SIGNATURES
                .iter()
                .find(|signature| signature.function == other)
                .and_then(|signature| signature.names.first().copied())
                .or(self.sign())
                .unwrap_or_default(),
        }
    }

    pub(super) fn unit(self) -> Option<DateUnit> {
        match self {
            Self::Truncate(unit) | Self::Difference(unit) | Self::Add(unit) => Some(unit),
            _ => None,
        }
    }

    /// Written as a function of `split(…)`, which has no value of its own here.
    pub(super) fn is_element_of_split(self) -> bool {
        matches!(self, Self::ElementOfSplit | Self::CountOfSplit)
    }
}

const UNITS: [(DateUnit, &str); 9] = [
    (DateUnit::Millisecond, "millisecond"),
    (DateUnit::Second, "second"),
    (DateUnit::Minute, "minute"),
    (DateUnit::Hour, "hour"),
    (DateUnit::Day, "day"),
    (DateUnit::Week, "week"),
    (DateUnit::Month, "month"),
    (DateUnit::Quarter, "quarter"),
    (DateUnit::Year, "year"),
];

impl DateUnit {
    /// By its name in any case, also in the plural.
    pub(super) fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let singular = name.strip_suffix('s').unwrap_or(&name);
        UNITS.iter().find(|(_, known)| *known == singular).map(|(unit, _)| *unit)
    }

    pub(super) fn name(self) -> &'static str {
        UNITS.iter().find(|(unit, _)| *unit == self).map_or("", |(_, name)| *name)
    }

    pub(super) fn is_whole_days(self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_one_function() {
        let mut names: Vec<_> = SIGNATURES.iter().flat_map(|signature| signature.names).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for signature in SIGNATURES {
            assert!(signature.required <= signature.parameters.len());
            let name = signature.function.name();
            assert_eq!(Signature::of(name).map(|found| found.function), Some(signature.function));
        }
    }

    #[test]
    fn units_go_by_their_names() {
        for (unit, name) in UNITS {
            assert_eq!(DateUnit::of(name), Some(unit));
            assert_eq!(DateUnit::of(&format!("{}S", name.to_uppercase())), Some(unit));
            assert_eq!(unit.name(), name);
        }
        assert_eq!(DateUnit::of("fortnight"), None);
    }
}
