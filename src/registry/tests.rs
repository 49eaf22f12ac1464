//! The list with its changes, and what accepted wishes come to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lienthong_contract::outlet::Rolled;
use lienthong_contract::{AgencyCode, Instant};

use super::catalogue::look;
use super::speaks_for;
use crate::directory::{Directory, Snapshot};
use crate::store::registry::{Action, AgencyNow, Asked, Grant, RegistryStore};
use crate::store::sqlite::SqliteStore;

fn store() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &"a".parse().unwrap()).unwrap();
    (folder, store)
}

fn agency(code: &str, name: &str) -> AgencyNow {
    AgencyNow {
        code: code.parse().unwrap(),
        old_code: None,
        name: name.to_owned(),
        parent: None,
        mail: None,
        closed: false,
    }
}

#[tokio::test]
async fn each_row_says_in_which_change_it_last_changed_and_none_is_ever_forgotten() {
    let (_folder, store) = store();
    let at = Instant::from_millis;
    let list = async |agencies: Vec<AgencyNow>, time| store.list_agencies(agencies, at(time)).await.unwrap();
    let shown = async || -> Vec<(String, bool, u32, i64)> {
        let page = store.listed(None, 10).await.unwrap();
        let row = |row: &lienthong_contract::catalogue::ListedAgency| {
            (format!("{} {}", row.code, row.name), row.closed, row.version, row.modified_at.as_millis())
        };
        page.iter().map(row).collect()
    };
    assert_eq!(list(vec![agency("H37", "a"), agency("H37.1", "b"), agency("H37.3", "c")], 1).await, 3);
    assert_eq!(list(vec![agency("H37", "a"), agency("H37.1", "b"), agency("H37.3", "c")], 2).await, 0);
    // One renamed, one new, one gone.
    let second = vec![agency("H37", "a"), agency("H37.1", "B"), agency("H37.2", "d")];
    assert_eq!(list(second.clone(), 3).await, 3);
    let expected =
        [("H37 a", false, 1, 1), ("H37.1 B", false, 2, 3), ("H37.2 d", false, 2, 3), ("H37.3 c", true, 2, 3)];
    assert_eq!(shown().await, expected.map(|(name, closed, version, time)| (name.to_owned(), closed, version, time)));
    assert_eq!(list(second, 4).await, 0, "what is gone is said once");
    // It comes back, and all others go.
    assert_eq!(list(vec![agency("H37.3", "c")], 5).await, 4);
    assert!(
        shown().await.iter().all(|(name, closed, version, _)| *version == 3 && *closed != name.starts_with("H37.3"))
    );
    let after = store.listed(Some("H37.1".parse().unwrap()), 1).await.unwrap();
    assert_eq!(after.iter().map(|row| row.code.as_str()).collect::<Vec<_>>(), ["H37.2"]);
}

#[tokio::test]
async fn a_wish_waits_once_and_is_answered_once() {
    let (_folder, store) = store();
    let wish = |code: &str, details: &str| Asked {
        system: "one".to_owned(),
        door: "vxp".to_owned(),
        address: "192.0.2.1".to_owned(),
        action: Action::Register,
        code: code.parse().unwrap(),
        details: details.to_owned(),
        asked_at: Instant::from_millis(1),
    };
    assert!(store.ask(wish("H37.1", "{}"), 2).await.unwrap());
    assert!(store.ask(wish("H37.1", "{}"), 2).await.unwrap(), "the same");
    assert!(
        store.ask(wish("H37.1", "{\"name\":\"other\"}"), 2).await.unwrap(),
        "what was said before stands beside it"
    );
    assert!(!store.ask(wish("H37.2", "{}"), 2).await.unwrap());
    assert!(store.ask(Asked { system: "two".to_owned(), ..wish("H37.2", "{}") }, 2).await.unwrap());
    let waiting = store.registrations(false).await.unwrap();
    assert_eq!(waiting.iter().map(|one| one.id).collect::<Vec<_>>(), [1, 2, 3]);
    let decide = async |id, accept| store.decide(id, accept, None, Instant::from_millis(2)).await.unwrap();
    assert!(decide(2, true).await && !decide(2, false).await && !decide(9, true).await);
    assert!(decide(1, false).await);
    let grant = Grant { system: "one".to_owned(), action: Action::Register, code: "H37.1".parse().unwrap() };
    assert_eq!(store.grants().await.unwrap(), [grant]);
    assert_eq!(store.registrations(false).await.unwrap().len(), 1);
    assert_eq!(store.registrations(true).await.unwrap()[0].state, "rejected");
    assert!(store.ask(wish("H37.1", "{}"), 2).await.unwrap(), "what was answered may be asked again");
}

#[test]
fn what_was_accepted_changes_what_the_configuration_says_in_the_order_of_the_answers() {
    let directory = "[[agency]]\ncode = 'H37.90'\nname = 'a'\nold_code = '000.00.90.H37'\n";
    let directory = Snapshot::from_toml(directory).unwrap();
    let grant =
        |system: &str, action, code: &str| Grant { system: system.to_owned(), action, code: code.parse().unwrap() };
    let configured: Vec<AgencyCode> = vec!["000.00.90.H37".parse().unwrap()];
    let after = |grants: &[Grant]| {
        let agencies = speaks_for("one", &configured, grants, &directory);
        agencies.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let (register, withdraw) = (Action::Register, Action::Withdraw);
    assert_eq!(after(&[]), "000.00.90.H37");
    assert_eq!(after(&[grant("two", register, "H37.91"), grant("one", register, "H37.90")]), "000.00.90.H37");
    let gone = grant("one", withdraw, "H37.90");
    assert_eq!(after(std::slice::from_ref(&gone)), "", "in another spelling");
    assert_eq!(after(&[grant("one", register, "H37.91"), gone.clone()]), "H37.91");
    assert_eq!(after(&[gone, grant("one", register, "H37.90")]), "H37.90");
}

#[tokio::test]
async fn the_list_of_a_system_outside_says_what_the_directory_does_not_and_is_never_lost_at_once() {
    let (folder, store) = store();
    let file = folder.path().join("agencies.toml");
    std::fs::write(&file, "[[agency]]\ncode = 'H37.90'\nold_code = '000.00.90.H37'\nname = 'ours'\n").unwrap();
    let directory = Directory::open(&file).unwrap();
    let axis = "axis".parse().unwrap();
    let at = Instant::from_millis;
    let mut seen = None;
    let mut shown = async || -> String {
        look(&store, &directory, &crate::clock::SystemClock, &mut seen).await.unwrap();
        let page = store.listed(None, 100).await.unwrap();
        let row = |row: &lienthong_contract::catalogue::ListedAgency| {
            format!("{} {}{}", row.code, row.name, if row.closed { " closed" } else { "" })
        };
        page.iter().map(row).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(shown().await, "H37.90 ours");
    let many: Vec<AgencyNow> = (10..30).map(|number| agency(&format!("G{number}"), "theirs")).collect();
    let with = |more: &[AgencyNow]| [&many[..], more].concat();
    let listed = store.list_outside(&axis, with(&[agency("H37.90", "what they call ours")]), at(1)).await.unwrap();
    assert_eq!(listed, Rolled::Kept { changed: 21 });
    let told = shown().await;
    assert!(told.starts_with("G10 theirs, ") && told.ends_with("G29 theirs, H37.90 ours"), "{told}");
    // Nothing new, one renamed and one gone, and then hardly any.
    assert_eq!(
        store.list_outside(&axis, with(&[agency("H37.90", "what they call ours")]), at(2)).await.unwrap(),
        Rolled::Kept { changed: 0 }
    );
    let fewer = [&[agency("G10", "renamed")], &many[2..]].concat();
    assert_eq!(store.list_outside(&axis, fewer, at(3)).await.unwrap(), Rolled::Kept { changed: 3 });
    assert!(shown().await.starts_with("G10 renamed, G11 theirs closed, G12 theirs, "));
    let doubtful = store.list_outside(&axis, vec![agency("G10", "renamed")], at(4)).await.unwrap();
    assert_eq!(doubtful, Rolled::Doubtful { before: 19, now: 1 });
    let lists = store.outside_lists().await.unwrap();
    assert_eq!((lists.len(), lists[0].taken_at, lists[0].in_force, lists[0].closed), (1, at(3), 19, 2));
    let versions = store.outside(&axis).await.unwrap();
    let of =
        |code: &str| versions.iter().find(|row| row.code.as_str() == code).map(|row| (row.version, row.modified_at));
    assert_eq!((of("G10"), of("G12")), (Some((2, at(3))), Some((1, at(1)))));
}
