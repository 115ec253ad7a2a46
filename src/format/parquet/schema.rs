//! The columns of a file, as the schema in its footer describes them.
//!
//! Never knows row groups, or which columns are wanted.

use super::thrift::{Kind, Reader, ThriftFault};
use crate::values::TimeUnit;

/// Columns of a file at most, nested ones and what nests them included. A report has 1,024 at most
/// (`report::COLUMNS_MAX`); a file may have more, which are not read. 10,000 take about a megabyte.
const ELEMENTS_MAX: usize = 10_000;

/// The longest name of a column, in bytes. A report's own are no longer.
const NAME_BYTES_MAX: usize = 1 << 10;

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafType {
    /// Booleans.
    Flags,
    /// Whole numbers of 32 bits.
    Integers32,
    /// Whole numbers of 64 bits.
    Integers64,
    /// Whole numbers of 32 bits without a sign.
    Unsigned32,
    /// Whole numbers of 64 bits without a sign.
    Unsigned64,
    /// Instants of 32 bits.
    Instants32(TimeUnit),
    /// Instants of 64 bits.
    Instants64(TimeUnit),
    /// Instants of 96 bits, to the microsecond.
    Instants96,
    /// Texts.
    Texts,
    /// Texts of one length, which is not 0.
    FixedTexts(usize),
}

/// A column of a file.
#[derive(Debug, Clone)]
pub(super) struct LeafColumn {
    /// Its name, as the file spells it.
    pub(super) name: String,
    /// How it is read, or why it is not.
    pub(super) reading: Result<LeafType, &'static str>,
    /// Whether values may be NULL.
    pub(super) optional: bool,
    /// Whether bounds of texts are in the order of their bytes: its type has that order, and the
    /// footer says that bounds are in the order of their type.
    pub(super) ordered: bool,
}

impl LeafColumn {
    /// Whether its values are texts.
    pub(super) fn holds_texts(&self) -> bool {
        matches!(self.reading, Ok(LeafType::Texts | LeafType::FixedTexts(_)))
    }
}

/// One element of a schema: a column, or what nests some.
struct Element<'a> {
    name: &'a [u8],
    physical: Option<i32>,
    length: i32,
    repetition: Option<i32>,
    children: i32,
    converted: Option<i32>,
    logical: Logical,
}

/// What the values of an element stand for, as far as that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logical {
    None,
    Other,
    /// Texts, enums, JSON, BSON and UUIDs: in the order of their bytes.
    Text,
    Decimal,
    Date,
    Timestamp(TimeUnit),
    /// Whole numbers without a sign.
    Unsigned,
    /// Times of a day.
    Time,
    /// Fractions of 16 bits.
    Float16,
}

/// Repetitions, as the format numbers them.
const OPTIONAL: i32 = 1;
const REPEATED: i32 = 2;

/// The older descriptions of what values stand for, as the format numbers them.
const CONVERTED_UTF8: i32 = 0;
const CONVERTED_ENUM: i32 = 4;
const CONVERTED_DECIMAL: i32 = 5;
const CONVERTED_DATE: i32 = 6;
const CONVERTED_TIME_MILLIS: i32 = 7;
const CONVERTED_TIME_MICROS: i32 = 8;
const CONVERTED_MILLIS: i32 = 9;
const CONVERTED_MICROS: i32 = 10;
const CONVERTED_UINT_32: i32 = 13;
const CONVERTED_UINT_64: i32 = 14;
const CONVERTED_JSON: i32 = 19;
const CONVERTED_BSON: i32 = 20;

/// The columns that a list of elements describes, in the order of the file.
pub(super) fn columns(reader: &mut Reader<'_>) -> Result<Vec<LeafColumn>, String> {
    let (kind, count) = reader.list()?;
    if kind != Kind::Struct || count == 0 {
        return Err("a schema of something else than columns".to_owned());
    }
    if count > ELEMENTS_MAX {
        return Err(format!("{count} columns, where {ELEMENTS_MAX} may be"));
    }
    let root = Element::read(reader)?;
    let mut columns = Vec::new();
    // Columns that the row, and each element that nests some, still lacks.
    let mut lacking = vec![root.children];
    let mut outermost = String::new();
    for _ in 1..count {
        let element = Element::read(reader)?;
        while lacking.pop_if(|left| *left <= 0).is_some() {}
        let depth = lacking.len();
        let Some(left) = lacking.last_mut() else {
            return Err("a schema of more columns than its row has".to_owned());
        };
        *left -= 1;
        if depth == 1 {
            // Only the first name of a nested column is one that a report could list.
            outermost = element.name()?;
        }
        if element.children > 0 || element.physical.is_none() {
            lacking.push(element.children);
            continue;
        }
        let reading = match element.reading() {
            _ if depth > 1 || element.repetition == Some(REPEATED) => {
                Err("its values are nested, which no inventory's are")
            }
            reading => reading,
        };
        let optional = element.repetition == Some(OPTIONAL);
        let ordered = element.is_in_byte_order();
        columns.push(LeafColumn { name: outermost.clone(), reading, optional, ordered });
    }
    if lacking.iter().any(|left| *left > 0) {
        return Err("a schema of fewer columns than its row has".to_owned());
    }
    if columns.is_empty() {
        return Err("a schema without columns".to_owned());
    }
    Ok(columns)
}

/// Reads the orders that a footer tells, one for each column; columns of another order than that of
/// their type have no ordered bounds, nor have any where there are not as many orders as columns.
pub(super) fn read_orders(
    reader: &mut Reader<'_>,
    columns: &mut [LeafColumn],
) -> Result<(), ThriftFault> {
    let (kind, count) = reader.list()?;
    if kind != Kind::Struct {
        return Err(ThriftFault::Bad("what a list of orders holds"));
    }
    let fits = count == columns.len();
    for place in 0..count {
        let (mut by_type, mut last) = (false, 0);
        while let Some(kind) = reader.field(&mut last)? {
            by_type |= last == 1;
            reader.skip(kind)?;
        }
        if let Some(column) = columns.get_mut(place) {
            column.ordered &= fits && by_type;
        }
    }
    Ok(())
}

impl<'a> Element<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ThriftFault> {
        let mut element = Self {
            name: b"",
            physical: None,
            length: 0,
            repetition: None,
            children: 0,
            converted: None,
            logical: Logical::None,
        };
        let mut last = 0;
        while let Some(kind) = reader.field(&mut last)? {
            match (last, kind) {
                (1, Kind::Integer) => element.physical = Some(reader.integer32()?),
                (2, Kind::Integer) => element.length = reader.integer32()?,
                (3, Kind::Integer) => element.repetition = Some(reader.integer32()?),
                (4, Kind::Binary) => element.name = reader.binary()?,
                (5, Kind::Integer) => element.children = reader.integer32()?,
                (6, Kind::Integer) => element.converted = Some(reader.integer32()?),
                (10, Kind::Struct) => element.logical = Logical::read(reader)?,
                (_, other) => reader.skip(other)?,
            }
        }
        Ok(element)
    }

    fn name(&self) -> Result<String, String> {
        if self.name.len() > NAME_BYTES_MAX {
            return Err(format!("a column's name of {} bytes", self.name.len()));
        }
        Ok(String::from_utf8_lossy(self.name).into_owned())
    }

    /// Whether the order of its type is that of the bytes of its texts.
    fn is_in_byte_order(&self) -> bool {
        const TEXTS: [i32; 4] = [CONVERTED_UTF8, CONVERTED_ENUM, CONVERTED_JSON, CONVERTED_BSON];
        match self.logical {
            Logical::None => self.converted.is_none_or(|converted| TEXTS.contains(&converted)),
            logical => logical == Logical::Text,
        }
    }

    fn reading(&self) -> Result<LeafType, &'static str> {
        let unit = match (self.logical, self.converted) {
            (Logical::Timestamp(unit), _) => Some(unit),
            (_, Some(CONVERTED_MILLIS)) => Some(TimeUnit::Millis),
            (_, Some(CONVERTED_MICROS)) => Some(TimeUnit::Micros),
            (Logical::Date, _) | (_, Some(CONVERTED_DATE)) => Some(TimeUnit::Days),
            _ => None,
        };
        if self.logical == Logical::Decimal || self.converted == Some(CONVERTED_DECIMAL) {
            return Err("its values are decimal fractions");
        }
        if self.logical == Logical::Time
            || matches!(self.converted, Some(CONVERTED_TIME_MILLIS | CONVERTED_TIME_MICROS))
        {
            return Err("its values are times of a day");
        }
        if self.logical == Logical::Float16 {
            return Err("its values are fractions");
        }
        let unsigned = self.logical == Logical::Unsigned
            || matches!(self.converted, Some(CONVERTED_UINT_32 | CONVERTED_UINT_64));
        Ok(match (self.physical, unit) {
            (Some(0), _) => LeafType::Flags,
            (Some(1), None) if unsigned => LeafType::Unsigned32,
            (Some(2), None) if unsigned => LeafType::Unsigned64,
            (Some(1), None) => LeafType::Integers32,
            (Some(2), None) => LeafType::Integers64,
            (Some(1), Some(unit)) => LeafType::Instants32(unit),
            (Some(2), Some(unit)) => LeafType::Instants64(unit),
            (Some(3), _) => LeafType::Instants96,
            (Some(4 | 5), _) => return Err("its values are fractions"),
            (Some(6), _) => LeafType::Texts,
            (Some(7), _) => match usize::try_from(self.length) {
                Ok(length @ 1..) => LeafType::FixedTexts(length),
                _ => return Err("its values are texts of no length"),
            },
            _ => return Err("its values are of an unknown type"),
        })
    }
}

impl Logical {
    /// Reads a union: of its fields one is there.
    fn read(reader: &mut Reader<'_>) -> Result<Self, ThriftFault> {
        let (mut logical, mut last) = (Self::Other, 0);
        while let Some(kind) = reader.field(&mut last)? {
            match (last, kind) {
                (8, Kind::Struct) => logical = Self::Timestamp(time_unit(reader)?),
                (10, Kind::Struct) if is_unsigned(reader)? => logical = Self::Unsigned,
                (10, Kind::Struct) => logical = Self::Other,
                (_, other) => {
                    reader.skip(other)?;
                    logical = match last {
                        1 | 4 | 12..=14 => Self::Text,
                        5 => Self::Decimal,
                        6 => Self::Date,
                        7 => Self::Time,
                        15 => Self::Float16,
                        _ => Self::Other,
                    };
                }
            }
        }
        Ok(logical)
    }
}

/// Whether a type of whole numbers has no sign.
fn is_unsigned(reader: &mut Reader<'_>) -> Result<bool, ThriftFault> {
    let (mut unsigned, mut last) = (false, 0);
    while let Some(kind) = reader.field(&mut last)? {
        unsigned |= (last, kind) == (2, Kind::False);
        reader.skip(kind)?;
    }
    Ok(unsigned)
}

/// The unit of a type of instants.
fn time_unit(reader: &mut Reader<'_>) -> Result<TimeUnit, ThriftFault> {
    let (mut unit, mut last) = (None, 0);
    while let Some(kind) = reader.field(&mut last)? {
        if (last, kind) != (2, Kind::Struct) {
            reader.skip(kind)?;
            continue;
        }
        let mut inner = 0;
        while let Some(kind) = reader.field(&mut inner)? {
            reader.skip(kind)?;
            unit = match inner {
                1 => Some(TimeUnit::Millis),
                2 => Some(TimeUnit::Micros),
                3 => Some(TimeUnit::Nanos),
                _ => None,
            };
        }
    }
    unit.ok_or(ThriftFault::Bad("instants of an unknown unit"))
}
