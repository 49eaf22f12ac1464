//! Liên Thông: the gateway through which government agencies exchange signed official documents.
//!
//! ```text
//!  department ─HTTPS/mTLS─► api ─► intake ─► edxml ─► rules ─► trust ─► store
//!                                                              routing ─► delivery ─► link ══AMQP══► next hop
//!  receipts ◄──────────────────────────────────────────────────────────── link ◄══════AMQP══════
//!                                  mailbox ◄── recipient lists, fetches, acknowledges
//! ```
//!
//! Bytes come in at [`intake`] and nowhere else, whatever the door; a packet leaves at [`delivery`] or waits in a
//! [`mailbox`]; a receipt ([`receipts`]) is made wherever custody changes. [`ledger`] is how an append-only log of them
//! is hashed, proved and signed, [`logkeeper`] keeps it before witnesses, and [`bundle`] is the file that proves to outsiders
//! what became of a document; [`proof`] hands it out. [`gateway`] puts the rooms together.
//! `docs/architecture.md` tells the whole story, with the decisions and what must always hold.

pub mod acts;
pub mod alarms;
pub mod api;
pub mod bench;
pub mod books;
pub mod bundle;
pub mod canary;
pub mod certificates;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod console;
pub mod custody;
pub mod delivery;
pub mod directory;
pub mod edxml;
pub mod findings;
pub mod flows;
pub mod form;
pub mod gateway;
pub mod intake;
pub mod ledger;
pub mod life;
pub mod link;
pub mod logkeeper;
pub mod mailbox;
pub mod mend;
pub mod metrics;
pub mod news;
pub mod numbers;
pub mod pki;
pub mod preview;
pub mod proof;
pub mod receipts;
pub mod registry;
pub mod reporting;
pub mod routing;
pub mod rules;
pub mod sandbox;
pub mod scene;
pub mod secrets;
pub mod signing;
pub mod statistics;
pub mod statutory;
pub mod store;
pub mod stuck;
pub mod traces;
pub mod trust;
