//! Prices and money, exact: whole numbers from the price list to the sum, never a float.
//!
//! A price has at most nine digits after the point, and is for one, a thousand, ten thousand or a
//! million of something. Money is counted in 10^-15 dollars, so what is charged by the piece comes
//! out without a remainder. What is charged by the gigabyte (2^30 bytes, as S3 bills) is rounded to
//! that unit, half up.
//!
//! Never knows what is bought, nor where a price list was read from.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::StorageClass;
use crate::diagnostic::{Diagnostic, ErrorClass};
use crate::units::Count;

/// The Region whose prices are taken where none is named.
pub(crate) const REGION_DEFAULT: &str = "us-east-1";

/// The price lists that come with the program, as `prices.py` writes them.
const PUBLISHED: &str = include_str!("prices.json");

/// The most that a price may be, in dollars: far above any list, and small enough that no cost of
/// `u64::MAX` pieces overflows 128 bits.
pub(crate) const PRICE_USD_MAX: u64 = 1_000;

/// Digits after the point of a price.
const DIGITS_MAX: usize = 9;

const NANOS_PER_DOLLAR: u64 = 1_000_000_000;
const FEMTOS_PER_NANO: u128 = 1_000_000;
const FEMTOS_PER_DOLLAR: u128 = FEMTOS_PER_NANO * NANOS_PER_DOLLAR as u128;

const _: () = assert!(
    u128::MAX / (PRICE_USD_MAX as u128 * FEMTOS_PER_DOLLAR) > u64::MAX as u128,
    "the dearest price, u64::MAX times, fits"
);

/// Why a price list can't be used. Errors of the JSON name the field or the place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PriceError {
    /// No JSON, a field that is missing, or one that is unknown.
    #[error("not a price list")]
    Document(#[from] serde_json::Error),
    /// Not a valid price.
    #[error(
        "{field}: {text} is no price: write dollars from 0 to {PRICE_USD_MAX} with at most \
         {DIGITS_MAX} digits after the point, for example \"0.005\""
    )]
    NoPrice {
        /// Where it stands, for example `storage_classes.STANDARD.put_usd_per_thousand_requests`.
        field: String,
        /// What stands there.
        text: String,
    },
    /// No list is for the Region that was asked for.
    #[error("no prices for {region}; there are some for: {known}")]
    NoRegion {
        /// The Region.
        region: String,
        /// Those that there are.
        known: String,
    },
    /// Another currency than the one that the fields are named for.
    #[error("currency: `{0}` is not supported: give prices in USD")]
    Currency(String),
}

impl Diagnostic for PriceError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Document(_) => Some("docs/costs.md shows one".to_owned()),
            _ => None,
        }
    }
}

/// A price in dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Price {
    nanos: u64,
}

impl Price {
    /// Nothing.
    pub(crate) const ZERO: Self = Self { nanos: 0 };

    /// Reads dollars such as `0.005`.
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) || fraction.len() > DIGITS_MAX {
            return None;
        }
        let whole = whole.parse::<u64>().ok().filter(|dollars| *dollars <= PRICE_USD_MAX)?;
        let fraction = format!("{fraction:0<DIGITS_MAX$}").parse::<u64>().ok()?;
        let nanos = whole * NANOS_PER_DOLLAR + fraction;
        (nanos <= PRICE_USD_MAX * NANOS_PER_DOLLAR).then_some(Self { nanos })
    }

    /// A price as it stands in a list: a string, or a number.
    fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    /// What this many pieces cost.
    #[must_use]
    pub(crate) fn of(self, quantity: u64, per: PriceUnit) -> Usd {
        let femtos = u128::from(self.nanos) * FEMTOS_PER_NANO * u128::from(quantity);
        let pieces = u128::from(per.pieces());
        Usd { femtos: femtos / pieces + u128::from(femtos % pieces >= pieces.div_ceil(2)) }
    }
}

/// Dollars as in a list: `$0.25`, `$0.0025`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("${}", grouped(&decimal(u128::from(self.nanos), DIGITS_MAX, 2))))
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&decimal(u128::from(self.nanos), DIGITS_MAX, 0))
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(&value)
            .ok_or_else(|| serde::de::Error::custom(format!("{value} is no price")))
    }
}

/// What a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PriceUnit {
    /// A job.
    Job,
    /// A thousand requests.
    ThousandRequests,
    /// Ten thousand requests.
    TenThousandRequests,
    /// A million objects.
    MillionObjects,
    /// A gigabyte, 2^30 bytes; quantities are in bytes.
    Gb,
    /// A gigabyte for a month; quantities are in bytes.
    GbMonth,
}

impl PriceUnit {
    /// How many pieces the price is for.
    const fn pieces(self) -> u64 {
        match self {
            Self::Job => 1,
            Self::ThousandRequests => 1_000,
            Self::TenThousandRequests => 10_000,
            Self::MillionObjects => 1_000_000,
            Self::Gb | Self::GbMonth => 1 << 30,
        }
    }

    /// As it stands behind a price.
    #[must_use]
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Job => "a job",
            Self::ThousandRequests => "per 1,000 requests",
            Self::TenThousandRequests => "per 10,000 requests",
            Self::MillionObjects => "per 1,000,000 objects",
            Self::Gb => "per GB",
            Self::GbMonth => "per GB and month",
        }
    }

    /// What is counted.
    #[must_use]
    pub(crate) const fn piece(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::ThousandRequests | Self::TenThousandRequests => "request",
            Self::MillionObjects => "object",
            Self::Gb | Self::GbMonth => "byte",
        }
    }
}

/// An amount of dollars, in units of 10^-15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Usd {
    femtos: u128,
}

/// Digits after the point of an amount.
const USD_DIGITS: usize = 15;

impl Usd {
    /// How much more this is; nothing where it is less.
    #[must_use]
    pub(crate) fn above(self, other: Self) -> Self {
        Self { femtos: self.femtos.saturating_sub(other.femtos) }
    }

    /// The amount rounded to this many digits after the point (15 at most), half up.
    fn rounded(self, digits: usize) -> Self {
        let unit = 10u128.pow(u32::try_from(USD_DIGITS.saturating_sub(digits)).unwrap_or(0));
        Self { femtos: self.femtos.saturating_add(unit / 2) / unit * unit }
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { femtos: self.femtos.saturating_add(other.femtos) }
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// For people: cents from a dollar up, millionths below, and whatever precision is asked for
/// (`{:.2}`); rounded half up.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = if self.femtos >= FEMTOS_PER_DOLLAR { 2 } else { 6 };
        let digits = f.precision().unwrap_or(usual);
        let rounded = self.rounded(digits);
        if rounded.femtos == 0 && self.femtos > 0 {
            let least = FEMTOS_PER_DOLLAR / 10u128.pow(u32::try_from(digits).unwrap_or(0));
            return write!(f, "<${}", decimal(least, USD_DIGITS, 2));
        }
        write!(f, "${}", grouped(&decimal(rounded.femtos, USD_DIGITS, 2)))
    }
}

/// Exact, as a decimal string: a number would be read back as a float.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&decimal(self.femtos, USD_DIGITS, 0))
    }
}

/// `value` times 10^-`digits`, without zeros at the end but at least `digits_min` digits after the
/// point.
fn decimal(value: u128, digits: usize, digits_min: usize) -> String {
    let unit = 10u128.pow(u32::try_from(digits).unwrap_or(0));
    let fraction = format!("{:0digits$}", value % unit);
    let kept = fraction.trim_end_matches('0').len().max(digits_min);
    let whole = value / unit;
    if kept == 0 { whole.to_string() } else { format!("{whole}.{}", &fraction[..kept]) }
}

/// A decimal with commas between thousands.
fn grouped(decimal: &str) -> String {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), |whole| Count(whole).to_string());
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// A price list of a Region. A price that is not known is null there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    /// When it was collected; a date such as `2026-11-23`.
    pub date: String,
    /// The AWS Region that it is for.
    pub region: String,
    /// Always `USD`.
    pub currency: String,
    /// Where the prices come from, and what to mind.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Batch Operations, for a job.
    #[serde(deserialize_with = "known")]
    pub batch_usd_per_job: Option<Price>,
    /// Batch Operations, for the objects of a job.
    #[serde(deserialize_with = "known")]
    pub batch_usd_per_million_objects: Option<Price>,
    /// A manifest that AWS makes itself; for all objects of the bucket, selected or not.
    #[serde(deserialize_with = "known")]
    pub generated_manifest_usd_per_million_source_objects: Option<Price>,
    /// S3 Inventory, for the objects that a report lists.
    #[serde(deserialize_with = "known")]
    pub inventory_usd_per_million_objects: Option<Price>,
    /// Requests to AWS KMS.
    #[serde(deserialize_with = "known")]
    pub kms_usd_per_ten_thousand_requests: Option<Price>,
    /// `UpdateObjectEncryption`: that of `STANDARD`, whatever the class.
    #[serde(deserialize_with = "known")]
    pub update_encryption_usd_per_thousand_requests: Option<Price>,
    /// Computing checksums.
    #[serde(deserialize_with = "known")]
    pub checksum_usd_per_gb: Option<Price>,
    /// By storage class.
    pub storage_classes: StorageClasses,
    /// Restores, by where the object is archived.
    pub restores: Restores,
}

/// Prices of each storage class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) struct StorageClasses {
    standard: ClassPrices,
    reduced_redundancy: ClassPrices,
    intelligent_tiering: ClassPrices,
    standard_ia: ClassPrices,
    onezone_ia: ClassPrices,
    glacier_ir: ClassPrices,
    glacier: ClassPrices,
    deep_archive: ClassPrices,
}

/// Prices of a storage class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassPrices {
    /// PUT, COPY, POST and LIST requests.
    #[serde(deserialize_with = "known")]
    pub put_usd_per_thousand_requests: Option<Price>,
    /// GET and all other requests.
    #[serde(deserialize_with = "known")]
    pub get_usd_per_thousand_requests: Option<Price>,
    /// Reading the bytes, besides the request.
    #[serde(deserialize_with = "known")]
    pub retrieval_usd_per_gb: Option<Price>,
    /// Storage.
    #[serde(deserialize_with = "known")]
    pub storage_usd_per_gb_month: Option<Price>,
}

/// Prices of restores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) struct Restores {
    intelligent_tiering: TierPrices,
    glacier: TierPrices,
    deep_archive: TierPrices,
}

/// Prices of restores by how fast they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierPrices {
    standard: RestorePrices,
    bulk: RestorePrices,
}

/// Prices of a kind of restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestorePrices {
    /// The requests.
    #[serde(deserialize_with = "known")]
    pub usd_per_thousand_requests: Option<Price>,
    /// The bytes that are brought back.
    #[serde(deserialize_with = "known")]
    pub usd_per_gb: Option<Price>,
}

/// How fast a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Hours.
    Standard,
    /// Up to two days, and cheaper.
    Bulk,
}

impl Prices {
    /// Reads a price list, or an array of them, of which the one for a Region is taken: for
    /// [`REGION_DEFAULT`], or the first, where none is named.
    ///
    /// # Errors
    /// When it is not JSON, a field is missing or unknown, a price is not a number of dollars, or
    /// no list is for the Region.
    pub(crate) fn parse(text: &str, region: Option<&str>) -> Result<Self, PriceError> {
        let lists = lists(text)?;
        let of = |name: &str| lists.iter().find(|list| list.region == name);
        let found = match region {
            Some(region) => of(region),
            None => of(REGION_DEFAULT).or_else(|| lists.first()),
        };
        found.cloned().ok_or_else(|| PriceError::NoRegion {
            region: region.unwrap_or(REGION_DEFAULT).to_owned(),
            known: lists.into_iter().map(|list| list.region).collect::<Vec<_>>().join(", "),
        })
    }

    /// The list for a Region that comes with the program, dated.
    ///
    /// # Errors
    /// When none comes with it for this Region.
    pub(crate) fn published(region: &str) -> Result<Self, PriceError> {
        Self::parse(PUBLISHED, Some(region))
    }

    /// The prices of a storage class.
    #[must_use]
    pub(crate) const fn class(&self, class: StorageClass) -> &ClassPrices {
        let classes = &self.storage_classes;
        match class {
            StorageClass::Standard => &classes.standard,
            StorageClass::ReducedRedundancy => &classes.reduced_redundancy,
            StorageClass::IntelligentTiering => &classes.intelligent_tiering,
            StorageClass::StandardIa => &classes.standard_ia,
            StorageClass::OnezoneIa => &classes.onezone_ia,
            StorageClass::GlacierIr => &classes.glacier_ir,
            StorageClass::Glacier => &classes.glacier,
            StorageClass::DeepArchive => &classes.deep_archive,
        }
    }

    /// The prices of a restore from a class; none where nothing of that class is archived.
    #[must_use]
    pub(crate) const fn restore(&self, class: StorageClass, tier: Tier) -> Option<&RestorePrices> {
        let prices = match class {
            StorageClass::IntelligentTiering => &self.restores.intelligent_tiering,
            StorageClass::Glacier => &self.restores.glacier,
            StorageClass::DeepArchive => &self.restores.deep_archive,
            _ => return None,
        };
        Some(match tier {
            Tier::Standard => &prices.standard,
            Tier::Bulk => &prices.bulk,
        })
    }
}

/// Reads one price list, or an array of them.
fn lists(text: &str) -> Result<Vec<Prices>, PriceError> {
    let document: Value = serde_json::from_str(text)?;
    // Read from the text again, so that an error tells line and column.
    let lists: Vec<Prices> = if let Value::Array(documents) = &document {
        documents.iter().try_for_each(|document| refuse_bad_prices(document, ""))?;
        serde_json::from_str(text)?
    } else {
        refuse_bad_prices(&document, "")?;
        vec![serde_json::from_str(text)?]
    };
    match lists.iter().find(|list| list.currency != "USD") {
        Some(list) => Err(PriceError::Currency(list.currency.clone())),
        None => Ok(lists),
    }
}

/// A price, or null where it is not known: the field itself must be there.
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Price>, D::Error> {
    Option::deserialize(deserializer)
}

/// Every field with `usd` in its name holds a price, wherever it stands, or null.
fn refuse_bad_prices(value: &Value, path: &str) -> Result<(), PriceError> {
    let Value::Object(fields) = value else { return Ok(()) };
    for (name, value) in fields {
        let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if name.contains("usd") && !value.is_null() && Price::from_json(value).is_none() {
            return Err(PriceError::NoPrice { field, text: value.to_string() });
        }
        refuse_bad_prices(value, &field)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::explain;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[test]
    fn the_published_list_is_read() {
        let prices = Prices::published("us-east-1").unwrap();
        assert_eq!(prices.batch_usd_per_job, Some(price("0.25")));
        assert_eq!(
            prices.class(StorageClass::DeepArchive).storage_usd_per_gb_month,
            Some(price("0.00099"))
        );
        assert!(prices.restore(StorageClass::Standard, Tier::Bulk).is_none());
        assert!(!prices.notes.is_empty());
        assert_eq!(Prices::parse(PUBLISHED, None).unwrap(), prices);
    }

    #[test]
    fn common_regions_have_lists_of_their_own() {
        for region in [
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
            "ca-central-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "eu-central-1",
            "eu-north-1",
            "ap-south-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "sa-east-1",
        ] {
            let prices = Prices::published(region).unwrap();
            assert_eq!(prices.region, region);
            assert!(!prices.date.is_empty() && !prices.notes.is_empty(), "{region}");
            for class in StorageClass::ALL {
                let ClassPrices {
                    put_usd_per_thousand_requests: put,
                    get_usd_per_thousand_requests: get,
                    retrieval_usd_per_gb: retrieval,
                    storage_usd_per_gb_month: storage,
                } = *prices.class(class);
                let all = [put, get, retrieval, storage];
                assert!(all.iter().all(Option::is_some), "{region}: {class:?}");
                assert!(put > get && storage > Some(Price::ZERO), "{region}: {class:?}");
            }
        }
        let put = |region| {
            let prices = Prices::published(region).unwrap();
            prices.class(StorageClass::Standard).put_usd_per_thousand_requests
        };
        assert_eq!(put("eu-central-1"), Some(price("0.0054")));
        assert_eq!(put("sa-east-1"), Some(price("0.007")));
    }

    #[test]
    fn what_has_no_source_is_not_known() {
        let frankfurt = Prices::published("eu-central-1").unwrap();
        assert_eq!(frankfurt.checksum_usd_per_gb, None);
        let refused = Prices::published("eu-nowhere-1").unwrap_err().to_string();
        assert!(refused.contains("eu-nowhere-1") && refused.contains("eu-west-3"), "{refused}");
    }

    #[test]
    fn what_is_charged_by_the_piece_is_exact() {
        let cost = |text, quantity, per| {
            serde_json::to_value(price(text).of(quantity, per))
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(cost("0.25", 3, PriceUnit::Job), "0.75");
        assert_eq!(cost("1.00", 9, PriceUnit::MillionObjects), "0.000009");
        assert_eq!(cost("0.0025", 14, PriceUnit::MillionObjects), "0.000000035");
        assert_eq!(cost("0.000000001", 1, PriceUnit::MillionObjects), "0.000000000000001");
        assert_eq!(cost("0.03", 18, PriceUnit::TenThousandRequests), "0.000054");
        assert_eq!(cost("0.005", 100_000_000_000, PriceUnit::ThousandRequests), "500000");
        assert_eq!(cost("0.004", 3 << 29, PriceUnit::Gb), "0.006");
        // 2^64 - 1 pieces at the highest price: nothing overflows.
        assert_eq!(cost("1000", u64::MAX, PriceUnit::Job), "18446744073709551615000");
    }

    #[test]
    fn what_is_charged_by_the_gigabyte_is_rounded_half_up() {
        let femtos = |bytes| price("0.000001").of(bytes, PriceUnit::Gb).femtos;
        // A byte is 10^9 / 2^30 = 0.93 units.
        assert_eq!(femtos(0), 0);
        assert_eq!(femtos(1), 1);
        assert_eq!(femtos(1 << 29), 500_000_000);
        assert_eq!(femtos(8), 7, "7.45");
        assert_eq!(femtos(7), 7, "6.52");
    }

    #[test]
    fn amounts_are_shown_for_people() {
        let shown = |femtos| Usd { femtos }.to_string();
        assert_eq!(shown(0), "$0.00");
        assert_eq!(shown(250_000_000_000_000), "$0.25");
        assert_eq!(shown(250_054_000_000_000), "$0.250054");
        assert_eq!(shown(35_000_000), "<$0.000001");
        assert_eq!(shown(1_234_567_895_000_000_000_000), "$1,234,567.90");
        assert_eq!(shown(1_234_567 * FEMTOS_PER_DOLLAR), "$1,234,567.00");
        let cents = |femtos| format!("{:.2}", Usd { femtos });
        assert_eq!(cents(250_054_000_000_000), "$0.25");
        assert_eq!(cents(255_000_000_000_000), "$0.26");
        assert_eq!(cents(1), "<$0.01");
        assert_eq!(price("1").to_string(), "$1.00");
        assert_eq!(price("0.0025").to_string(), "$0.0025");
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in
            ["", "-1", "+1", ".5", "1.", "1e3", "NaN", "inf", "0.0000000001", "1000.1", "1,0"]
        {
            assert_eq!(Price::parse(text), None, "{text}");
        }
        assert!(Price::parse("1000").is_some());
    }

    #[test]
    fn a_bad_list_names_its_field() {
        let with = |old: &str, new: &str| {
            assert!(PUBLISHED.contains(old), "{old}");
            explain(&Prices::parse(&PUBLISHED.replacen(old, new, 1), None).unwrap_err())
        };
        for (old, new, parts) in [
            ("\"0.25\"", "\"-0.25\"", &["batch_usd_per_job", "\"-0.25\"", "dollars"][..]),
            ("\"0.25\"", "\"NaN\"", &["batch_usd_per_job"]),
            ("\"0.25\"", "1e999", &["line", "out of range"]),
            ("\"0.25\"", "true", &["batch_usd_per_job", "true"]),
            ("\"0.02\"", "-0.02", &["storage_classes.GLACIER_IR.put_usd_per_thousand_requests"]),
            ("\"kms_", "\"kmz_", &["unknown field `kmz_usd_per_ten_thousand_requests`", "line"]),
            (
                "    \"checksum_usd_per_gb\": \"0.004\",\n",
                "",
                &["missing field `checksum_usd_per_gb`"],
            ),
            ("\"GLACIER_IR\"", "\"GLACIER_IS\"", &["unknown field `GLACIER_IS`"]),
            ("\"USD\"", "\"EUR\"", &["currency", "EUR", "USD"]),
            ("{", "", &["line 3"]),
        ] {
            let error = with(old, new);
            for part in parts {
                assert!(error.contains(part), "`{part}` is missing in: {error}");
            }
        }
    }

    #[test]
    fn prices_may_be_numbers() {
        let text = PUBLISHED.replacen("\"0.25\"", "0.3", 1);
        assert_eq!(Prices::parse(&text, None).unwrap().batch_usd_per_job, Some(price("0.3")));
    }

    #[test]
    fn classes_are_found_by_name() {
        for class in StorageClass::ALL {
            assert_eq!(StorageClass::from_name(class.name()), Some(class));
        }
        assert_eq!(StorageClass::from_name("EXPRESS_ONEZONE"), None);
    }
}
