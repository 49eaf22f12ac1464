//! The private RabbitMQ of [`lienthong::scene::broker`], for tests: what fails there ends the test here.
//!
//! `#[path = "support/rabbitmq.rs"] mod rabbitmq;`

#![allow(dead_code, unused_imports, clippy::panic)]

use std::ops::{Deref, DerefMut};
use std::path::Path;

use lienthong::scene::broker;

pub use lienthong::scene::broker::{Options, ServerTls};

/// A running broker.
#[derive(Debug)]
pub struct PrivateBroker(broker::PrivateBroker);

impl PrivateBroker {
    /// Starts a broker whose files are all below `folder` and waits until it answers.
    pub fn start(folder: &Path, options: Options) -> Self {
        Self(broker::PrivateBroker::start(folder, &options).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Starts it again on the same ports and data; kills it first when it runs.
    pub fn restart(&mut self) {
        self.0.restart().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Ends the server and its epmd.
    pub fn stop(self) {
        self.0.stop();
    }

    /// Has the broker write to disk now what it knows of new quorum queues. It does so up to half a second late, and a
    /// queue whose broker is killed before that comes back dead.
    pub fn keep_new_queues(&self) {
        self.ctl(&["eval", "[ok = dets:sync(Table) || Table <- dets:all()], ok."]);
    }

    /// Has the broker forget the name of a quorum queue's Raft member: killed now, the queue comes back dead.
    pub fn forget_queue(&self, vhost: &str, queue: &str) {
        let member = format!("'{}_{queue}'", vhost.replace('/', "%2F"));
        let forget = format!(
            "Id = ra_directory:uid_of(quorum_queues, {member}), true = is_binary(Id), \
             ra_directory:unregister_name(quorum_queues, Id)."
        );
        self.ctl(&["eval", &forget]);
        self.keep_new_queues();
    }

    /// Runs `rabbitmqctl` against this broker and gives its output.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        self.0.ctl(arguments).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Deref for PrivateBroker {
    type Target = broker::PrivateBroker;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for PrivateBroker {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
