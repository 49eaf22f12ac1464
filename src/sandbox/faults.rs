//! What may go wrong, how often, and which request it meets. Pure: the same seed and the same requests give the same faults.
//!
//! The draw of a request depends on the seed, its operation and its number among the requests of that operation, and on
//! nothing else: how often a client polls in between does not change what becomes of its third `sendEdoc`.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Longest delay of an answer.
pub const MOST_SLOW: Duration = Duration::from_secs(600);
/// Most outages of one plan.
pub const MOST_OUTAGES: usize = 10_000;
/// What rounding may add to a sum of percentages.
const ROUNDING: f64 = 1e-6;

/// How the sandbox misbehaves: percentages of all requests, and whole outages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Carried out, then the connection is closed without an answer.
    pub lost: f64,
    /// Carried out twice; the second answer is given.
    pub doubled: f64,
    /// Answered with HTTP 502 and a page of HTML; about half of them were carried out before.
    pub html: f64,
    /// Carried out, then answered with HTTP 200 and an object whose fields are null.
    pub nulls: f64,
    /// Carried out, then answered late.
    pub slow: f64,
    /// How late.
    pub slow_by: Duration,
    /// Requests, counted from 1 since the start, of which nothing is carried out: their connections are closed, or they
    /// get the page.
    pub outages: Vec<RangeInclusive<u64>>,
    /// Another seed, other requests that are met.
    pub seed: u64,
}

/// Faults that cannot be played.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    #[error("{name} phải từ 0 đến 100 phần trăm — must be between 0 and 100 per cent: {value}")]
    Percentage { name: &'static str, value: f64 },
    #[error("tổng các tỷ lệ lỗi vượt quá 100 phần trăm — the percentages add up to more than 100: {0}")]
    Sum(f64),
    #[error("thời gian chậm tối đa {most} giây — an answer may be late by {most} seconds at most")]
    Slow { most: u64 },
    #[error("khoảng ngừng phục vụ {from}..{to} phải tăng dần, đếm từ 1 — an outage counts from 1 and not backwards")]
    Outage { from: u64, to: u64 },
    #[error("quá nhiều khoảng ngừng phục vụ, tối đa {most} — too many outages, at most {most}")]
    Outages { most: usize },
}

/// Which request it is; both are counted from 1 since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Among all.
    pub of_all: u64,
    /// Among those of its operation.
    pub of_operation: u64,
}

/// What meets a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    Lost,
    Doubled,
    /// `done`: it was carried out before.
    Html {
        done: bool,
    },
    Nulls,
    Slow(Duration),
    /// `page`: it is answered with the page instead of a closed connection.
    Outage {
        page: bool,
    },
}

impl Faults {
    fn percentages(&self) -> [(&'static str, f64); 5] {
        [
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("html", self.html),
            ("nulls", self.nulls),
            ("slow", self.slow),
        ]
    }

    /// Whether these faults can be played.
    ///
    /// # Errors
    /// [`Unfit`], by the first that cannot.
    pub fn check(&self) -> Result<(), Unfit> {
        let percentages = self.percentages();
        if let Some((name, value)) = percentages.into_iter().find(|(_, value)| !(0.0..=100.0).contains(value)) {
            return Err(Unfit::Percentage { name, value });
        }
        let sum: f64 = percentages.iter().map(|(_, value)| value).sum();
        if sum > 100.0 + ROUNDING {
            return Err(Unfit::Sum(sum));
        }
        if self.slow_by > MOST_SLOW {
            return Err(Unfit::Slow { most: MOST_SLOW.as_secs() });
        }
        if self.outages.len() > MOST_OUTAGES {
            return Err(Unfit::Outages { most: MOST_OUTAGES });
        }
        match self.outages.iter().find(|outage| outage.is_empty() || *outage.start() == 0) {
            Some(outage) => Err(Unfit::Outage { from: *outage.start(), to: *outage.end() }),
            None => Ok(()),
        }
    }

    /// What meets this request.
    #[must_use]
    pub fn draw(&self, number: Number, operation: &str) -> Fault {
        let mut dice = Dice::of(self.seed, number.of_operation, operation);
        let (point, coin) = (dice.percent(), dice.coin());
        if self.outages.iter().any(|outage| outage.contains(&number.of_all)) {
            return Fault::Outage { page: coin };
        }
        let faults = [Fault::Lost, Fault::Doubled, Fault::Html { done: coin }, Fault::Nulls, Fault::Slow(self.slow_by)];
        let mut below = 0.0;
        for ((_, percentage), fault) in self.percentages().into_iter().zip(faults) {
            below += percentage;
            if point < below {
                return fault;
            }
        }
        Fault::None
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine for ever.
struct Dice(u64);

impl Dice {
    fn of(seed: u64, number: u64, operation: &str) -> Self {
        let mut dice = Self(seed);
        for part in operation.bytes().map(u64::from).chain([number]) {
            dice.0 ^= part;
            dice.0 = dice.next();
        }
        dice
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, and without, 100.
    fn percent(&mut self) -> f64 {
        // 32 bits fit into a float without loss.
        let high = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0) * 100.0
    }

    const fn coin(&mut self) -> bool {
        self.next() & (1 << 40) != 0
    }
}
