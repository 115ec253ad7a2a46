//! What a set of jobs costs: its lines, from the number of objects to an amount of dollars.
//!
//! A line has a least and a greatest cost. They differ where a report can't tell what counts: which
//! storage class, whether a KMS key is asked for. Nothing is guessed in between.
//!
//! Never knows plans or reports: it is told a few numbers ([`CostInputs`]).

use std::collections::BTreeMap;

use serde::Serialize;

use super::price::{ClassPrices, Price, PriceUnit, Prices, Tier, Usd};
use super::{CopyClass, StorageClass};
use crate::diagnostic::parameter::PRICES;

/// Calls to KMS for an object that is read with one key and written with another: a decryption and
/// a new data key. A bucket key makes most of them unnecessary; how many, only the bill tells.
pub(super) const KMS_CALLS_COPY: u64 = 2;

/// Calls to KMS for an object that is only read.
pub(super) const KMS_CALLS_READ: u64 = 1;

/// What an object takes in an archive besides its own bytes: 32 KiB for its index there, and 8 KiB
/// in `STANDARD` for its name and metadata (S3 User Guide, "Understanding S3 Glacier storage
/// classes").
const ARCHIVE_INDEX_BYTES: u64 = 32 << 10;
const ARCHIVE_NAME_BYTES: u64 = 8 << 10;

/// What is known of the objects of one storage class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClassFacts {
    /// How many.
    pub objects: u64,
    /// Their sizes.
    pub sizes: Option<SizeFacts>,
}

/// Sizes of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SizeFacts {
    /// Added up.
    pub bytes: u64,
    /// Objects smaller than [`StorageClass::bytes_min`] of the classes that have such a bound.
    pub objects_small: u64,
    /// Their sizes, added up.
    pub bytes_small: u64,
}

/// What is known of the objects and jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CostInputs {
    /// How many jobs.
    pub jobs: u64,
    /// The objects of each storage class; `None` for those whose class is not known.
    pub classes: BTreeMap<Option<StorageClass>, ClassFacts>,
    /// Whether the bucket is known to keep versions.
    pub is_versioned: bool,
    /// Why classes and sizes are not known, where they are not.
    pub untold: UnknownSizes,
}

/// Why the storage classes and sizes of objects are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum UnknownSizes {
    /// The report lacks columns, or sizes were counted of too many rows.
    #[default]
    Columns,
    /// Nothing is counted by class and size where a number of rows is asked for.
    Limit,
    /// Nor of rows that are tried again.
    Retry,
}

impl UnknownSizes {
    /// Where sizes would be known.
    const fn sizes(self) -> &'static str {
        match self {
            Self::Columns => {
                "They are, where the report has the column Size and no row is excluded as \
                 no-current-version."
            }
            Self::Limit => "A plan with LIMIT does not add them up.",
            Self::Retry => "A plan of `retry` does not add them up.",
        }
    }

    /// Where storage classes would be known.
    #[must_use]
    pub(crate) const fn classes(self) -> &'static str {
        match self {
            Self::Columns => "They are known where the report has the column StorageClass.",
            Self::Limit => "A plan with LIMIT does not count them.",
            Self::Retry => "A plan of `retry` does not count them.",
        }
    }
}

impl CostInputs {
    /// All objects.
    #[must_use]
    pub(crate) fn objects_total(&self) -> u64 {
        self.classes.values().fold(0, |sum, class| sum.saturating_add(class.objects))
    }

    /// The sizes of all objects, added up; none where those of some are not known.
    #[must_use]
    pub(crate) fn bytes_total(&self) -> Option<u64> {
        let bytes = |class: &ClassFacts| Some(class.sizes?.bytes);
        self.classes.values().try_fold(0_u64, |sum, class| Some(sum.saturating_add(bytes(class)?)))
    }

    /// The classes that an object may be of, where its class is this.
    fn candidates(class: Option<StorageClass>) -> Vec<StorageClass> {
        class.map_or_else(|| StorageClass::ALL.to_vec(), |class| vec![class])
    }
}

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Charge {
    /// Batch Operations, by jobs.
    Jobs,
    /// Batch Operations, by objects.
    Objects,
    /// The operation's own requests.
    Requests,
    /// Requests that read the objects.
    Reads,
    /// Bytes that are read from a class that charges for it, or brought back from an archive.
    Retrieval,
    /// Bytes that a checksum is computed of.
    Checksum,
    /// Requests to AWS KMS.
    Kms,
    /// Storage of copies while the old versions are kept, every month.
    Storage,
}

impl Charge {
    /// For people.
    #[must_use]
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Objects => "objects",
            Self::Requests => "requests",
            Self::Reads => "reads of the sources",
            Self::Retrieval => "retrieval",
            Self::Checksum => "checksums",
            Self::Kms => "KMS requests",
            Self::Storage => "storage of copies, a month",
        }
    }
}

/// A line of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EstimateLine {
    /// What it is for.
    pub charge: Charge,
    /// Of which storage class, where a line stands for one.
    pub class: Option<StorageClass>,
    /// How many pieces, as [`PriceUnit::piece`] names them.
    pub quantity: u64,
    /// What the prices are for.
    pub per: PriceUnit,
    /// The least that may be asked.
    pub price_min: Price,
    /// The most that may be asked.
    pub price_max: Price,
}

impl EstimateLine {
    /// A line with one of these prices; none where one of them is not known.
    fn between(
        charge: Charge,
        quantity: u64,
        per: PriceUnit,
        prices: &[Option<Price>],
    ) -> Option<Self> {
        let prices: Vec<Price> = prices.iter().copied().collect::<Option<_>>()?;
        let (price_min, price_max) = (*prices.iter().min()?, *prices.iter().max()?);
        Some(Self { charge, class: None, quantity, per, price_min, price_max })
    }

    const fn with_class(self, class: Option<StorageClass>) -> Self {
        Self { class, ..self }
    }

    /// The same line, but it may turn out to cost nothing.
    const fn at_most(self) -> Self {
        Self { price_min: Price::ZERO, ..self }
    }

    /// The least cost.
    #[must_use]
    pub(crate) fn min(&self) -> Usd {
        self.price_min.of(self.quantity, self.per)
    }

    /// The greatest cost.
    #[must_use]
    pub(crate) fn max(&self) -> Usd {
        self.price_max.of(self.quantity, self.per)
    }
}

/// What an operation costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// The operation's name.
    pub operation: &'static str,
    /// The retrieval tier of a restore: `standard` or `bulk`.
    pub tier: Option<&'static str>,
    /// What is paid once.
    pub once: Vec<EstimateLine>,
    /// What is paid every month.
    pub monthly: Vec<EstimateLine>,
    /// What is charged as well, but not known here; a note says why.
    pub charges_omitted: Vec<Charge>,
    /// What the lines assume, and what they leave out.
    pub notes: Vec<String>,
}

/// The least and the greatest of a sum of lines.
#[must_use]
pub(crate) fn total(lines: &[EstimateLine]) -> (Usd, Usd) {
    (lines.iter().map(EstimateLine::min).sum(), lines.iter().map(EstimateLine::max).sum())
}

/// What the costs of an operation are estimated from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CostBasis<'a> {
    /// The operation's name.
    pub operation: &'static str,
    /// The objects and jobs.
    pub inputs: &'a CostInputs,
    /// The class of copies.
    pub copy_class: CopyClass,
    /// The prices.
    pub prices: &'a Prices,
}

/// Of an operation that costs a PUT-like request for each object.
pub(super) fn put_requests(basis: CostBasis<'_>) -> Vec<Estimate> {
    let mut builder = EstimateBuilder::new(basis);
    builder.puts();
    vec![builder.finish()]
}

/// The price of `jobs` jobs in Batch Operations itself, if known.
#[must_use]
pub(crate) fn job_fees(jobs: u64, prices: &Prices) -> Option<Usd> {
    Some(prices.batch_usd_per_job?.of(jobs, PriceUnit::Job))
}

/// The price of an inventory report of this many rows, if known.
#[must_use]
pub(crate) fn inventory(rows: u64, prices: &Prices) -> Option<Usd> {
    Some(prices.inventory_usd_per_million_objects?.of(rows, PriceUnit::MillionObjects))
}

/// The price of a manifest that AWS makes of a bucket of this many objects, if known.
#[must_use]
pub(crate) fn generated_manifest(source_objects: u64, prices: &Prices) -> Option<Usd> {
    let price = prices.generated_manifest_usd_per_million_source_objects?;
    Some(price.of(source_objects, PriceUnit::MillionObjects))
}

/// An estimate being put together.
pub(super) struct EstimateBuilder<'a> {
    inputs: &'a CostInputs,
    copy_class: CopyClass,
    prices: &'a Prices,
    estimate: Estimate,
}

impl<'a> EstimateBuilder<'a> {
    /// What Batch Operations itself asks.
    pub(super) fn new(basis: CostBasis<'a>) -> Self {
        let CostBasis { operation, inputs, copy_class, prices } = basis;
        let (once, monthly) = (Vec::new(), Vec::new());
        let (charges_omitted, notes) = (Vec::new(), Vec::new());
        let estimate = Estimate { operation, tier: None, once, monthly, charges_omitted, notes };
        let mut builder = Self { inputs, copy_class, prices, estimate };
        let jobs = (inputs.jobs, PriceUnit::Job);
        builder.once(Charge::Jobs, None, jobs, &[prices.batch_usd_per_job]);
        let objects = (inputs.objects_total(), PriceUnit::MillionObjects);
        builder.once(Charge::Objects, None, objects, &[prices.batch_usd_per_million_objects]);
        builder
    }

    /// The same, for a retrieval tier.
    pub(super) fn with_tier(mut self, tier: &'static str) -> Self {
        self.estimate.tier = Some(tier);
        self
    }

    pub(super) fn finish(self) -> Estimate {
        self.estimate
    }

    /// A request for each object, at one price for all classes.
    pub(super) fn requests(&mut self, price: Option<Price>) {
        let requests = (self.inputs.objects_total(), PriceUnit::ThousandRequests);
        self.once(Charge::Requests, None, requests, &[price]);
    }

    /// A request for each copy, at the price of the class of the copies.
    pub(super) fn copies(&mut self) {
        let CopyClass::Of(class) = self.copy_class else {
            self.puts();
            return;
        };
        let price = self.prices.class(class).put_usd_per_thousand_requests;
        let requests = (self.inputs.objects_total(), PriceUnit::ThousandRequests);
        self.once(Charge::Requests, Some(class), requests, &[price]);
    }

    /// Requests and bytes of restores from the classes that are archived.
    pub(super) fn restores(&mut self, tier: Tier) {
        let prices = self.prices;
        for (class, inputs) in &self.inputs.classes {
            let candidates = CostInputs::candidates(*class);
            let restores = candidates.iter().filter_map(|class| prices.restore(*class, tier));
            // Nothing is restored of the other classes.
            let requests: Vec<_> =
                restores.clone().map(|restore| restore.usd_per_thousand_requests).collect();
            let bytes: Vec<_> = restores.map(|restore| restore.usd_per_gb).collect();
            if requests.is_empty() {
                continue;
            }
            let quantity = (inputs.objects, PriceUnit::ThousandRequests);
            self.once(Charge::Requests, *class, quantity, &requests);
            self.by_bytes(Charge::Retrieval, *class, inputs, &bytes);
        }
    }

    /// The bytes of all objects, at one price for all classes.
    pub(super) fn bytes(&mut self, charge: Charge, price: Option<Price>) {
        let sizes =
            self.inputs.bytes_total().map(|bytes| SizeFacts { bytes, ..Default::default() });
        let all = ClassFacts { objects: self.inputs.objects_total(), sizes };
        self.by_bytes(charge, None, &all, &[price]);
    }

    /// Adds a line, or says that its price is not known.
    fn once(
        &mut self,
        charge: Charge,
        class: Option<StorageClass>,
        (quantity, per): (u64, PriceUnit),
        prices: &[Option<Price>],
    ) {
        match EstimateLine::between(charge, quantity, per, prices) {
            Some(line) => self.estimate.once.push(line.with_class(class)),
            None if quantity == 0 => {}
            None => self.price_unknown(charge),
        }
    }

    /// As above, for what may turn out to cost nothing. Whether there is a line.
    fn once_at_most(
        &mut self,
        charge: Charge,
        class: Option<StorageClass>,
        quantity: (u64, PriceUnit),
        prices: &[Option<Price>],
    ) -> bool {
        let before = self.estimate.once.len();
        self.once(charge, class, quantity, prices);
        self.estimate.once[before..].iter_mut().for_each(|line| *line = line.at_most());
        self.estimate.once.len() > before
    }

    pub(super) fn note(&mut self, text: &str) {
        if !self.estimate.notes.iter().any(|note| note == text) {
            self.estimate.notes.push(text.to_owned());
        }
    }

    pub(super) fn leave_out(&mut self, charge: Charge) {
        if !self.estimate.charges_omitted.contains(&charge) {
            self.estimate.charges_omitted.push(charge);
        }
    }

    fn price_unknown(&mut self, charge: Charge) {
        self.leave_out(charge);
        let (what, region) = (charge.text(), &self.prices.region);
        let text = format!(
            "Left out: {what}. Their price is not known for {region}; {PRICES} FILE takes a list \
             that has it."
        );
        self.note(&text);
    }

    /// A PUT-like request for each object, at the price of its class.
    pub(super) fn puts(&mut self) {
        for (class, inputs) in &self.inputs.classes {
            let prices = self.candidate_prices(*class, |class| class.put_usd_per_thousand_requests);
            let requests = (inputs.objects, PriceUnit::ThousandRequests);
            self.once(Charge::Requests, *class, requests, &prices);
        }
    }

    /// As above, where the requests may turn out to be free.
    pub(super) fn puts_at_most(&mut self) {
        let before = self.estimate.once.len();
        self.puts();
        self.estimate.once[before..].iter_mut().for_each(|line| *line = line.at_most());
    }

    /// A price of each of the classes that an object may be of, where its class is this.
    fn candidate_prices(
        &self,
        class: Option<StorageClass>,
        price: impl Fn(&ClassPrices) -> Option<Price>,
    ) -> Vec<Option<Price>> {
        let candidates = CostInputs::candidates(class);
        candidates.into_iter().map(|class| price(self.prices.class(class))).collect()
    }

    /// Reading each object at its class, as part of another operation.
    pub(super) fn reads(&mut self) {
        let mut is_counted = false;
        for (class, inputs) in &self.inputs.classes {
            let prices = self.candidate_prices(*class, |class| class.get_usd_per_thousand_requests);
            let requests = (inputs.objects, PriceUnit::ThousandRequests);
            is_counted |= self.once_at_most(Charge::Reads, *class, requests, &prices);
            let prices = self.candidate_prices(*class, |class| class.retrieval_usd_per_gb);
            if prices.iter().any(|price| *price != Some(Price::ZERO)) {
                self.by_bytes(Charge::Retrieval, *class, inputs, &prices);
            }
        }
        if is_counted {
            self.note(
                "Reads are counted at most: AWS's text on the charges of a copy names the request \
                 at the destination and the retrieval, and no request at the source.",
            );
        }
    }

    pub(super) fn kms(&mut self, calls: u64) {
        let requests = self.inputs.objects_total().saturating_mul(calls);
        let price = self.prices.kms_usd_per_ten_thousand_requests;
        let quantity = (requests, PriceUnit::TenThousandRequests);
        if !self.once_at_most(Charge::Kms, None, quantity, &[price]) {
            return;
        }
        let calls =
            if calls == KMS_CALLS_READ { "a decryption" } else { "a decryption and a data key" };
        self.note(&format!(
            "KMS requests are counted at most: {calls} for each object. Bucket keys make them \
             fewer, and objects that are not encrypted with KMS need none."
        ));
    }

    /// A line by the bytes of objects, with one of these prices; a note where they are unknown.
    fn by_bytes(
        &mut self,
        charge: Charge,
        class: Option<StorageClass>,
        inputs: &ClassFacts,
        prices: &[Option<Price>],
    ) {
        let Some(sizes) = inputs.sizes else {
            self.leave_out(charge);
            self.note(&format!(
                "Left out: {} ({} {}), for the sizes of the objects are not known. {}",
                charge.text(),
                price_range(prices),
                PriceUnit::Gb.text(),
                self.inputs.untold.sizes(),
            ));
            return;
        };
        self.once(charge, class, (sizes.bytes, PriceUnit::Gb), prices);
    }

    /// What the copies cost a month, as long as the versions that they replace are kept.
    pub(super) fn storage(&mut self) {
        let class = self.copy_class;
        let versioned = if self.inputs.is_versioned {
            "The bucket keeps versions: each"
        } else {
            "Where the bucket keeps versions, each"
        };
        let storage = format!(
            "{versioned} copy is a new version, and the old one is stored and paid as well until a \
             lifecycle rule expires it."
        );
        let target = |source: Option<StorageClass>| match class {
            CopyClass::Keep => source,
            CopyClass::Of(class) => Some(class),
        };
        let mut copies: BTreeMap<Option<StorageClass>, Vec<&ClassFacts>> = BTreeMap::new();
        for (source, inputs) in &self.inputs.classes {
            copies.entry(target(*source)).or_default().push(inputs);
        }
        for (class, parts) in copies {
            let prices = self.candidate_prices(class, |class| class.storage_usd_per_gb_month);
            let sizes: Option<Vec<SizeFacts>> = parts.iter().map(|part| part.sizes).collect();
            let Some(sizes) = sizes else {
                self.leave_out(Charge::Storage);
                self.note(&format!(
                    "{storage} That is {} {} more; the sizes of the objects are not known.",
                    price_range(&prices),
                    PriceUnit::GbMonth.text(),
                ));
                return;
            };
            let objects = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.objects));
            self.stored(class, objects, &sizes, &prices);
        }
        self.note(&storage);
    }

    /// What copies in a class cost a month.
    fn stored(
        &mut self,
        class: Option<StorageClass>,
        objects: u64,
        sizes: &[SizeFacts],
        prices: &[Option<Price>],
    ) {
        let add = |sum: u64, bytes: u64| sum.saturating_add(bytes);
        let charged = class.map_or(0, StorageClass::bytes_min);
        let billed = |sizes: &SizeFacts| match charged {
            0 => sizes.bytes,
            // Small objects are charged as if they had that size.
            least => sizes
                .bytes
                .saturating_sub(sizes.bytes_small)
                .saturating_add(sizes.objects_small.saturating_mul(least)),
        };
        let mut bytes = sizes.iter().map(billed).fold(0, add);
        if class.is_some_and(StorageClass::is_archive) {
            bytes = add(bytes, objects.saturating_mul(ARCHIVE_INDEX_BYTES));
            let names = objects.saturating_mul(ARCHIVE_NAME_BYTES);
            let price = self.prices.class(StorageClass::Standard).storage_usd_per_gb_month;
            self.monthly(Some(StorageClass::Standard), names, &[price]);
        }
        self.monthly(class, bytes, prices);
    }

    fn monthly(&mut self, class: Option<StorageClass>, bytes: u64, prices: &[Option<Price>]) {
        let line = EstimateLine::between(Charge::Storage, bytes, PriceUnit::GbMonth, prices);
        let Some(line) = line.map(|line| line.with_class(class)) else {
            self.price_unknown(Charge::Storage);
            return;
        };
        self.estimate.monthly.push(if self.inputs.is_versioned { line } else { line.at_most() });
    }

    /// Classes that charge for a number of days, of what is replaced and of what is made.
    pub(super) fn minimum_durations(&mut self) {
        let days = |class: StorageClass| format!("{} days in {}", class.days_min(), class.name());
        let charged = |class: &StorageClass| class.days_min() > 0;
        let known = self.inputs.classes.keys().copied().flatten().filter(charged);
        let old: Vec<String> = known.map(days).collect();
        if !old.is_empty() {
            self.note(&format!(
                "An object that is replaced or expires early is charged for the rest of its \
                 minimum: {}.",
                old.join(", ")
            ));
        }
        if let CopyClass::Of(class) = self.copy_class
            && charged(&class)
        {
            self.note(&format!("Copies are charged for at least {}.", days(class)));
        }
    }
}

/// `$0.01`, or `$0.01 to $0.03`.
fn price_range(prices: &[Option<Price>]) -> String {
    let Some(prices) = prices.iter().copied().collect::<Option<Vec<Price>>>() else {
        return "a price that is not known".to_owned();
    };
    let (min, max) = (prices.iter().min(), prices.iter().max());
    let (min, max) = (min.unwrap_or(&Price::ZERO), max.unwrap_or(&Price::ZERO));
    if min == max { max.to_string() } else { format!("{min} to {max}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::operation::OperationKind;

    fn inputs(jobs: u64, class: Option<StorageClass>, objects: u64) -> CostInputs {
        let inputs = ClassFacts { objects, sizes: None };
        let classes = BTreeMap::from([(class, inputs)]);
        CostInputs { jobs, classes, is_versioned: true, untold: UnknownSizes::default() }
    }

    /// The same, with sizes.
    fn sized(mut inputs: CostInputs, sizes: SizeFacts) -> CostInputs {
        inputs.classes.values_mut().for_each(|class| class.sizes = Some(sizes));
        inputs
    }

    fn bytes(bytes: u64) -> SizeFacts {
        SizeFacts { bytes, ..SizeFacts::default() }
    }

    fn prices() -> Prices {
        Prices::published("us-east-1").unwrap()
    }

    fn keep(kind: OperationKind, inputs: &CostInputs) -> Estimate {
        kind.estimate(inputs, CopyClass::Keep, &prices()).remove(0)
    }

    fn text(usd: Usd) -> String {
        serde_json::to_value(usd).unwrap().as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn costs(estimate: &Estimate, min: &str, max: &str) {
        let (least, most) = total(&estimate.once);
        assert_eq!((text(least).as_str(), text(most).as_str()), (min, max), "{estimate:#?}");
    }

    const STANDARD: Option<StorageClass> = Some(StorageClass::Standard);

    #[test]
    fn a_hundred_million_objects_cost_what_a_pencil_says() {
        let inputs = inputs(1, STANDARD, 100_000_000);
        costs(&keep(OperationKind::UpdateEncryption, &inputs), "600.25", "1200.25");
        costs(&keep(OperationKind::Copy, &inputs), "600.25", "1240.25");
        costs(&keep(OperationKind::Tag, &inputs), "600.25", "600.25");
        costs(&keep(OperationKind::DeleteTags, &inputs), "100.25", "600.25");
        costs(&keep(OperationKind::Lambda, &inputs), "100.25", "100.25");
        costs(&keep(OperationKind::Checksum, &inputs), "100.25", "400.25");
    }

    #[test]
    fn update_encryption_costs_the_same_in_every_class() {
        for class in StorageClass::ALL {
            let inputs = inputs(1, Some(class), 1_000_000);
            costs(&keep(OperationKind::UpdateEncryption, &inputs), "6.25", "12.25");
        }
    }

    #[test]
    fn a_copy_is_paid_at_its_own_class() {
        let inputs = inputs(1, STANDARD, 1_000_000);
        let class = CopyClass::Of(StorageClass::DeepArchive);
        let estimates = OperationKind::Copy.estimate(&inputs, class, &prices());
        costs(&estimates[0], "51.25", "57.65");
        assert!(estimates[0].notes.iter().any(|note| note.contains("180 days in DEEP_ARCHIVE")));
    }

    #[test]
    fn an_unknown_class_gives_a_range() {
        let estimate = keep(OperationKind::Tag, &inputs(1, None, 1_000_000));
        costs(&estimate, "6.25", "51.25");
    }

    #[test]
    fn bytes_cost_by_the_gigabyte() {
        let mut inputs = sized(inputs(1, Some(StorageClass::GlacierIr), 1_000), bytes(10 << 30));
        let estimate = keep(OperationKind::Copy, &inputs);
        let cost = |charge| estimate.once.iter().find(|line| line.charge == charge).unwrap().max();
        assert_eq!(text(cost(Charge::Retrieval)), "0.3");
        assert_eq!(text(total(&estimate.monthly).0), "0.04");
        assert!(estimate.notes.iter().any(|note| note.contains("90 days in GLACIER_IR")));
        inputs.is_versioned = false;
        let estimate = keep(OperationKind::Copy, &inputs);
        assert_eq!(text(total(&estimate.monthly).0), "0");
        assert_eq!(text(total(&estimate.monthly).1), "0.04");
        let checksum = keep(OperationKind::Checksum, &inputs);
        costs(&checksum, "0.291", "0.294");
    }

    #[test]
    fn each_class_is_paid_at_its_own_price() {
        let of = |objects, bytes| ClassFacts { objects, sizes: Some(self::bytes(bytes)) };
        let classes = BTreeMap::from([
            (STANDARD, of(1_000_000, 1 << 40)),
            (Some(StorageClass::StandardIa), of(1_000_000, 1 << 40)),
            (Some(StorageClass::GlacierIr), of(1_000_000, 1 << 40)),
        ]);
        let inputs =
            CostInputs { jobs: 1, classes, is_versioned: true, untold: UnknownSizes::default() };
        // 3 million objects at a dollar; PUTs at 5, 10 and 20 dollars a million.
        costs(&keep(OperationKind::Tag, &inputs), "38.25", "38.25");
        let copy = keep(OperationKind::Copy, &inputs);
        let retrieval: Vec<_> = copy
            .once
            .iter()
            .filter(|line| line.charge == Charge::Retrieval)
            .map(|line| (line.class.unwrap().name(), text(line.min()), text(line.max())))
            .collect();
        assert_eq!(
            retrieval,
            [
                ("STANDARD_IA", "10.24".to_owned(), "10.24".to_owned()),
                ("GLACIER_IR", "30.72".to_owned(), "30.72".to_owned()),
            ]
        );
        assert!(copy.charges_omitted.is_empty());
        // 1,024 GB at $0.023, $0.0125 and $0.004.
        assert_eq!(text(total(&copy.monthly).0), "40.448");
    }

    #[test]
    fn copies_are_charged_for_more_than_their_bytes() {
        let sizes = SizeFacts { bytes: 1 << 30, objects_small: 8_192, bytes_small: 0 };
        let inputs = sized(inputs(1, STANDARD, 8_193), sizes);
        let monthly = |class| {
            let copy =
                OperationKind::Copy.estimate(&inputs, CopyClass::Of(class), &prices()).remove(0);
            let line = |line: &EstimateLine| (line.class.unwrap().name(), line.quantity);
            copy.monthly.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(monthly(StorageClass::Standard), [("STANDARD", 1 << 30)]);
        assert_eq!(monthly(StorageClass::StandardIa), [("STANDARD_IA", 2 << 30)]);
        assert_eq!(
            monthly(StorageClass::DeepArchive),
            [("STANDARD", 8_193 * 8_192), ("DEEP_ARCHIVE", (1 << 30) + 8_193 * 32_768),]
        );
    }

    #[test]
    fn a_price_that_is_not_known_is_left_out_and_told() {
        let nowhere = Prices { region: "eu-nowhere-1".to_owned(), ..Prices::default() };
        for kind in OperationKind::ALL {
            let inputs = sized(inputs(1, STANDARD, 5), bytes(9));
            for estimate in kind.estimate(&inputs, CopyClass::Keep, &nowhere) {
                assert!(estimate.once.is_empty() && estimate.monthly.is_empty(), "{kind:?}");
                assert!(estimate.charges_omitted.contains(&Charge::Jobs), "{kind:?}");
                let notes = estimate.notes.join(" ");
                assert!(notes.contains("not known for eu-nowhere-1"));
                assert!(!notes.contains("counted at most"), "{kind:?}: {notes}");
            }
        }
        let frankfurt = Prices::published("eu-central-1").unwrap();
        let tag = OperationKind::Tag.estimate(
            &inputs(1, STANDARD, 1_000_000),
            CopyClass::Keep,
            &frankfurt,
        );
        costs(&tag[0], "6.65", "6.65");
        let checksum =
            OperationKind::Checksum.estimate(&inputs(1, STANDARD, 1), CopyClass::Keep, &frankfurt);
        assert_eq!(checksum[0].charges_omitted, [Charge::Checksum, Charge::Kms]);
    }

    #[test]
    fn a_restore_has_two_tiers() {
        let inputs = sized(inputs(1, Some(StorageClass::DeepArchive), 1_000_000), bytes(1 << 40));
        let tiers = OperationKind::Restore.estimate(&inputs, CopyClass::Keep, &prices());
        costs(&tiers[0], "121.73", "121.73");
        costs(&tiers[1], "28.81", "28.81");
        assert_eq!((tiers[0].tier, tiers[1].tier), (Some("standard"), Some("bulk")));
    }

    #[test]
    fn what_is_left_out_is_told() {
        for kind in [
            OperationKind::Copy,
            OperationKind::Checksum,
            OperationKind::Restore,
            OperationKind::Replicate,
            OperationKind::Lambda,
        ] {
            let notes = keep(kind, &inputs(1, None, 1)).notes.join("\n");
            assert!(notes.contains("Left out") || notes.contains("left out"), "{kind:?}: {notes}");
        }
        let copy = keep(OperationKind::Copy, &inputs(1, None, 1));
        assert_eq!(copy.charges_omitted, [Charge::Retrieval, Charge::Storage]);
        let copy = keep(OperationKind::Copy, &inputs(1, STANDARD, 1));
        assert_eq!(copy.charges_omitted, [Charge::Storage]);
        let lambda = keep(OperationKind::Lambda, &inputs(1, STANDARD, 1));
        assert_eq!(lambda.charges_omitted, [Charge::Requests]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut inputs = inputs(u64::MAX, None, u64::MAX);
        inputs.classes.insert(STANDARD, ClassFacts { objects: u64::MAX, sizes: None });
        let sizes = SizeFacts { bytes: u64::MAX, objects_small: u64::MAX, bytes_small: 0 };
        let inputs = sized(inputs, sizes);
        for kind in OperationKind::ALL {
            let (min, max) = total(&keep(kind, &inputs).once);
            assert!(min <= max);
        }
    }

    fn kinds() -> impl Strategy<Value = OperationKind> {
        proptest::sample::select(OperationKind::ALL.to_vec())
    }

    fn classes() -> impl Strategy<Value = Option<StorageClass>> {
        proptest::option::of(proptest::sample::select(StorageClass::ALL.to_vec()))
    }

    proptest! {
        /// Two plans cost what one of both does, to the last digit.
        #[test]
        fn costs_add_up(
            kind in kinds(), class in classes(),
            a in (0..100_000u64, 0..1u64 << 40), b in (0..100_000u64, 0..1u64 << 40),
        ) {
            let cost = |(jobs, objects)| total(&keep(kind, &inputs(jobs, class, objects)).once);
            let (both, a, b) = (cost((a.0 + b.0, a.1 + b.1)), cost(a), cost(b));
            prop_assert_eq!(both, (a.0 + b.0, a.1 + b.1));
        }

        /// More never costs less, and the least is never above the most.
        #[test]
        fn more_never_costs_less(
            kind in kinds(), class in classes(), jobs in 0..1_000u64, objects in 0..1u64 << 40,
            bytes in 0..1u64 << 60, more in (0..10u64, 0..1_000u64, 0..1u64 << 40),
        ) {
            let cost = |jobs, objects, bytes| {
                let estimate = keep(kind, &sized(inputs(jobs, class, objects), self::bytes(bytes)));
                (total(&estimate.once), total(&estimate.monthly))
            };
            let (once, monthly) = cost(jobs, objects, bytes);
            let (once_more, monthly_more) =
                cost(jobs + more.0, objects + more.1, bytes + more.2);
            prop_assert!(once.0 <= once.1 && monthly.0 <= monthly.1);
            prop_assert!(once.0 <= once_more.0 && once.1 <= once_more.1);
            prop_assert!(monthly.0 <= monthly_more.0 && monthly.1 <= monthly_more.1);
        }
    }
}
