//! Acts on what brokers set aside: messages that the intake could not take.

use std::sync::Arc;

use lienthong_contract::Text;

use super::desk::{Actor, Desk, Done, Fault, Plan};
use super::{Act, Kind};
use crate::link::amqp::AmqpLink;
use crate::store::console::Effect;

/// The most messages of one act.
pub const MOST: u32 = 10_000;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    NO_BROKER "không có máy chủ AMQP này trong cấu hình" / "the configuration names no such broker"
    NOTHING_THERE "không có thông điệp nào để riêng" / "nothing is set aside there"
    NOT_COUNTED "chưa đếm được: chưa nối được với máy chủ AMQP" / "not counted yet: the broker is not connected"
}

impl Desk {
    fn broker(&self, name: &str) -> Result<&Arc<AmqpLink>, Text> {
        self.brokers.iter().find(|broker| broker.name() == name).ok_or(NO_BROKER)
    }

    /// What an act on this broker would do.
    pub(super) fn plan_aside(&self, act: &Act, name: &str) -> Plan {
        let lies = self.broker(name).and_then(|broker| match crate::link::Link::state(broker.as_ref()).set_aside {
            None => Err(NOT_COUNTED),
            Some(0) => Err(NOTHING_THERE),
            Some(count) => Ok(count),
        });
        let most = if let Act::LetGo { most, .. } = act { *most } else { MOST };
        match lies {
            Ok(count) => Plan {
                messages: Some(count.min(most).min(MOST)),
                // What is put back may be set aside again; what is let go of is gone.
                for_good: matches!(act, Act::LetGo { .. }),
                ..Plan::default()
            },
            Err(but) => Plan { but: Some(but), ..Plan::default() },
        }
    }

    /// Does it. It is written down before: a message that nobody answers for must not go.
    pub(super) async fn on_broker(
        &self,
        actor: &Actor,
        act: &Act,
        (name, most): (&str, u32),
        reason: &str,
    ) -> Result<Done, Fault> {
        let broker = self.broker(name).map_err(Fault::Cannot)?;
        let kind: Kind = act.kind();
        let subject = format!("{name}: {most}");
        self.record(actor, (kind, &subject), Some(reason), Vec::new(), vec![Effect::Nothing]).await?;
        let moved = match kind {
            Kind::LetGo => broker.let_go(most).await,
            _ => broker.put_back(most).await,
        };
        let moved = moved.map_err(|error| Fault::Broker(error.to_string()))?;
        Ok(Done { changed: u64::from(moved.moved), left_out: u64::from(moved.left), ..Done::default() })
    }
}
