//! The handshake, explored to its end: two and three hops, a network that loses, doubles, delays and reorders whatever
//! was ever sent, crashes, and clocks that may strike at any moment.
//!
//! How that is put: what a hop could send in any durable state it was ever in is in the network and stays there; each
//! message may be delivered at any time, again, or never. A hop's step is one transaction, so a crash is nothing but a
//! message that was not sent, or not confirmed, and comes again. A deadline may strike whenever there is custody.
//!
//! **An outlet** may stand at the end instead of a mailbox. Then the system outside is one more actor: it takes or refuses what
//! comes to it, gives the same answer however often it is asked, and its answers and reports are lost, doubled and late
//! like everything else.
//!
//! Each guard of the protocol can be taken out, and then something must go wrong: see [`without`].
//!
//! **A restored hop** is explored too, over two and three hops: at some moment a copy is made of the store of one hop, and at
//! any later one that hop goes on from the copy. What it signs then is another receipt, also where it says the same. What
//! is still promised are the properties that speak of restored hops; they need one more guard. What is not promised any
//! more stands in `docs/architecture.md`, "After a restore".

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use lienthong_contract::door::ConsignmentState as State;
use stateright::Expectation::Always;
use stateright::{Checker, HasDiscoveries, Model, Property};

use super::tests::EVENTS;
use lienthong_contract::outlet::News;

use super::{Input, Outcome, Standing, Way, in_custody, step};
use crate::receipts::Event;

/// A receipt stands for the whole chain up to it, as the digest of the one before does.
type Chain = Vec<(usize, u8)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// The next hop waits until the hop before let go.
    WaitForLetGo,
    /// Only an acceptance that counts is confirmed.
    ConfirmWhatCounts,
    /// An end is never left.
    EndsAreFinal,
    /// A consignment that is here is not taken a second time.
    KnowDuplicates,
    /// The recipient is given what is in the mailbox now, not what was.
    AnswerWhatIsHere,
    /// Whoever accepted too late is told.
    TellWithdrawn,
    /// What was here when the loss was noticed is not ended by its deadline before the neighbours have answered.
    HoldBack,
    /// An answer that did not come is not taken for one that says "taken".
    SilenceIsNotTaken,
    /// Nor for one that says "refused".
    SilenceIsNotRefused,
    /// That something may have left is on disk before it leaves.
    MarkBeforeSending,
}

const GUARDS: [Guard; 10] = [
    Guard::WaitForLetGo,
    Guard::ConfirmWhatCounts,
    Guard::EndsAreFinal,
    Guard::KnowDuplicates,
    Guard::AnswerWhatIsHere,
    Guard::TellWithdrawn,
    Guard::HoldBack,
    Guard::SilenceIsNotTaken,
    Guard::SilenceIsNotRefused,
    Guard::MarkBeforeSending,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Message {
    /// The packet, with its chain so far.
    Transfer { to: usize, chain: Chain },
    /// A receipt on its way back.
    Receipt { to: usize, chain: Chain },
    /// The acceptance of hop `to` is on disk.
    Stored { to: usize, chain: Chain },
    /// RelayFailure, told to the hop that accepted too late.
    Withdrawal { to: usize, chain: Chain },
    /// The packet, on its way out of the network.
    Leaving,
    /// What the system outside answers.
    Answer { taken: bool },
    /// What it reports later.
    Report { received: bool },
}

/// The system behind an outlet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Outside {
    /// It took the packet, or refused it.
    taken: Option<bool>,
    /// The recipient has it, or will not have it.
    received: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Hop {
    /// Nothing while the consignment has not come here.
    at: Option<Standing>,
    /// Up to its last receipt that counts.
    chain: Chain,
    /// Heard, and not (or not yet) in the chain.
    aside: BTreeSet<Chain>,
    /// Acceptances of the next hop that this hop confirms.
    confirms: BTreeSet<Chain>,
    /// Acceptances that came after this hop had given up.
    too_late: bool,
    /// It was here when this hop was restored.
    held_back: bool,
    /// An attempt to send it out was begun.
    begun: bool,
    /// As far as this hop knows, it may be outside.
    perhaps: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    hops: Vec<Hop>,
    network: BTreeSet<Message>,
    /// Every terminal receipt that any hop ever made.
    ends: BTreeSet<Chain>,
    /// How often the recipient got it.
    given: u8,
    /// Of a hop, made at some moment.
    copy: Option<(usize, Box<Hop>)>,
    /// The hop that went on from its copy.
    restored: Option<usize>,
    /// It had signed a failure that the copy does not know.
    lost_failure: bool,
    outside: Outside,
    /// A failure was signed that does not say that the document may be outside.
    surely_not_outside: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Action {
    Deliver(Message),
    /// The next hop refuses what is delivered: its rules, or the deadline that travels with it.
    Refuse(Message),
    Overdue(usize),
    Answer(bool),
    Copy(usize),
    Restore,
    /// An attempt to send it out begins.
    Begin,
    /// The attempt's answer does not come.
    Silence,
    /// The system outside hears from the recipient.
    Outside(bool),
}

struct Handshake {
    hops: usize,
    missing: Option<Guard>,
    /// A hop may be restored.
    restores: bool,
    /// The way leads out of the network; the system there reports what becomes of it, or does not.
    outlet: Option<bool>,
}

/// A receipt that is made after a restore is another one: the code of its event is so much higher.
const ANEW: u8 = 16;

fn index(event: Event) -> u8 {
    u8::try_from(EVENTS.iter().position(|known| *known == event).unwrap()).unwrap()
}

fn last(chain: &Chain) -> (usize, Event) {
    let (hop, code) = *chain.last().unwrap();
    (hop, event(code))
}

fn event(code: u8) -> Event {
    EVENTS[usize::from(code % ANEW)]
}

fn anew(chain: &Chain) -> bool {
    chain.last().unwrap().1 >= ANEW
}

/// The chain with one more receipt, made by this hop now.
fn with(chain: &Chain, hop: usize, event: Event, restored: Option<usize>) -> Chain {
    [&chain[..], &[(hop, index(event) + ANEW * u8::from(restored == Some(hop)))]].concat()
}

impl Hop {
    /// Custody has come here.
    fn has_had_custody(&self) -> bool {
        let waits = [State::Offered, State::Rejected, State::Withdrawn];
        self.at.is_some_and(|at| !waits.contains(&at.state))
    }
}

impl Handshake {
    fn has(&self, guard: Guard) -> bool {
        self.missing != Some(guard)
    }

    fn way(&self, hop: usize) -> Way {
        if hop + 1 < self.hops {
            return Way::Link;
        }
        self.outlet.map_or(Way::Mailbox, |_| Way::Outlet)
    }

    /// The event ends a consignment here.
    fn ends(&self, event: Event) -> bool {
        event.is_terminal() || event == Event::RelayToNonERDS && self.outlet == Some(false)
    }

    fn said(&self, event: Event) -> Input {
        match event {
            Event::RelayToNonERDS => Input::SaidToHaveLeft { follows: self.outlet == Some(true) },
            event => Input::Said(event),
        }
    }

    /// One input at one hop; what it attests becomes the head of its chain.
    fn apply(&self, world: &mut World, hop: usize, input: Input) -> Outcome {
        let Some(at) = world.hops[hop].at else { return Outcome::Stays };
        let outcome = step(at, input);
        if let Outcome::Moves { to, attested } = outcome {
            world.hops[hop].at = Some(Standing { state: to, ..at });
            if let Some(event) = attested {
                let chain = with(&world.hops[hop].chain, hop, event, world.restored);
                if self.ends(event) {
                    world.ends.insert(chain.clone());
                }
                let surely = input == Input::TurnedAway || !world.hops[hop].perhaps;
                world.surely_not_outside |= event == Event::RelayToNonERDSFailure && surely;
                world.hops[hop].chain = chain;
            }
        }
        outcome
    }

    fn take(&self, world: &mut World, to: usize, chain: &Chain, refuse: bool) {
        if world.hops[to].at.is_some() && self.has(Guard::KnowDuplicates) {
            return;
        }
        let event = if refuse { Event::RelayRejection } else { Event::RelayAcceptance };
        let state = if refuse { State::Rejected } else { State::Offered };
        let hop = &mut world.hops[to];
        hop.at = Some(Standing { state, way: self.way(to) });
        hop.chain = with(chain, to, event, world.restored);
        if refuse {
            world.ends.insert(hop.chain.clone());
        } else if !self.has(Guard::WaitForLetGo) {
            self.apply(world, to, Input::LetGo);
        }
    }

    /// A receipt from later hops: it counts when it follows the head; otherwise it waits beside the chain.
    fn hear(&self, world: &mut World, to: usize, chain: &Chain) {
        let (by, event) = last(chain);
        let hop = &mut world.hops[to];
        if hop.chain.starts_with(chain) || !hop.aside.insert(chain.clone()) {
            return;
        }
        let Some(at) = hop.at else { return };
        let acceptance = by == to + 1 && event == Event::RelayAcceptance;
        if acceptance && at.state == State::Failed {
            hop.too_late = true;
            if !self.has(Guard::ConfirmWhatCounts) {
                hop.confirms.insert(chain.clone());
            }
            if !self.has(Guard::EndsAreFinal) {
                hop.at = Some(Standing { state: State::Relayed, ..at });
                hop.chain.pop();
            }
        }
        while let Some(next) = Self::next_heard(&world.hops[to]) {
            let (by, event) = last(&next);
            match self.apply(world, to, self.said(event)) {
                Outcome::Moves { .. } => {
                    let hop = &mut world.hops[to];
                    if by == to + 1 && event == Event::RelayAcceptance {
                        hop.confirms.insert(next.clone());
                    }
                    hop.aside.remove(&next);
                    hop.chain = next;
                }
                Outcome::Late | Outcome::Stays => return,
            }
        }
    }

    fn next_heard(hop: &Hop) -> Option<Chain> {
        let follows = |chain: &&Chain| chain.len() == hop.chain.len() + 1 && chain.starts_with(&hop.chain);
        hop.aside.iter().find(follows).cloned()
    }

    /// The hop of the copy goes on from there. Nothing when there is no copy, or it has been used.
    fn restore(world: &mut World) -> Option<()> {
        let (hop, copy) = world.copy.clone().filter(|_| world.restored.is_none())?;
        let failed = |end: &Chain| last(end) == (hop, Event::RelayFailure);
        world.lost_failure = world.ends.iter().any(failed) && copy.at.is_none_or(|at| at.state != State::Failed);
        world.hops[hop] = Hop { held_back: copy.at.is_some(), ..*copy };
        world.restored = Some(hop);
        Some(())
    }

    /// Puts into the network all that could be sent from the state that the hops are in now.
    fn send_all(&self, world: &mut World) {
        for (number, hop) in world.hops.iter().enumerate() {
            let Some(at) = hop.at else { continue };
            if at.state == State::Queued && at.way == Way::Link {
                world.network.insert(Message::Transfer { to: number + 1, chain: hop.chain.clone() });
            }
            for chain in &hop.confirms {
                world.network.insert(Message::Stored { to: number + 1, chain: chain.clone() });
            }
            if hop.too_late && self.has(Guard::TellWithdrawn) {
                world.network.insert(Message::Withdrawal { to: number + 1, chain: hop.chain.clone() });
            }
            if number > 0 {
                let own = hop.chain.iter().position(|(by, _)| *by == number).unwrap_or(hop.chain.len());
                for len in own + 1..=hop.chain.len() {
                    world.network.insert(Message::Receipt { to: number - 1, chain: hop.chain[..len].to_vec() });
                }
            }
        }
    }
}

impl Model for Handshake {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let (at, chain, aside, confirms) = (None, Vec::new(), BTreeSet::new(), BTreeSet::new());
        let empty = Hop { at, chain, aside, confirms, too_late: false, held_back: false, begun: false, perhaps: false };
        let mut hops = vec![empty; self.hops];
        hops[0].at = Some(Standing { state: State::Queued, way: Way::Link });
        hops[0].chain = vec![(0, index(Event::SubmissionAcceptance))];
        let (network, ends) = (BTreeSet::new(), BTreeSet::new());
        let mut world = World {
            hops,
            network,
            ends,
            given: 0,
            copy: None,
            restored: None,
            lost_failure: false,
            outside: Outside::default(),
            surely_not_outside: false,
        };
        self.send_all(&mut world);
        vec![world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for message in &world.network {
            actions.push(Action::Deliver(message.clone()));
            if matches!(message, Message::Transfer { .. } | Message::Leaving) {
                actions.push(Action::Refuse(message.clone()));
            }
        }
        actions.extend((0..self.hops).map(Action::Overdue));
        actions.extend([Action::Answer(true), Action::Answer(false)]);
        if self.outlet.is_some() {
            actions.extend([Action::Begin, Action::Silence, Action::Outside(true), Action::Outside(false)]);
        }
        if self.restores {
            actions.extend((0..self.hops).map(Action::Copy));
            actions.push(Action::Restore);
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        match action {
            Action::Deliver(Message::Transfer { to, chain }) => self.take(&mut world, to, &chain, false),
            Action::Refuse(Message::Transfer { to, chain }) => self.take(&mut world, to, &chain, true),
            Action::Deliver(Message::Receipt { to, chain }) => self.hear(&mut world, to, &chain),
            Action::Deliver(Message::Stored { to, chain }) => {
                // It speaks of one receipt, which is here or not.
                if world.hops[to].chain.starts_with(&chain) {
                    self.apply(&mut world, to, Input::LetGo);
                }
            }
            Action::Deliver(Message::Withdrawal { to, chain }) => {
                if world.hops[to].chain.starts_with(&chain[..chain.len() - 1])
                    && let Outcome::Moves { .. } = self.apply(&mut world, to, Input::Withdrawn)
                {
                    world.hops[to].chain = chain;
                }
            }
            Action::Overdue(hop) if world.hops[hop].held_back && self.has(Guard::HoldBack) => return None,
            Action::Overdue(hop) => {
                self.apply(&mut world, hop, Input::Overdue);
            }
            Action::Answer(taken) => {
                let recipient = self.hops - 1;
                let was_here = world.hops[recipient].chain.iter().any(|(_, e)| *e == index(Event::ContentConsignment));
                if !self.has(Guard::AnswerWhatIsHere) && was_here {
                    world.hops[recipient].at = Some(Standing { state: State::Consigned, way: Way::Mailbox });
                }
                if let Outcome::Moves { .. } = self.apply(&mut world, recipient, Input::Answered { taken }) {
                    world.given = (world.given + u8::from(taken)).min(2);
                }
            }
            Action::Deliver(Message::Leaving) => {
                let taken = *world.outside.taken.get_or_insert(true);
                world.network.insert(Message::Answer { taken });
            }
            Action::Refuse(Message::Leaving) => {
                let taken = *world.outside.taken.get_or_insert(false);
                world.network.insert(Message::Answer { taken });
            }
            Action::Deliver(Message::Answer { taken }) => {
                let input = if taken { Input::Taken { follows: self.outlet? } } else { Input::TurnedAway };
                self.apply(&mut world, self.hops - 1, input);
            }
            Action::Deliver(Message::Report { received }) => {
                let news = if received { News::Received } else { News::Refused };
                self.apply(&mut world, self.hops - 1, Input::Reported(news));
            }
            Action::Begin => {
                let hop = &mut world.hops[self.hops - 1];
                if hop.at.is_none_or(|at| at.state != State::Queued) || hop.begun {
                    return None;
                }
                hop.begun = true;
                hop.perhaps = self.has(Guard::MarkBeforeSending);
                world.network.insert(Message::Leaving);
            }
            Action::Silence => {
                let begun = world.hops[self.hops - 1].begun;
                if begun && !self.has(Guard::SilenceIsNotTaken) {
                    self.apply(&mut world, self.hops - 1, Input::Taken { follows: self.outlet? });
                }
                if begun && !self.has(Guard::SilenceIsNotRefused) {
                    self.apply(&mut world, self.hops - 1, Input::TurnedAway);
                }
            }
            Action::Outside(received) => {
                let reports = self.outlet == Some(true) && world.outside.taken == Some(true);
                if !reports || world.outside.received.is_some() {
                    return None;
                }
                world.outside.received = Some(received);
                world.given = (world.given + u8::from(received)).min(2);
                world.network.insert(Message::Report { received });
            }
            Action::Refuse(_) => return None,
            Action::Copy(hop) => {
                if world.copy.is_some() {
                    return None;
                }
                world.copy = Some((hop, Box::new(world.hops[hop].clone())));
            }
            Action::Restore => Self::restore(&mut world)?,
        }
        self.send_all(&mut world);
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("never both handed over and ended otherwise", |_, world: &World| {
                let handed_over = world.ends.iter().any(|end| last(end).1 == Event::ContentHandover);
                !handed_over || world.ends.len() == 1 || world.restored.is_some()
            }),
            Property::always("whoever has custody makes the one end", |_, world: &World| {
                // A hop that refuses custody says so too; it never had it.
                world.ends.iter().filter(|end| last(end).1 != Event::RelayRejection).count() <= 1
                    || world.restored.is_some()
            }),
            Property::always("at most one hop has custody", |_, world: &World| {
                world.hops.iter().filter(|hop| hop.at.is_some_and(in_custody)).count() <= 1 || world.restored.is_some()
            }),
            Property::always(
                "the recipient gets it once at most, unless its own hop was restored",
                |_, world: &World| world.given <= 1 || world.restored == Some(world.hops.len() - 1),
            ),
            Property::always("no hop fails what a later one has, also after a restore", |_, world: &World| {
                world.ends.iter().filter(|end| anew(end) && last(end).1 == Event::RelayFailure).all(|failure| {
                    let later = &world.hops[last(failure).0 + 1..];
                    !later.iter().any(Hop::has_had_custody)
                })
            }),
            Property::always("hops that were not restored know one end", |_, world: &World| {
                let known = world.hops.iter().enumerate().filter(|(number, hop)| {
                    let ended = hop.at.is_some_and(|at| at.state.is_terminal());
                    // A hop that refuses custody never had it.
                    world.restored != Some(*number) && ended && last(&hop.chain) != (*number, Event::RelayRejection)
                });
                let known: BTreeSet<&Chain> = known.map(|(_, hop)| &hop.chain).collect();
                known.len() <= 1 || world.restored.is_none() || world.lost_failure
            }),
            Property::always("a chain ends once", |model: &Self, world: &World| {
                world.hops.iter().all(|hop| {
                    let ends = hop.chain.iter().filter(|(_, code)| model.ends(event(*code)));
                    ends.count() <= usize::from(hop.at.is_some_and(|at| at.state.is_terminal()))
                })
            }),
            Property::always(
                "when nothing can happen any more, all know the same end",
                |model: &Self, world: &World| {
                    if model.restores {
                        return true;
                    }
                    let mut actions = Vec::new();
                    model.actions(world, &mut actions);
                    if actions.into_iter().any(|action| model.next_state(world, action).is_some()) {
                        return true;
                    }
                    let end = last(&world.hops[0].chain);
                    model.ends(end.1)
                        && world.hops.iter().all(|hop| match hop.at {
                            // It ended before it came here.
                            None => true,
                            Some(at) if at.state == State::Rejected => true,
                            Some(at) => at.state.is_terminal() && last(&hop.chain) == end,
                        })
                },
            ),
            Property::always("what is said to be outside is there", |_, world: &World| {
                let left = |chain: &Chain| chain.iter().any(|(_, code)| event(*code) == Event::RelayToNonERDS);
                !world.hops.iter().any(|hop| left(&hop.chain)) || world.outside.taken == Some(true)
            }),
            Property::always("what failed without a doubt is not outside", |_, world: &World| {
                !world.surely_not_outside || world.outside.taken != Some(true)
            }),
            Property::always(
                "handed over outside is said on the word of the system there",
                |model: &Self, world: &World| {
                    let handed_over = world.ends.iter().any(|end| last(end).1 == Event::ContentHandover);
                    !handed_over || model.outlet.is_none() || world.outside.received == Some(true)
                },
            ),
            Property::sometimes("it leaves the network", |model: &Self, world: &World| {
                let left =
                    |hop: &Hop| hop.at.is_some_and(|at| matches!(at.state, State::Outside | State::PassedOutside));
                model.outlet.is_none() || left(&world.hops[0])
            }),
            Property::sometimes("it fails at an outlet that may have it", |model: &Self, world: &World| {
                let failed = last(&world.hops[0].chain).1 == Event::RelayToNonERDSFailure;
                model.outlet.is_none() || failed && world.outside.taken == Some(true)
            }),
            Property::sometimes("it is handed over", |model: &Self, world: &World| {
                world.given == 1 || model.outlet == Some(false)
            }),
            Property::sometimes("an acceptance comes too late", |_, world: &World| world.hops[0].too_late),
            Property::sometimes("the recipient gives it back", |model: &Self, world: &World| {
                model.outlet == Some(false) || last(&world.hops[0].chain).1 == Event::ConsignmentRejection
            }),
        ]
    }
}

fn explored(hops: usize, restores: bool, outlet: Option<bool>) -> usize {
    let checker = Handshake { hops, missing: None, restores, outlet }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.is_done(), "the whole space");
    checker.unique_state_count()
}

#[test]
fn two_three_and_four_hops_are_explored_whole() {
    let states = [2, 3, 4].map(|hops| explored(hops, false, None));
    println!("states with two, three and four hops: {states:?}");
    // A model that has lost its actions would satisfy everything.
    assert!(states[0] >= 20 && states.windows(2).all(|pair| pair[1] > 2 * pair[0]), "{states:?}");
}

#[test]
fn two_and_three_hops_of_which_one_is_restored_are_explored_whole() {
    let states = [2, 3].map(|hops| explored(hops, true, None));
    println!("states with two and three hops, one of them restored: {states:?}");
    assert!(states[0] >= 200 && states[1] > 2 * states[0], "{states:?}");
}

#[test]
fn two_and_three_hops_with_an_outlet_behind_them_are_explored_whole() {
    for follows in [false, true] {
        let states = [2, 3].map(|hops| explored(hops, false, Some(follows)));
        println!("states with two and three hops and an outlet (reports: {follows}): {states:?}");
        assert!(states[0] >= 20 && states[1] > 2 * states[0], "{states:?}");
    }
}

/// What goes wrong first when a guard is taken out.
fn without(guard: Guard) -> Vec<&'static str> {
    let restores = guard == Guard::HoldBack;
    let of_outlet = [Guard::SilenceIsNotTaken, Guard::SilenceIsNotRefused, Guard::MarkBeforeSending];
    let outlet = of_outlet.contains(&guard).then_some(true);
    let model = Handshake { hops: if restores { 3 } else { 2 }, missing: Some(guard), restores, outlet };
    let must_hold: Vec<&str> = model.properties().iter().filter(|p| p.expectation == Always).map(|p| p.name).collect();
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let mut broken: Vec<&'static str> = checker.discoveries().into_keys().collect();
    broken.retain(|name| must_hold.contains(name));
    broken.sort_unstable();
    broken
}

#[test]
fn each_guard_is_needed() {
    for guard in GUARDS {
        let broken = without(guard);
        println!("without {guard:?}: {broken:?}");
        assert!(!broken.is_empty(), "nothing goes wrong without {guard:?}: it is no guard");
    }
}
