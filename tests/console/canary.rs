//! Test documents between two gateways: told on their page, seen nowhere else, missed when they do not arrive.

use lienthong::config::{Canary, Config};
use lienthong::gateway::Gateway;
use lienthong::pki::Manifest;
use lienthong::scene;
use lienthong::store::console::Role;
use lienthong_contract::Clock;
use std::path::Path;
use std::sync::Arc;

use crate::support::eventually;
use crate::support::letters::{letter, sign};
use crate::town::{Ahead, Town};

/// The agency that sends test documents, and the one that the nation answers for.
const FROM: &str = "H37.91";
const TO: &str = "G09.90";

/// Marks both agencies as being there for tests; the first one sends.
pub fn between(config: &mut Config, folder: &Path, from: &str, to: &str) {
    let manifest = Manifest::load(&folder.join("certs")).unwrap();
    let directory = std::fs::read_to_string(&config.directory.file).unwrap();
    let mut directory: toml::Table = directory.parse().unwrap();
    for agency in directory["agency"].as_array_mut().unwrap() {
        let agency = agency.as_table_mut().unwrap();
        if agency["code"].as_str().is_some_and(|code| code == from || code == to) {
            agency.insert("canary".to_owned(), true.into());
        }
    }
    std::fs::write(&config.directory.file, directory.to_string()).unwrap();
    let files = manifest.agency(from).unwrap();
    config.canary = Some(Canary {
        agency: from.parse().unwrap(),
        key: files.sign_key,
        certificate: files.sign_chain,
        every_minutes: 15,
        late_minutes: 5,
    });
}

async fn town() -> Town {
    Town::start_with(false, Ahead::default(), |config, folder| {
        between(config, folder, FROM, TO);
        config.alerts.every_seconds = 1;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_document_is_answered_by_the_other_gateway_and_seen_by_no_clerk() {
    let mut town = town().await;
    town.account("ba", Role::Operator, None).await;
    let ba = town.signed_in("ba").await;
    let page = town.says(&ba, "/canary", "100,0 %").await;
    assert!(page.contains(TO) && page.contains("nation") && page.contains("đã giao"), "{page}");

    // Its page has the receipts of both gateways.
    let at = page.find("/documents/").unwrap();
    let path = page[at..].split('"').next().unwrap();
    let document = ba.get(path).await.body;
    assert!(document.contains("bên nhận tiếp nhận") && document.contains("nation"), "{document}");

    // Nobody else hears of it; of a real document everybody does.
    let sent = town.send("H37.90", &["H37.90.05"], 1..2, "Về việc có thật (thí dụ)").await;
    let listed = town.says(&ba, "/documents", "có thật").await;
    assert!(listed.contains(&sent[0].to_string()) && !listed.contains("đường truyền"), "{listed}");
    assert!(!ba.get("/documents?q=duong+truyen").await.body.contains("/documents/0"), "found by no words");
    let overview = eventually("the overview counts the real document", async || {
        let body = ba.get("/overview/live").await.body;
        let figure = figures(&body);
        (figure.first().map(String::as_str) == Some("1")).then_some(figure)
    })
    .await;
    assert_eq!(overview[..3], ["1", "1", "0"], "accepted, in flight, handed over");
    let statistics = ba.get("/statistics").await.body;
    assert!(!statistics.contains(FROM), "{statistics}");
    let inbox = town.agency(TO, "nation").client.inbox(None, None, None).await.unwrap();
    assert!(inbox.items.is_empty());

    // What would mix the two is refused.
    for (from, to) in [(FROM, "H37.90"), ("H37.90", TO)] {
        let sender = town.agency(from, "province-a");
        let pdf = scene::example_pdf(2048);
        let signed = sign(&letter(from, &[to], 7, &pdf).packet().unwrap(), &sender.files);
        let error = sender.client.submit(&signed.packet(), None).await.unwrap_err().to_string();
        assert!(error.contains("there for tests"), "{error}");
    }

    // One that does not arrive is missed; the next waits for it, and all is well when it is there.
    town.gateways.remove("nation").unwrap().stop().await;
    town.clock.by_hours(1);
    town.says(&ba, "/canary", ">đang đi<").await;
    town.clock.by_hours(1);
    town.says(&ba, "/canary", "quá hạn, chưa tới").await;
    town.says(&ba, "/alarms", "Văn bản thử tới G09.90 chưa có biên nhận.").await;
    let folder = town.folder.path().join("nation");
    let config = scene::configuration(&town.manifest, "nation", &folder, None).unwrap();
    let clock = Arc::clone(&town.clock) as Arc<dyn Clock>;
    town.gateways.insert("nation", Gateway::start(&config, &town.hub, clock).await.unwrap());
    town.says(&ba, "/canary", "giao muộn").await;
    eventually("the alarm is over", async || {
        let page = ba.get("/overview/live").await.body;
        (!page.contains("chưa có biên nhận")).then_some(())
    })
    .await;
    town.stop().await;
}

/// The figures of the overview, in their order.
fn figures(body: &str) -> Vec<String> {
    let all = body.split_once("class=\"figures\"").unwrap().1.split("</ul>").next().unwrap();
    let parts = all.split("<strong").skip(1);
    parts.filter_map(|part| Some(part.split_once('>')?.1.split('<').next()?.trim().to_owned())).collect()
}
