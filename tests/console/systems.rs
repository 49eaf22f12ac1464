//! Secrets of systems: a new one beside the one in use, and the old one taken back; by two administrators.

use std::path::Path;
use std::time::{Duration, SystemTime};

use lienthong::clock::SystemClock;
use lienthong::config::System;
use lienthong::secrets;
use lienthong::store::console::Role;
use lienthong_contract::Clock;

use crate::town::{Ahead, Town, Visitor};

fn a_hundred_days_old(file: &Path) {
    let now = u64::try_from(SystemClock.now().as_millis()).unwrap();
    let before = SystemTime::UNIX_EPOCH + Duration::from_millis(now) - Duration::from_secs(100 * 86_400);
    std::fs::File::open(file).unwrap().set_modified(before).unwrap();
}

/// A system with one secret file or two, the second of them older.
pub fn listed(folder: &Path, id: &str, second: bool) -> System {
    let file = |name: &str, text: &str| {
        let path = folder.join(format!("{id}-{name}.secret"));
        std::fs::write(&path, format!("{text}\n")).unwrap();
        path
    };
    let secret_file = file("first", "the secret that is in use");
    let second_secret_file = second.then(|| file("second", "the secret that was in use before"));
    if let Some(second) = &second_secret_file {
        a_hundred_days_old(second);
    }
    let agencies = vec!["H37.91".parse().unwrap()];
    System { id: id.to_owned(), secret_file, second_secret_file, agencies, networks: vec!["10.20.0.0/16".to_owned()] }
}

/// Proposes an act on a system's secrets and has it agreed to; gives the page that says so.
async fn by_two(one: &Visitor, two: &Visitor, act: &str, proposal: u32) -> String {
    let plan = one.get(&format!("/acts/plan?act={act}&system=so")).await.body;
    assert!(plan.contains("cần quản trị thứ hai đồng ý"), "{plan}");
    let what = plan.split("name=\"what\" value=\"").nth(1).unwrap().split('"').next().unwrap().replace("&quot;", "\"");
    let page = one.press("/acts", &[("what", &what), ("reason", "định kỳ sáu tháng")]).await;
    assert_eq!(page.header("location"), Some("/proposals?proposed=1"));
    let at = format!("/proposals/{proposal}");
    assert_eq!(one.press(&at, &[("answer", "agree")]).await.status, 409, "nobody agrees to his own");
    let page = two.press(&at, &[("answer", "agree")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_gets_a_new_secret_while_the_one_in_use_still_counts() {
    let town = Town::start_with(false, Ahead::default(), |config, folder| {
        config.system = vec![listed(folder, "so", true), listed(folder, "xa", false)];
    })
    .await;
    for (name, role) in [("admin", Role::Administrator), ("admin2", Role::Administrator), ("mot", Role::Operator)] {
        town.account(name, role, None).await;
    }
    let (one, two) = (town.signed_in("admin").await, town.signed_in("admin2").await);
    let (first, second) = (town.folder.path().join("so-first.secret"), town.folder.path().join("so-second.secret"));
    // The file is sealed, and stays so.
    let key = town.folder.path().join("sealing.key");
    secrets::make_key(&key).unwrap();
    secrets::seal(&second, &key).unwrap();
    a_hundred_days_old(&second);

    let page = one.get("/systems").await.body;
    assert!(
        page.contains("data-system=\"so\"") && page.contains("100 ngày") && page.contains("10.20.0.0/16"),
        "{page}"
    );
    assert!(page.contains("Khai second_secret_file"), "the other has one file: {page}");
    for hidden in ["in use", "second.secret"] {
        assert!(!page.contains(hidden), "{hidden}");
    }

    let page = by_two(&one, &two, "new-secret", 1).await;
    let shown = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(shown.len(), 43);
    assert!(secrets::is_sealed(&second).unwrap());
    assert_eq!(secrets::read(&second).unwrap().trim(), shown, "the older one was replaced");
    assert_eq!(secrets::read(&first).unwrap().trim(), "the secret that is in use");
    for path in ["/proposals", "/audit", "/systems"] {
        assert!(!one.get(path).await.body.contains(&shown), "it is shown once: {path}");
    }

    // The system has changed over; what it used before is taken back, and is the next to be replaced.
    by_two(&one, &two, "drop-secret", 2).await;
    let gone = secrets::read(&first).unwrap();
    assert!(!gone.contains("in use") && secrets::read(&second).unwrap().trim() == shown);
    assert!(one.get("/systems").await.body.contains("đã bỏ"));
    let page = by_two(&one, &two, "new-secret", 3).await;
    assert!(page.contains(secrets::read(&first).unwrap().trim()));
    assert_eq!(secrets::read(&second).unwrap().trim(), shown, "the one in use still counts");

    // A system with one file, an unknown one, and whoever is no administrator.
    for (system, status) in [("xa", 409), ("lạ", 409)] {
        let what = format!("{{\"act\":\"new-secret\",\"system\":\"{system}\"}}");
        assert_eq!(one.press("/acts", &[("what", &what), ("reason", "thử")]).await.status, status, "{system}");
    }
    let operator = town.signed_in("mot").await;
    let what = "{\"act\":\"new-secret\",\"system\":\"so\"}";
    assert_eq!(operator.press("/acts", &[("what", what), ("reason", "thử")]).await.status, 403);
    let audit = one.get("/audit").await.body;
    assert!(audit.contains("Cấp mã bí mật mới") && audit.contains("Bỏ mã bí mật cũ"), "{audit}");
    town.stop().await;
}
