//! Each door as it is made of its settings and of the rooms that it opens to.

use std::num::NonZeroU32;
use std::sync::Arc;

use lienthong_door_kit::Limits;

use super::Rooms;
use crate::config;
use crate::gateway::systems::KnownSystems;
use crate::registry::{Told, Wishes};

pub fn vxp(rooms: &Rooms, systems: &Arc<KnownSystems>, paths: Vec<String>, limits: Limits) -> lienthong_vxp::Door {
    let store = Arc::clone(&systems.store);
    let wishes = Wishes { store: Arc::clone(&store), clock: Arc::clone(&rooms.clock), door: lienthong_vxp::DOOR };
    lienthong_vxp::Door::new(lienthong_vxp::Doors {
        intake: Arc::clone(&rooms.intake),
        exchange: Arc::clone(&rooms.exchange),
        systems: Arc::clone(systems) as _,
        catalogue: Arc::new(Told(store)),
        registrations: Arc::new(wishes),
        clock: Arc::clone(&rooms.clock),
        paths,
        limits,
    })
}

pub fn lgsp(
    rooms: &Rooms,
    systems: &Arc<KnownSystems>,
    paths: Vec<String>,
    limits: Limits,
) -> Option<lienthong_lgsp::Door> {
    lienthong_lgsp::Door::new(lienthong_lgsp::Doors {
        intake: Arc::clone(&rooms.intake),
        exchange: Arc::clone(&rooms.exchange),
        reporting: Arc::clone(&rooms.reporting),
        systems: Arc::clone(systems) as _,
        catalogue: Arc::new(Told(Arc::clone(&systems.store))),
        clock: Arc::clone(&rooms.clock),
        paths,
        limits,
    })
}

pub fn bkav(rooms: &Rooms, systems: &Arc<KnownSystems>, paths: Vec<String>, limits: Limits) -> lienthong_bkav::Door {
    lienthong_bkav::Door::new(lienthong_bkav::Doors {
        intake: Arc::clone(&rooms.intake),
        exchange: Arc::clone(&rooms.exchange),
        numbers: Arc::clone(&rooms.numbers),
        systems: Arc::clone(systems) as _,
        catalogue: Arc::new(Told(Arc::clone(&systems.store))),
        paths,
        limits,
    })
}

pub fn xroad(
    rooms: &Rooms,
    systems: &Arc<KnownSystems>,
    door: &config::Xroad,
    limits: Limits,
) -> lienthong_xroad::Provider {
    lienthong_xroad::Provider::new(lienthong_xroad::Doors {
        entrance: Arc::clone(&rooms.entrance),
        outlet: door.outlet.clone(),
        systems: Arc::clone(systems) as _,
        system: door.system.clone(),
        paths: door.paths.clone(),
        limits,
    })
}

pub fn limits(settings: &config::Facade) -> Limits {
    let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Limits {
        max_packet_bytes: settings.max_packet_mib << 20,
        requests_per_second: at_least_one(settings.requests_per_second),
        request_burst: at_least_one(settings.request_burst),
        requests_at_once: settings.requests_at_once.max(1),
        ..Limits::default()
    }
}
