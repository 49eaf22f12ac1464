//! When the axis is asked: rounds with pauses, longer ones while it does not answer.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use lienthong_contract::outlet::{Inside, Sight};
use tokio::time::{Instant, sleep};

use super::Parts;
use super::arriving::{Arrivals, Mail};
use super::reports::Asked;
use super::roll;

/// How often a call is made before it is said that the axis does not answer.
const TRIES: u32 = 3;
/// Documents in a row that nothing could be done about: then it is not theirs.
const IN_A_ROW: u32 = 3;
/// The pause behind the first of them; four times as long behind each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The pause until the first list of agencies is asked for again.
const FIRST_LIST: Duration = Duration::from_secs(60);
/// An outage that lasts is told of again so often.
const TOLD_AGAIN: Duration = Duration::from_secs(3600);
/// While the axis does not answer, pauses grow up to so many usual ones.
const LONGEST: u32 = 6;

pub async fn attend(axis: &Parts, inside: &Inside) {
    let mut rounds: Vec<BoxFuture<'_, ()>> = Vec::new();
    for account in axis.accounts() {
        for (mail, every) in
            [(Mail::Documents, axis.settings.documents_every), (Mail::Statuses, axis.settings.statuses_every)]
        {
            let what = format!("{} of {}", mail.kind(), account.id);
            let mut arrivals = Arrivals::new(axis, inside, account.id.clone(), mail);
            rounds.push(Box::pin(async move {
                let mut patience = Patience::new(inside, what, every);
                loop {
                    let round = arrivals.round().await;
                    let pause = patience.after(round, arrivals.left());
                    sleep(pause).await;
                }
            }));
        }
    }
    rounds.push(Box::pin(async {
        let mut patience = Patience::new(inside, "reports".to_owned(), axis.settings.reports_every);
        let mut asked = Asked::new(axis, inside);
        loop {
            let pause = patience.after(asked.round().await, 0);
            sleep(pause).await;
        }
    }));
    if let Some(every) = axis.settings.agencies_every {
        rounds.push(Box::pin(async move {
            let mut patience = Patience::new(inside, "agencies".to_owned(), every.min(FIRST_LIST));
            loop {
                let round = roll::round(axis, inside).await;
                // Until there is a list, it is looked for more often.
                if round == Round::Finished {
                    patience.every = every;
                }
                sleep(patience.after(round, 0)).await;
            }
        }));
    }
    join_all(rounds).await;
}

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Round {
    /// There may be more.
    More,
    Finished,
    /// It ended early.
    BrokeOff(String),
}

/// Bears single troubles with a call that may be made any number of times.
#[derive(Debug, Default)]
pub struct Bearing {
    tries: u32,
}

impl Bearing {
    /// After a try that failed: waits before the next one.
    ///
    /// # Errors
    /// It was the last try; why it failed.
    pub async fn after(&mut self, why: String) -> Result<(), String> {
        self.tries = self.tries.saturating_add(1);
        if self.tries >= TRIES {
            return Err(why);
        }
        tracing::debug!(why, "a call of the axis failed and is made again");
        sleep(FIRST_PAUSE.saturating_mul(4_u32.saturating_pow(self.tries.saturating_sub(1)))).await;
        Ok(())
    }
}

/// Troubles within a round: that of one document stops no other, and several in a row are the system's.
#[derive(Debug, Default)]
pub struct Troubles {
    in_a_row: u32,
}

impl Troubles {
    /// Takes note of how it went with a document.
    ///
    /// # Errors
    /// The last of too many troubles in a row.
    pub fn note<T>(&mut self, inside: &Inside, doc_id: &str, went: Result<T, String>) -> Result<Option<T>, String> {
        match went {
            Ok(done) => {
                self.in_a_row = 0;
                Ok(Some(done))
            }
            Err(why) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                if self.in_a_row >= IN_A_ROW {
                    return Err(why);
                }
                tracing::warn!(outlet = %inside.outlet, doc_id, why, "a document outside cannot be dealt with now; the others are");
                Ok(None)
            }
        }
    }
}

/// How long until the next round.
struct Patience<'a> {
    inside: &'a Inside,
    /// What is looked for.
    what: String,
    every: Duration,
    /// Rounds that broke off since the last that did not.
    broke_off: u32,
    /// When that was told last.
    told: Option<Instant>,
}

impl<'a> Patience<'a> {
    const fn new(inside: &'a Inside, what: String, every: Duration) -> Self {
        Self { inside, what, every, broke_off: 0, told: None }
    }

    /// After a round that left so many packets outside.
    fn after(&mut self, round: Round, aside: usize) -> Duration {
        let (outlet, what) = (&self.inside.outlet, &self.what);
        let trouble = if let Round::BrokeOff(why) = &round { Some(why.clone()) } else { None };
        self.inside.watch.looked(outlet, what, Sight { trouble, aside });
        match round {
            Round::BrokeOff(why) => {
                let now = Instant::now();
                self.broke_off = self.broke_off.saturating_add(1);
                if self.told.is_none_or(|told| now.duration_since(told) >= TOLD_AGAIN) {
                    let rounds = self.broke_off;
                    tracing::error!(%outlet, what, rounds, why, "the system outside cannot be asked; what it has stays there and is looked for again");
                    self.told = Some(now);
                }
                longer(self.every, self.broke_off)
            }
            Round::More | Round::Finished => {
                if self.broke_off > 0 {
                    tracing::info!(%outlet, what, rounds = self.broke_off, "the system outside answers again");
                }
                (self.broke_off, self.told) = (0, None);
                if round == Round::More { Duration::ZERO } else { jittered(self.every) }
            }
        }
    }
}

/// The pause after so many rounds that broke off.
fn longer(every: Duration, broke_off: u32) -> Duration {
    let doubled = 1_u32.checked_shl(broke_off.saturating_sub(1)).unwrap_or(LONGEST);
    jittered(every.saturating_mul(doubled.clamp(1, LONGEST)))
}

/// Up to a tenth longer, so that the gateways of a country do not call in one moment.
fn jittered(pause: Duration) -> Duration {
    let chance = u32::try_from(RandomState::new().build_hasher().finish() % 1000).unwrap_or_default();
    pause.saturating_add(pause.saturating_mul(chance) / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_nothing_answers_and_stay_bounded() {
        let every = Duration::from_secs(60);
        for (broke_off, least) in [(1, 1), (2, 2), (3, 4), (4, 6), (5, 6), (60, 6), (u32::MAX, 6)] {
            let pause = longer(every, broke_off);
            let least = every * least;
            assert!((least..=least + least / 10).contains(&pause), "{broke_off}: {pause:?}");
        }
    }

    #[tokio::test]
    async fn single_troubles_are_borne_and_the_last_is_told() {
        let mut bearing = Bearing::default();
        assert_eq!(bearing.after("first".to_owned()).await, Ok(()));
        assert_eq!(bearing.after("second".to_owned()).await, Ok(()));
        assert_eq!(bearing.after("third".to_owned()).await, Err("third".to_owned()));
    }
}
