//! Queues of ours that came back dead: how one is told from a slow one, and made anew.
//!
//! What was seen, with RabbitMQ 3.10.8. The broker writes the name of a *new* quorum queue to disk up to half a second
//! late. Killed before that, it comes back with a Raft member that has an empty log and elects nobody: declaring the
//! queue succeeds and tells no messages, attaching a consumer hangs until the broker ends the connection with
//! INTERNAL_ERROR after 65 s, publishes to it are never confirmed, and waiting mends nothing. `queue.delete` takes 5 s
//! and succeeds, ends the connections of those who still wait for a confirm, and the queue declared again works at
//! once. (3.10 refuses `if-empty` and `if-unused` for quorum queues.)
//!
//! Invariants
//! * Only this hop's own queues of packets and receipts are ever deleted: a peer's are the peer's business, dead
//!   letters are for a person, and the queues of frames are classic ones, which have no such fault.
//! * A queue is deleted only when attaching to it, and to nothing else, was met with silence in `renew_after`
//!   consecutive generations of connections, while the broker answered everything else, the queues of frames on the
//!   same connections among it, and said that the queue has no message and no consumer. That is what it says of every
//!   queue without a leader, full or empty: it keeps a queue at work from being deleted, not one that holds messages.
//! * In a cluster a queue that lost its majority looks the same, and would be made anew on the nodes that are left; the
//!   configuration can forbid it.
//!
//! Failure story: a wrong guess costs time and no document. Custody of what was in the queue is with the neighbours
//! until our signed receipt is stored there, or until we confirmed theirs; they send again. What was set aside for a
//! person and waits in the queue for its place among the dead letters goes with it; its sender has it still.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lapin::Connection;
use lapin::types::ShortString;

use super::config::Broker;
use super::supervise::Shared;
use super::topology;
use crate::link::{Error, findings};

/// The least deadline of a deletion: the broker first asks the dead queue for 5 s.
const DELETE_AT_LEAST: Duration = Duration::from_secs(15);

/// Queues that are silent, and in how many consecutive generations they were.
#[derive(Debug, Default)]
pub(super) struct Suspects(Mutex<HashMap<ShortString, u32>>);

impl Suspects {
    /// Takes in what one generation found; gives the queues that have been silent often enough.
    fn found(&self, silent: &[ShortString], renew_after: u32) -> Vec<ShortString> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|queue, _| silent.contains(queue));
        let mut due = Vec::new();
        for queue in silent {
            let times = all.entry(queue.clone()).or_default();
            *times = times.saturating_add(1);
            if renew_after > 0 && *times >= renew_after {
                due.push(queue.clone());
            }
        }
        due
    }

    /// Nothing is suspected any more: the last generation had all its consumers, or failed for another reason.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn cleared(&self, queue: &ShortString) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(queue);
    }
}

/// Deals with queues to which no consumer could be attached in time, when that was all that went wrong.
///
/// # Errors
/// When the broker does not answer other things either: then nothing is known about the queues.
pub(super) async fn silence(shared: &Shared, connection: &Connection, silent: &[ShortString]) -> Result<(), Error> {
    let (broker, suspects) = (&shared.broker, &shared.suspects);
    let dead = match looks_dead(broker, connection, silent).await {
        Ok(dead) => dead,
        Err(error) => {
            suspects.clear();
            return Err(error);
        }
    };
    let due = suspects.found(&dead, broker.limits.renew_after);
    futures_util::future::join_all(due.iter().map(|queue| renew(shared, connection, queue))).await;
    Ok(())
}

async fn renew(shared: &Shared, connection: &Connection, queue: &ShortString) {
    let (broker, deadline) = (&shared.broker, shared.broker.limits.rpc().max(DELETE_AT_LEAST));
    match topology::renew(broker, connection, queue, deadline).await {
        Ok(()) => {
            shared.suspects.cleared(queue);
            shared.renewed();
            let (kind, queue) = (&findings::QUEUE_RENEWED, queue.as_str());
            tracing::error!(code = kind.code, broker = broker.name, queue, "{}", kind.title.en);
        }
        // Still due: the next generation that meets its silence tries again.
        Err(error) => {
            let (code, queue) = (error.kind().code, queue.as_str());
            tracing::error!(code, broker = broker.name, queue, %error, "a dead queue could not be made anew");
        }
    }
}

/// Those of them that the broker says have neither message nor consumer; none when one is silent that never may be made
/// anew.
async fn looks_dead(
    broker: &Broker,
    connection: &Connection,
    silent: &[ShortString],
) -> Result<Vec<ShortString>, Error> {
    let renewable = topology::renewable(&broker.me);
    if !silent.iter().all(|queue| renewable.contains(queue)) {
        // A silent queue of frames says that the broker is slow, and so may the others be.
        return Ok(Vec::new());
    }
    let mut dead = Vec::with_capacity(silent.len());
    for queue in silent {
        let (messages, consumers) = topology::census(broker, connection, queue).await?;
        if messages > 0 || consumers > 0 {
            let queue = queue.as_str();
            tracing::warn!(broker = broker.name, queue, messages, consumers, "a silent queue is in use and left alone");
        } else {
            dead.push(queue.clone());
        }
    }
    Ok(dead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_without_interruption_makes_a_queue_due() {
        let suspects = Suspects::default();
        let [a, b] = ["packets.a", "receipts.a"].map(ShortString::from);
        let both = [a.clone(), b.clone()];
        let none: [ShortString; 0] = [];
        assert_eq!(suspects.found(&both, 3), none);
        assert_eq!(suspects.found(std::slice::from_ref(&a), 3), none);
        assert_eq!(suspects.found(&both, 3), std::slice::from_ref(&a), "the other one answered in between");
        assert_eq!(suspects.found(&both, 3), std::slice::from_ref(&a), "due until it is renewed");
        suspects.cleared(&a);
        assert_eq!(suspects.found(&both, 3), [b]);
        suspects.clear();
        assert_eq!((suspects.found(&both, 3), suspects.found(&both, 3)), (vec![], vec![]));
        let never = Suspects::default();
        assert!((0..9).all(|_| never.found(&both, 0).is_empty()));
    }
}
