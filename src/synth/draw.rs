//! Drawing lots: shares, weighted values, numbers and digits from a generator.
//!
//! Never knows what is drawn for.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Shares are drawn with the 53 bits that a float holds exactly, so that 0 is never and 1 always.
const SHARE_BITS: u32 = 53;

/// A source of lots, the same on every machine.
pub(super) struct DrawSource(Xoshiro256PlusPlus);

impl DrawSource {
    /// The lots of one purpose of one file: no two of them share a sequence, and none depends on
    /// what was drawn elsewhere.
    pub(super) fn new(seed: u64, file: u64, purpose: u64) -> Self {
        let mut state = [0; 32];
        let parts = [seed, file, purpose, 0x5333_5349_4556_4521];
        for (bytes, part) in state.chunks_exact_mut(8).zip(parts) {
            bytes.copy_from_slice(&part.to_le_bytes());
        }
        let mut lots = Xoshiro256PlusPlus::from_seed(state);
        // Such a state has few bits set, and its first numbers show it. Two hundred steps mix it.
        for _ in 0..200 {
            lots.next_u64();
        }
        Self(lots)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below a bound; the bound must not be 0. The bias is at most bound / 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.number()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// Yes with the probability of the share.
    pub(super) fn hit(&mut self, share: Probability) -> bool {
        self.number() >> (64 - SHARE_BITS) < share.0
    }

    /// One of several; `all` must not be empty.
    pub(super) fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len() as u64) as usize]
    }
}

/// A probability.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probability(u64);

impl Probability {
    /// `None` if the number is not within 0 and 1.
    pub(super) fn new(share: f64) -> Option<Self> {
        let scaled = share * (1_u64 << SHARE_BITS) as f64;
        (0.0..=1.0).contains(&share).then_some(Self(scaled as u64))
    }
}

/// Values with weights, quoted as CSV fields.
#[derive(Debug)]
pub(super) struct WeightedChoice {
    /// Never empty; the bounds rise, and the last is 1.
    values: Vec<(Probability, Vec<u8>)>,
}

impl WeightedChoice {
    /// `None` if there is no value, a weight is negative or no number, or all are 0.
    pub(super) fn new<T: AsRef<str>>(weighted: &[(T, f64)]) -> Option<Self> {
        let sum: f64 = weighted.iter().map(|(_, weight)| weight).sum();
        let usable = weighted.iter().all(|(_, weight)| *weight >= 0.0);
        if !usable || !sum.is_finite() || sum <= 0.0 {
            return None;
        }
        let mut reached = 0.0;
        let mut values = Vec::new();
        for (value, weight) in weighted {
            reached += weight;
            if *weight > 0.0 {
                let bound = Probability::new((reached / sum).min(1.0))?;
                values.push((bound, quoted(value.as_ref().as_bytes())));
            }
        }
        // Rounding must not leave a gap at the end.
        values.last_mut()?.0 = Probability::new(1.0)?;
        Some(Self { values })
    }

    /// One of the values, quoted.
    pub(super) fn draw(&self, lots: &mut DrawSource) -> &[u8] {
        let drawn = lots.number() >> (64 - SHARE_BITS);
        let place = self.values.partition_point(|(bound, _)| bound.0 <= drawn);
        &self.values[place].1
    }
}

/// A CSV field in quotes; quotes inside are doubled.
pub(super) fn quoted(value: &[u8]) -> Vec<u8> {
    let mut field = vec![b'"'];
    for &byte in value {
        if byte == b'"' {
            field.push(b'"');
        }
        field.push(byte);
    }
    field.push(b'"');
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_depend_on_seed_file_and_purpose() {
        let first = |seed, file, purpose| DrawSource::new(seed, file, purpose).number();
        let all = [first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1), first(1, 1, 0)];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // Fixed for all time: reports of one seed are the same in every version.
        assert_eq!(first(1, 2, 3), FIRST_OF_1_2_3);
    }

    const FIRST_OF_1_2_3: u64 = 1_807_928_118_332_331_797;

    #[test]
    fn shares_of_nothing_and_everything_are_exact() {
        let mut lots = DrawSource::new(1, 0, 0);
        let (never, always) = (Probability::new(0.0).unwrap(), Probability::new(1.0).unwrap());
        for _ in 0..10_000 {
            assert!(!lots.hit(never) && lots.hit(always));
            assert!(lots.below(7) < 7);
        }
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Probability::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn values_come_as_often_as_their_weight() {
        let choice =
            WeightedChoice::new(&[("none", 0.0), ("rare", 1.0), ("of\"ten", 3.0)]).unwrap();
        let mut lots = DrawSource::new(1, 0, 0);
        let count = 100_000;
        let mut rare = 0;
        for _ in 0..count {
            match choice.draw(&mut lots) {
                b"\"rare\"" => rare += 1,
                b"\"of\"\"ten\"" => {}
                other => panic!("{other:?}"),
            }
        }
        assert!((24_000..26_000).contains(&rare), "{rare}");
    }

    #[test]
    fn weights_that_make_no_choice_are_refused() {
        for bad in [vec![], vec![("a", 0.0)], vec![("a", -1.0), ("b", 2.0)], vec![("a", f64::NAN)]]
        {
            assert!(WeightedChoice::new(&bad).is_none(), "{bad:?}");
        }
    }
}
