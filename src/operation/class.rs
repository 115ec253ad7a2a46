//! Storage classes, and those that copies can have.
//!
//! Never knows what a class costs.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How [`CopyClass::Keep`] is written.
const KEEP: &str = "keep";

/// A storage class, as reports and requests name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StorageClass {
    /// `STANDARD`
    Standard,
    /// `REDUCED_REDUNDANCY`
    ReducedRedundancy,
    /// `INTELLIGENT_TIERING`
    IntelligentTiering,
    /// `STANDARD_IA`
    StandardIa,
    /// `ONEZONE_IA`
    OnezoneIa,
    /// `GLACIER_IR`
    GlacierIr,
    /// `GLACIER`: Flexible Retrieval
    Glacier,
    /// `DEEP_ARCHIVE`
    DeepArchive,
}

impl StorageClass {
    /// All that have a price. Reports may name others.
    pub const ALL: [Self; 8] = [
        Self::Standard,
        Self::ReducedRedundancy,
        Self::IntelligentTiering,
        Self::StandardIa,
        Self::OnezoneIa,
        Self::GlacierIr,
        Self::Glacier,
        Self::DeepArchive,
    ];

    /// Their names, in the same order.
    pub const NAMES: [&'static str; 8] = {
        let mut names = [""; 8];
        let mut place = 0;
        while place < names.len() {
            names[place] = Self::ALL[place].name();
            place += 1;
        }
        names
    };

    /// Its name in reports, requests and price lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::ReducedRedundancy => "REDUCED_REDUNDANCY",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::StandardIa => "STANDARD_IA",
            Self::OnezoneIa => "ONEZONE_IA",
            Self::GlacierIr => "GLACIER_IR",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
        }
    }

    /// The class of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name().eq_ignore_ascii_case(name))
    }

    /// Whether copies can have it (API, `S3StorageClass`; UG, "Copy objects", rules out reduced
    /// redundancy).
    #[must_use]
    pub const fn is_for_copies(self) -> bool {
        !matches!(self, Self::ReducedRedundancy)
    }

    /// The size that a smaller object is charged for, in bytes; 0 where each is charged for its own
    /// (UG, "Understanding and managing Amazon S3 storage classes").
    #[must_use]
    pub const fn bytes_min(self) -> u64 {
        match self {
            Self::StandardIa | Self::OnezoneIa | Self::GlacierIr => 128 << 10,
            _ => 0,
        }
    }

    /// Whether an object has to be restored before it can be read.
    #[must_use]
    pub const fn is_archive(self) -> bool {
        matches!(self, Self::Glacier | Self::DeepArchive)
    }

    /// How many days of storage are charged at least (UG, "Understanding and managing Amazon S3
    /// storage classes").
    #[must_use]
    pub const fn days_min(self) -> u32 {
        match self {
            Self::Standard | Self::ReducedRedundancy | Self::IntelligentTiering => 0,
            Self::StandardIa | Self::OnezoneIa => 30,
            Self::GlacierIr | Self::Glacier => 90,
            Self::DeepArchive => 180,
        }
    }
}

impl Serialize for StorageClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The class that a report gives all objects of a manifest, if it is split by that column: its
/// columns to split by, and their values.
#[must_use]
pub(crate) fn shared(split: &BTreeMap<String, Option<String>>) -> Option<&str> {
    let is_class = |column: &str| column.replace('_', "").eq_ignore_ascii_case("StorageClass");
    let mut columns = split.iter().filter(|(column, _)| is_class(column));
    columns.next().and_then(|(_, class)| class.as_deref())
}

/// The storage class of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyClass {
    /// Each keeps its own: a copy without a class becomes `STANDARD` (S3 API, `CopyObject`), so
    /// each class gets jobs of its own.
    #[default]
    Keep,
    /// All get this one.
    Of(StorageClass),
}

impl CopyClass {
    /// The class of this name, or `keep`.
    ///
    /// # Errors
    /// When copies can't have that class; the text lists those that they can.
    pub fn from_name(name: &str) -> Result<Self, String> {
        if name.eq_ignore_ascii_case(KEEP) {
            return Ok(Self::Keep);
        }
        let class = StorageClass::from_name(name).filter(|class| class.is_for_copies());
        class.map(Self::Of).ok_or_else(|| {
            let classes = StorageClass::ALL.into_iter().filter(|class| class.is_for_copies());
            let names: Vec<&str> = classes.map(StorageClass::name).collect();
            format!(
                "`{name}` is no storage class of copies (API, S3StorageClass): choose {KEEP} or \
                 one of {}",
                names.join(", ")
            )
        })
    }

    /// The name that [`CopyClass::from_name`] takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => KEEP,
            Self::Of(class) => class.name(),
        }
    }
}

impl Serialize for CopyClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for CopyClass {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_found_by_their_names() {
        assert_eq!(CopyClass::from_name("keep"), Ok(CopyClass::Keep));
        for class in StorageClass::ALL {
            assert_eq!(StorageClass::from_name(&class.name().to_lowercase()), Some(class));
            let of = CopyClass::from_name(class.name());
            assert_eq!(of.ok(), class.is_for_copies().then_some(CopyClass::Of(class)));
        }
        let refused = CopyClass::from_name("REDUCED_REDUNDANCY").unwrap_err();
        assert!(refused.contains("STANDARD_IA"), "{refused}");
    }

    #[test]
    fn a_shared_class_is_found_however_the_report_spells_its_column() {
        let split = |column: &str, class: Option<&str>| {
            BTreeMap::from([(column.to_owned(), class.map(str::to_owned))])
        };
        assert_eq!(shared(&split("StorageClass", Some("GLACIER"))), Some("GLACIER"));
        assert_eq!(shared(&split("storage_class", Some("GLACIER"))), Some("GLACIER"));
        assert_eq!(shared(&split("StorageClass", None)), None);
        assert_eq!(shared(&split("IsLatest", Some("true"))), None);
    }
}
