//! Mending what is stuck: closed and opened destinations, documents sent again by two people, agencies from a table.

use std::sync::Arc;

use async_trait::async_trait;
use lienthong::config::Outlet as Listed;
use lienthong::gateway::Adapters;
use lienthong::store::console::Role;
use lienthong_contract::DocId;
use lienthong_contract::door::ConsignmentState;
use lienthong_contract::outlet::{Inside, Outcome, OutgoingPacket, Outlet, Taken};

use crate::causes::listed;
use crate::support::eventually;
use crate::town::{Ahead, Town, Visitor};

const CLOSE: &str = "{\"act\":\"close\",\"destination\":\"nation\"}";
pub const OPEN: &str = "{\"act\":\"open\",\"destination\":\"nation\"}";

/// The boxes of a page of what is stuck.
fn boxes(page: &str) -> Vec<String> {
    let found = page.split("name=\"consignment\" value=\"").skip(1);
    found.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

pub async fn state(town: &Town, doc_id: DocId) -> ConsignmentState {
    town.agency("H37.90", "province-a").client.trace(doc_id).await.unwrap().consignments[0].state
}

/// Letters to the nation that failed, because nothing was sent there until their time was over.
pub async fn failed(town: &Town, operator: &Visitor, count: u32) -> Vec<DocId> {
    assert_eq!(operator.press("/acts", &[("what", CLOSE), ("reason", "bảo trì đường truyền")]).await.status, 200);
    let sent = town.send("H37.90", &["G09.90"], 1..1 + count, "Về việc thử gửi lại").await;
    town.says(operator, "/stuck", "data-cause=\"closed-by-hand\"").await;
    assert_eq!(state(town, sent[0]).await, ConsignmentState::Queued, "it waits");
    town.clock.by_hours(49);
    for doc_id in &sent {
        eventually("it fails at its deadline", async || {
            (state(town, *doc_id).await == ConsignmentState::Failed).then_some(())
        })
        .await;
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_sent_again_by_two_people_and_arrives() {
    let town = Town::start(false).await;
    for name in ["mot", "hai"] {
        town.account(name, Role::Operator, None).await;
    }
    let (one, two) = (town.signed_in("mot").await, town.signed_in("hai").await);
    let sent = failed(&town, &one, 3).await;
    let page = town.says(&one, "/stuck/endpoint-down", "name=\"consignment\"").await;
    let chosen = eventually("all are listed", async || {
        Some(boxes(&one.get("/stuck/endpoint-down").await.body)).filter(|boxes| boxes.len() == 3)
    })
    .await;
    assert!(page.contains("Gửi lại các mục đã chọn"));

    let mut fields: Vec<(&str, &str)> = chosen.iter().map(|id| ("consignment", id.as_str())).collect();
    fields.push(("act", "send-again"));
    let plan = one.press("/acts/plan", &fields).await.body;
    assert!(plan.contains("Số lượt gửi sẽ thay đổi: 3") && plan.contains("cần người thứ hai đồng ý"), "{plan}");
    let what = plan.split("name=\"what\" value=\"").nth(1).unwrap().split('"').next().unwrap().replace("&quot;", "\"");
    let page = one.press("/acts", &[("what", &what), ("reason", "đường truyền đã sửa")]).await;
    assert_eq!(page.header("location"), Some("/proposals?proposed=1"));
    assert_eq!(state(&town, sent[0]).await, ConsignmentState::Failed);

    // One's own proposal is not for oneself; the other's agreement does it, once.
    assert_eq!(one.press("/proposals/1", &[("answer", "agree")]).await.status, 409);
    let page = two.press("/proposals/1", &[("answer", "agree")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Đã thay đổi: 3"), "{}", page.body);
    assert_eq!(two.press("/proposals/1", &[("answer", "agree")]).await.status, 409);
    assert_eq!(one.press("/acts", &[("what", OPEN), ("reason", "xong")]).await.status, 200);

    let again = eventually("the page leads to the new document", async || {
        let page = one.get(&format!("/documents/{}", sent[0])).await.body;
        let rest = page.split("Đã gửi lại thành").nth(1)?;
        rest.split("/documents/").nth(1)?.split('"').next()?.parse::<DocId>().ok()
    })
    .await;
    eventually("it arrives", async || (state(&town, again).await == ConsignmentState::Consigned).then_some(())).await;
    let page = one.get(&format!("/documents/{again}")).await.body;
    assert!(page.contains("console mot + hai") && page.contains("đường truyền đã sửa"), "both people are named");
    assert!(page.contains("Chuỗi biên nhận liền mạch"), "{page}");
    eventually("nothing is stuck", async || one.get("/stuck").await.body.contains("Không có gì ách tắc").then_some(()))
        .await;
    assert!(town.gateways["nation"].store.counts().await.unwrap().consigned >= 3);
    town.stop().await;
}

/// A system outside that takes everything and never says what became of it.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Outlet for Silent {
    async fn send(&self, packet: OutgoingPacket) -> Outcome {
        Outcome::Taken(Taken { id: packet.doc_id.to_string(), ..Taken::default() })
    }

    async fn attend(&self, _inside: Inside) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_document_is_stopped_with_a_reason_and_another_confirmed_by_hand() {
    let adapters = Adapters::of_this_program().with("silent", |_, _| Ok(Arc::new(Silent) as _));
    let town = Town::start_adapted(false, Ahead::default(), &adapters, |config, _| {
        config.outlet = vec![Listed { adapter: "silent".to_owned(), ..listed(("ngoai", "K01")) }];
    })
    .await;
    town.account("mot", Role::Operator, None).await;
    let one = town.signed_in("mot").await;
    let outside = town.send("H37.90", &["K01.01"], 3..4, "Về việc xác nhận tay ở ngoài").await[0];
    eventually("it is outside", async || (state(&town, outside).await == ConsignmentState::Outside).then_some(()))
        .await;
    let in_mailbox = town.send("H37.90", &["H37.91"], 1..2, "Về việc xác nhận tay").await[0];
    one.press("/acts", &[("what", CLOSE), ("reason", "thử")]).await;
    let waits = town.send("H37.90", &["G09.90"], 2..3, "Về việc dừng chuyển").await[0];
    for (doc_id, act, ends) in [
        (waits, "cancel", ConsignmentState::Failed),
        (in_mailbox, "confirm", ConsignmentState::HandedOver),
        (outside, "confirm", ConsignmentState::HandedOver),
    ] {
        let page = one.get(&format!("/documents/{doc_id}")).await.body;
        let link = page.split(&format!("/acts/plan?act={act}&amp;consignment=")).nth(1).expect(act);
        let id = link.split('"').next().unwrap();
        let plan = one.get(&format!("/acts/plan?act={act}&consignment={id}")).await.body;
        let what =
            plan.split("name=\"what\" value=\"").nth(1).unwrap().split('"').next().unwrap().replace("&quot;", "\"");
        assert_eq!(one.press("/acts", &[("what", &what), ("reason", "")]).await.status, 400, "a reason is needed");
        assert_eq!(one.press("/acts", &[("what", &what), ("reason", "theo công văn thí dụ")]).await.status, 200);
        assert_eq!(state(&town, doc_id).await, ends);
        let again = one.press("/acts", &[("what", &what), ("reason", "lần nữa")]).await;
        assert!(again.body.contains("Đã thay đổi: 0"), "what is done is not done twice: {}", again.body);
        let page = one.get(&format!("/documents/{doc_id}")).await.body;
        assert!(page.contains("theo công văn thí dụ") && page.contains("Chuỗi biên nhận liền mạch"), "{page}");
    }
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agencies_come_from_a_table_whose_faults_are_told_by_row_and_column() {
    let town = Town::start(false).await;
    town.account("admin", Role::Administrator, None).await;
    town.account("admin2", Role::Administrator, None).await;
    town.account("mot", Role::Operator, None).await;
    let operator = town.signed_in("mot").await;
    let (admin, second) = (town.signed_in("admin").await, town.signed_in("admin2").await);
    let before = std::fs::read_to_string(&town.directory).unwrap();
    let upload = async |table: &[u8]| {
        let token = admin.token().await;
        let mut body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n\
             --b\r\ncontent-disposition: form-data; name=\"reason\"\r\n\r\nthành lập mới\r\n\
             --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(table);
        body.extend_from_slice(b"\r\n--b--\r\n");
        admin.ask("POST", "/agencies/import", "multipart/form-data; boundary=b", &body).await
    };
    let faulty =
        upload("code,name,hop\nH37.95,Chi cục Thí dụ,province-a\nH37.96,Trạm Thí dụ,KHÔNG PHẢI TRỤC\n".as_bytes())
            .await
            .body;
    assert!(faulty.contains("Bảng chưa dùng được") && faulty.contains(">3<") && faulty.contains(">hop<"), "{faulty}");
    let right = upload("code,name,hop\nH37.95,Chi cục Thí dụ,province-a\n".as_bytes()).await.body;
    assert!(right.contains("Bảng đúng"), "{right}");
    assert_eq!(std::fs::read_to_string(&town.directory).unwrap(), before, "nothing changes before somebody agrees");
    // Who the gateway knows is no operator's business, whichever form he sends.
    let sheet = "{\"act\":\"agencies\",\"sheet\":{\"header\":[\"code\",\"name\"],\"rows\":[[\"H37.97\",\"Lạ\"]]}}";
    assert_eq!(operator.press("/acts", &[("what", sheet), ("reason", "thử")]).await.status, 403);
    assert_eq!(operator.press("/proposals/1", &[("answer", "agree")]).await.status, 403);
    assert_eq!(second.press("/proposals/1", &[("answer", "agree")]).await.status, 200);
    town.says(&admin, "/agencies?q=chi%20cuc", "Chi cục Thí dụ").await;
    let table = admin.get("/agencies/export.csv").await;
    assert!(table.body.contains("\"H37.95\"") && table.bytes.starts_with("\u{feff}".as_bytes()));
    let workbook = admin.get("/agencies/export.xlsx").await.bytes;
    assert!(workbook.starts_with(b"PK"));
    assert!(upload(&workbook).await.body.contains("Bảng không làm thay đổi gì"), "what is taken away can be put back");
    assert!(upload(b"PK\x03\x04 not a workbook").await.status == 400);
    town.stop().await;
}
