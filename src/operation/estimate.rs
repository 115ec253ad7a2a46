//! What a set of jobs costs: its lines, from the number of objects to an amount of dollars.
//!
//! A line has a least and a greatest cost. They differ where a report can't tell what counts: which
//! storage class, whether a KMS key is asked for. Nothing is guessed in between.
//!
//! Never knows plans or reports: it is told a few numbers ([`Facts`]).

use std::collections::BTreeMap;

use serde::Serialize;

use super::price::{Per, Price, Prices, Tier, Usd};
use super::{CopyClass, Kind, StorageClass};

/// Calls to KMS for an object that is read with one key and written with another: a decryption and
/// a new data key. A bucket key makes most of them unnecessary; how many, only the bill tells.
const KMS_CALLS_COPY: u64 = 2;

/// Calls to KMS for an object that is only read.
const KMS_CALLS_READ: u64 = 1;

/// What is known of the objects and jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How many jobs.
    pub jobs: u64,
    /// How many objects are of each storage class; `None` for those whose class is not known.
    pub objects: BTreeMap<Option<StorageClass>, u64>,
    /// The sizes of all objects, added up.
    pub object_bytes: Option<u64>,
    /// Whether the bucket is known to keep versions.
    pub is_versioned: bool,
}

impl Facts {
    /// All objects.
    #[must_use]
    pub fn objects_total(&self) -> u64 {
        self.objects.values().fold(0, |sum, objects| sum.saturating_add(*objects))
    }

    /// The classes that an object may be of, where its class is this.
    fn candidates(class: Option<StorageClass>) -> Vec<StorageClass> {
        class.map_or_else(|| StorageClass::ALL.to_vec(), |class| vec![class])
    }

    /// The classes that any of the objects may be of.
    fn all_candidates(&self) -> Vec<StorageClass> {
        self.objects.keys().flat_map(|class| Self::candidates(*class)).collect()
    }
}

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charge {
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
    pub const fn text(self) -> &'static str {
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
pub struct Line {
    /// What it is for.
    pub charge: Charge,
    /// Of which storage class, where a line stands for one.
    pub class: Option<StorageClass>,
    /// How many pieces, as [`Per::piece`] names them.
    pub quantity: u64,
    /// What the prices are for.
    pub per: Per,
    /// The least that may be asked.
    pub price_min: Price,
    /// The most that may be asked.
    pub price_max: Price,
}

impl Line {
    /// A line whose price is known.
    const fn new(charge: Charge, quantity: u64, per: Per, price: Price) -> Self {
        Self { charge, class: None, quantity, per, price_min: price, price_max: price }
    }

    /// A line with one of these prices. Without any, the price is nothing.
    fn between(
        charge: Charge,
        quantity: u64,
        per: Per,
        prices: impl Iterator<Item = Price> + Clone,
    ) -> Self {
        Self {
            charge,
            class: None,
            quantity,
            per,
            price_min: prices.clone().min().unwrap_or(Price::ZERO),
            price_max: prices.max().unwrap_or(Price::ZERO),
        }
    }

    const fn of_class(self, class: Option<StorageClass>) -> Self {
        Self { class, ..self }
    }

    /// The same line, but it may turn out to cost nothing.
    const fn at_most(self) -> Self {
        Self { price_min: Price::ZERO, ..self }
    }

    /// The least cost.
    #[must_use]
    pub fn min(&self) -> Usd {
        self.price_min.of(self.quantity, self.per)
    }

    /// The greatest cost.
    #[must_use]
    pub fn max(&self) -> Usd {
        self.price_max.of(self.quantity, self.per)
    }
}

/// What an operation costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The operation.
    pub kind: Kind,
    /// Which way of it, where there are several.
    pub way: Option<&'static str>,
    /// What is paid once.
    pub once: Vec<Line>,
    /// What is paid every month.
    pub monthly: Vec<Line>,
    /// What is charged as well, but not known here; a note says why.
    pub left_out: Vec<Charge>,
    /// What the lines assume, and what they leave out.
    pub notes: Vec<String>,
}

/// The least and the greatest of a sum of lines.
#[must_use]
pub fn total(lines: &[Line]) -> (Usd, Usd) {
    (lines.iter().map(Line::min).sum(), lines.iter().map(Line::max).sum())
}

/// What an operation on all objects costs: one estimate, or one for each way of doing it.
#[must_use]
pub fn estimate(kind: Kind, facts: &Facts, class: CopyClass, prices: &Prices) -> Vec<Estimate> {
    let new = |way| Draft::new(kind, way, facts, prices);
    match kind {
        Kind::UpdateEncryption => vec![new(None).update_encryption()],
        Kind::Copy => vec![new(None).copy(class)],
        Kind::DeleteTags => vec![new(None).delete_tags()],
        Kind::Tag | Kind::Acl | Kind::LegalHold | Kind::Retention => vec![new(None).put()],
        Kind::Restore => vec![
            new(Some("standard")).restore(Tier::Standard),
            new(Some("bulk")).restore(Tier::Bulk),
        ],
        Kind::Replicate => vec![new(None).replicate()],
        Kind::Checksum => vec![new(None).checksum()],
        Kind::Lambda => vec![new(None).lambda()],
    }
}

/// What Batch Operations itself asks for so many jobs.
#[must_use]
pub fn job_fees(jobs: u64, prices: &Prices) -> Usd {
    prices.batch_usd_per_job.of(jobs, Per::Job)
}

/// What an inventory report of so many rows costs.
#[must_use]
pub fn inventory(rows: u64, prices: &Prices) -> Usd {
    prices.inventory_usd_per_million_objects.of(rows, Per::MillionObjects)
}

/// What a manifest that AWS makes of a bucket of so many objects costs.
#[must_use]
pub fn generated_manifest(source_objects: u64, prices: &Prices) -> Usd {
    prices.generated_manifest_usd_per_million_source_objects.of(source_objects, Per::MillionObjects)
}

/// An estimate being put together.
struct Draft<'a> {
    facts: &'a Facts,
    prices: &'a Prices,
    estimate: Estimate,
}

impl<'a> Draft<'a> {
    /// What Batch Operations itself asks.
    fn new(kind: Kind, way: Option<&'static str>, facts: &'a Facts, prices: &'a Prices) -> Self {
        let jobs = Line::new(Charge::Jobs, facts.jobs, Per::Job, prices.batch_usd_per_job);
        let objects = Line::new(
            Charge::Objects,
            facts.objects_total(),
            Per::MillionObjects,
            prices.batch_usd_per_million_objects,
        );
        let estimate = Estimate {
            kind,
            way,
            once: vec![jobs, objects],
            monthly: Vec::new(),
            left_out: Vec::new(),
            notes: Vec::new(),
        };
        Self { facts, prices, estimate }
    }

    fn update_encryption(mut self) -> Estimate {
        let price = self.prices.update_encryption_usd_per_thousand_requests;
        let objects = self.facts.objects_total();
        self.once(Line::new(Charge::Requests, objects, Per::ThousandRequests, price));
        self.kms(KMS_CALLS_COPY);
        self.estimate
    }

    fn copy(mut self, class: CopyClass) -> Estimate {
        match class {
            CopyClass::Keep => self.puts(false),
            CopyClass::Of(class) => {
                let price = self.prices.class(class).put_usd_per_thousand_requests;
                let objects = self.facts.objects_total();
                let line = Line::new(Charge::Requests, objects, Per::ThousandRequests, price);
                self.once(line.of_class(Some(class)));
            }
        }
        self.reads();
        self.kms(KMS_CALLS_COPY);
        self.storage(class);
        self.minimum_durations(class);
        self.estimate
    }

    fn put(mut self) -> Estimate {
        self.puts(false);
        self.estimate
    }

    fn delete_tags(mut self) -> Estimate {
        self.puts(true);
        self.note(
            "Requests that delete are free; whether those that delete tags are, the price list \
             does not say. They are counted as PUT requests at most.",
        );
        self.estimate
    }

    fn restore(mut self, tier: Tier) -> Estimate {
        for (class, objects) in &self.facts.objects {
            let candidates = Facts::candidates(*class);
            let restores = candidates.iter().filter_map(|c| self.prices.restore(*c, tier));
            let prices = restores.map(|restore| restore.usd_per_thousand_requests);
            let line = Line::between(Charge::Requests, *objects, Per::ThousandRequests, prices);
            self.estimate.once.push(line.of_class(*class));
        }
        let candidates = self.facts.all_candidates();
        let restores = candidates.iter().filter_map(|class| self.prices.restore(*class, tier));
        let prices: Vec<Price> = restores.map(|restore| restore.usd_per_gb).collect();
        self.by_bytes(Charge::Retrieval, prices.into_iter());
        self.estimate.left_out.push(Charge::Storage);
        self.note(
            "While a restored copy is kept, its bytes are stored a second time, at the price of \
             STANDARD: left out, for it depends on the days that the request asks for.",
        );
        self.estimate
    }

    fn replicate(mut self) -> Estimate {
        self.puts(false);
        self.reads();
        self.kms(KMS_CALLS_COPY);
        self.estimate.left_out.push(Charge::Storage);
        self.note(
            "Left out: transfer between Regions and the storage of the replicas. Requests are at \
             the price of the objects' own class; the replication rule may set another.",
        );
        self.estimate
    }

    fn checksum(mut self) -> Estimate {
        let price = self.prices.checksum_usd_per_gb;
        self.by_bytes(Charge::Checksum, std::iter::once(price));
        self.kms(KMS_CALLS_READ);
        self.estimate
    }

    fn lambda(mut self) -> Estimate {
        self.estimate.left_out.push(Charge::Requests);
        self.note(
            "AWS Lambda bills the function's calls, time and memory, and S3 the requests that it \
             makes: left out.",
        );
        self.estimate
    }

    fn once(&mut self, line: Line) {
        self.estimate.once.push(line);
    }

    fn note(&mut self, text: &str) {
        self.estimate.notes.push(text.to_owned());
    }

    /// A PUT-like request for each object, at the price of its class.
    fn puts(&mut self, may_be_free: bool) {
        for (class, objects) in &self.facts.objects {
            let candidates = Facts::candidates(*class);
            let prices = candidates
                .iter()
                .map(|class| self.prices.class(*class).put_usd_per_thousand_requests);
            let line = Line::between(Charge::Requests, *objects, Per::ThousandRequests, prices)
                .of_class(*class);
            self.once(if may_be_free { line.at_most() } else { line });
        }
    }

    /// Reading each object at its class, as part of another operation.
    fn reads(&mut self) {
        for (class, objects) in &self.facts.objects {
            let candidates = Facts::candidates(*class);
            let prices = candidates
                .iter()
                .map(|class| self.prices.class(*class).get_usd_per_thousand_requests);
            let line = Line::between(Charge::Reads, *objects, Per::ThousandRequests, prices);
            self.once(line.of_class(*class).at_most());
        }
        let candidates = self.facts.all_candidates();
        let prices: Vec<Price> =
            candidates.iter().map(|class| self.prices.class(*class).retrieval_usd_per_gb).collect();
        if prices.iter().any(|price| *price > Price::ZERO) {
            self.by_bytes(Charge::Retrieval, prices.into_iter());
        }
        self.note(
            "Reads are counted at most: AWS's text on the charges of a copy names the request at \
             the destination and the retrieval, and no request at the source.",
        );
    }

    fn kms(&mut self, calls: u64) {
        let quantity = self.facts.objects_total().saturating_mul(calls);
        let price = self.prices.kms_usd_per_ten_thousand_requests;
        self.once(Line::new(Charge::Kms, quantity, Per::TenThousandRequests, price).at_most());
        let calls =
            if calls == KMS_CALLS_READ { "a decryption" } else { "a decryption and a data key" };
        self.estimate.notes.push(format!(
            "KMS requests are counted at most: {calls} for each object. Bucket keys make them \
             fewer, and objects that are not encrypted with KMS need none."
        ));
    }

    /// A line by the bytes of all objects, with one of these prices; a note where they are unknown.
    fn by_bytes(&mut self, charge: Charge, prices: impl Iterator<Item = Price> + Clone) {
        if let Some(bytes) = self.facts.object_bytes {
            self.once(Line::between(charge, bytes, Per::Gb, prices));
            return;
        }
        self.estimate.left_out.push(charge);
        self.estimate.notes.push(format!(
            "Left out: {} ({} {}), for the sizes of the objects are not known. They are, where \
             the report has the column Size and no row is set aside as no-current-version.",
            charge.text(),
            price_range(prices),
            Per::Gb.text(),
        ));
    }

    /// What the copies cost a month, as long as the versions that they replace are kept.
    fn storage(&mut self, class: CopyClass) {
        let classes = match class {
            CopyClass::Keep => self.facts.all_candidates(),
            CopyClass::Of(class) => vec![class],
        };
        let prices = classes.iter().map(|class| self.prices.class(*class).storage_usd_per_gb_month);
        let versioned = if self.facts.is_versioned {
            "The bucket keeps versions: each"
        } else {
            "Where the bucket keeps versions, each"
        };
        let storage = format!(
            "{versioned} copy is a new version, and the old one is stored and paid as well until a \
             lifecycle rule expires it."
        );
        let Some(bytes) = self.facts.object_bytes else {
            self.estimate.left_out.push(Charge::Storage);
            self.estimate.notes.push(format!(
                "{storage} That is {} {} more; the sizes of the objects are not known.",
                price_range(prices),
                Per::GbMonth.text(),
            ));
            return;
        };
        let line = Line::between(Charge::Storage, bytes, Per::GbMonth, prices);
        self.estimate.monthly.push(if self.facts.is_versioned { line } else { line.at_most() });
        self.note(&storage);
    }

    /// Classes that charge for a number of days, of what is replaced and of what is made.
    fn minimum_durations(&mut self, class: CopyClass) {
        let days = |class: StorageClass| format!("{} days in {}", class.days_min(), class.name());
        let charged = |class: &StorageClass| class.days_min() > 0;
        let known = self.facts.objects.keys().copied().flatten().filter(charged);
        let old: Vec<String> = known.map(days).collect();
        if !old.is_empty() {
            self.estimate.notes.push(format!(
                "An object that is replaced or expires early is charged for the rest of its \
                 minimum: {}.",
                old.join(", ")
            ));
        }
        if let CopyClass::Of(class) = class
            && charged(&class)
        {
            self.estimate.notes.push(format!("Copies are charged for at least {}.", days(class)));
        }
    }
}

/// `$0.01`, or `$0.01 to $0.03`.
fn price_range(prices: impl Iterator<Item = Price> + Clone) -> String {
    let (min, max) = (prices.clone().min(), prices.max());
    let (min, max) = (min.unwrap_or(Price::ZERO), max.unwrap_or(Price::ZERO));
    if min == max { max.to_string() } else { format!("{min} to {max}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(jobs: u64, class: Option<StorageClass>, objects: u64) -> Facts {
        Facts {
            jobs,
            objects: BTreeMap::from([(class, objects)]),
            object_bytes: None,
            is_versioned: true,
        }
    }

    fn prices() -> Prices {
        Prices::published().unwrap()
    }

    fn keep(kind: Kind, facts: &Facts) -> Estimate {
        estimate(kind, facts, CopyClass::Keep, &prices()).remove(0)
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
        let facts = facts(1, STANDARD, 100_000_000);
        costs(&keep(Kind::UpdateEncryption, &facts), "600.25", "1200.25");
        costs(&keep(Kind::Copy, &facts), "600.25", "1240.25");
        costs(&keep(Kind::Tag, &facts), "600.25", "600.25");
        costs(&keep(Kind::DeleteTags, &facts), "100.25", "600.25");
        costs(&keep(Kind::Lambda, &facts), "100.25", "100.25");
        costs(&keep(Kind::Checksum, &facts), "100.25", "400.25");
    }

    #[test]
    fn update_encryption_costs_the_same_in_every_class() {
        for class in StorageClass::ALL {
            let facts = facts(1, Some(class), 1_000_000);
            costs(&keep(Kind::UpdateEncryption, &facts), "6.25", "12.25");
        }
    }

    #[test]
    fn a_copy_is_paid_at_its_own_class() {
        let facts = facts(1, STANDARD, 1_000_000);
        let class = CopyClass::Of(StorageClass::DeepArchive);
        let estimates = estimate(Kind::Copy, &facts, class, &prices());
        costs(&estimates[0], "51.25", "57.65");
        assert!(estimates[0].notes.iter().any(|note| note.contains("180 days in DEEP_ARCHIVE")));
    }

    #[test]
    fn an_unknown_class_gives_a_range() {
        let estimate = keep(Kind::Tag, &facts(1, None, 1_000_000));
        costs(&estimate, "6.25", "51.25");
    }

    #[test]
    fn bytes_cost_by_the_gigabyte() {
        let mut facts = facts(1, Some(StorageClass::GlacierIr), 1_000);
        facts.object_bytes = Some(10 << 30);
        let estimate = keep(Kind::Copy, &facts);
        let cost = |charge| estimate.once.iter().find(|line| line.charge == charge).unwrap().max();
        assert_eq!(text(cost(Charge::Retrieval)), "0.3");
        assert_eq!(text(total(&estimate.monthly).0), "0.04");
        assert!(estimate.notes.iter().any(|note| note.contains("90 days in GLACIER_IR")));
        facts.is_versioned = false;
        let estimate = keep(Kind::Copy, &facts);
        assert_eq!(text(total(&estimate.monthly).0), "0");
        assert_eq!(text(total(&estimate.monthly).1), "0.04");
        let checksum = keep(Kind::Checksum, &facts);
        costs(&checksum, "0.291", "0.294");
    }

    #[test]
    fn a_restore_has_two_ways() {
        let mut facts = facts(1, Some(StorageClass::DeepArchive), 1_000_000);
        facts.object_bytes = Some(1 << 40);
        let ways = estimate(Kind::Restore, &facts, CopyClass::Keep, &prices());
        costs(&ways[0], "121.73", "121.73");
        costs(&ways[1], "28.81", "28.81");
        assert_eq!((ways[0].way, ways[1].way), (Some("standard"), Some("bulk")));
    }

    #[test]
    fn what_is_left_out_is_told() {
        for kind in [Kind::Copy, Kind::Checksum, Kind::Restore, Kind::Replicate, Kind::Lambda] {
            let notes = keep(kind, &facts(1, None, 1)).notes.join("\n");
            assert!(notes.contains("Left out") || notes.contains("left out"), "{kind:?}: {notes}");
        }
        let copy = keep(Kind::Copy, &facts(1, None, 1));
        assert_eq!(copy.left_out, [Charge::Retrieval, Charge::Storage]);
        let copy = keep(Kind::Copy, &facts(1, STANDARD, 1));
        assert_eq!(copy.left_out, [Charge::Storage]);
        let lambda = keep(Kind::Lambda, &facts(1, STANDARD, 1));
        assert_eq!(lambda.left_out, [Charge::Requests]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut facts = facts(u64::MAX, None, u64::MAX);
        facts.objects.insert(STANDARD, u64::MAX);
        facts.object_bytes = Some(u64::MAX);
        for kind in Kind::ALL {
            let (min, max) = total(&keep(kind, &facts).once);
            assert!(min <= max);
        }
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        proptest::sample::select(Kind::ALL.to_vec())
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
            let cost = |(jobs, objects)| total(&keep(kind, &facts(jobs, class, objects)).once);
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
                let facts = Facts { object_bytes: Some(bytes), ..facts(jobs, class, objects) };
                let estimate = keep(kind, &facts);
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
