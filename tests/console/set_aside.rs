//! What a broker set aside: seen, told as an alarm, put back by one person, let go of by two.

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use lienthong::config::Broker;
use lienthong::store::console::Role;

use crate::support::eventually;
use crate::support::rabbitmq::{Options, PrivateBroker};
use crate::town::{Ahead, Town, Visitor};

fn lies(page: &str) -> Option<&str> {
    page.split("data-aside=\"main\"").nth(1)?.split("</tr>").next()
}

/// The plan of an act on the broker, as the form carries it.
async fn plan(who: &Visitor, act: &str) -> (String, String) {
    let page = who.get(&format!("/acts/plan?act={act}&broker=main")).await.body;
    let what = page.split("name=\"what\" value=\"").nth(1).unwrap_or_else(|| panic!("{page}"));
    let what = what.split('"').next().unwrap().replace("&quot;", "\"");
    (page, what)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nobody_can_handle_are_put_back_by_one_and_let_go_of_by_two() {
    let at = crate::support::folder();
    let rabbit = PrivateBroker::start(at.path(), Options::default());
    let url = rabbit.url();
    let town = Town::start_with(false, Ahead::default(), |config, _| {
        let (ca, certificate, key) = (None, None, None);
        let (name, url, url_file) = ("main".to_owned(), Some(url.clone()), None);
        config.broker.push(Broker { name, url, url_file, ca, certificate, key, renew_dead_queues: true });
        config.alerts.every_seconds = 1;
    })
    .await;
    for (name, role) in [("mot", Role::Operator), ("hai", Role::Operator), ("xem", Role::Auditor)] {
        town.account(name, role, None).await;
    }
    let (one, two) = (town.signed_in("mot").await, town.signed_in("hai").await);
    town.says(&one, "/stuck", "Không có gì ách tắc").await;

    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let publish = async |body: &[u8]| {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let queue = "packets.province-a".into();
        channel.basic_publish("".into(), queue, options, body, BasicProperties::default()).await.unwrap();
    };
    publish(b"one").await;
    publish(b"two").await;
    eventually("both are counted", async || {
        let page = one.get("/stuck").await.body;
        lies(&page)?.contains(">2</td>").then_some(())
    })
    .await;
    let page = one.get("/stuck").await.body;
    assert!(lies(&page).unwrap().contains(">2</td>"), "{page}");
    town.says(&one, "/alarms", "Máy chủ AMQP main: 2 thông điệp để riêng.").await;
    assert!(town.province().metrics.text().contains("lienthong_dead_letters{broker=\"main\"} 2"));
    let page = town.signed_in("xem").await.get("/stuck").await.body;
    assert!(!lies(&page).is_some_and(|line| line.contains("/acts/plan")), "who may not act has no button");

    // Let go of: only with a second person, and never more than the plan said.
    let (page, what) = plan(&one, "let-go").await;
    assert!(page.contains("không hoàn lại được") && what.contains("\"most\":2"), "{what} {page}");
    let page = one.press("/acts", &[("what", &what), ("reason", "thông điệp hỏng")]).await;
    assert_eq!(page.header("location"), Some("/proposals?proposed=1"));
    assert_eq!(one.press("/proposals/1", &[("answer", "agree")]).await.status, 409);
    let page = two.press("/proposals/1", &[("answer", "agree")]).await;
    assert!(page.body.contains("Đã thay đổi: 2"), "{}", page.body);
    town.says(&one, "/stuck", "Không có gì ách tắc").await;
    let again =
        one.press("/acts", &[("what", "{\"act\":\"put-back\",\"broker\":\"main\"}"), ("reason", "lần nữa")]).await;
    assert_eq!(again.status, 409, "there is nothing to do");

    // Put back by one person: it is as faulty as before and comes again.
    publish(b"three").await;
    town.says(&one, "/stuck", "data-aside=\"main\"").await;
    let (page, what) = plan(&one, "put-back").await;
    assert!(page.contains("Số thông điệp: 1") && !page.contains("người thứ hai"), "{page}");
    let page = one.press("/acts", &[("what", &what), ("reason", "đã sửa danh mục")]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Đã thay đổi: 1"), "{}", page.body);
    town.says(&one, "/stuck", "data-aside=\"main\"").await;
    let unknown = one.press("/acts", &[("what", "{\"act\":\"put-back\",\"broker\":\"x\"}"), ("reason", "thử")]).await;
    assert_eq!(unknown.status, 409);

    let audit = town.signed_in("xem").await.get("/audit").await.body;
    for words in ["Đưa lại thông điệp để riêng", "Bỏ thông điệp để riêng", "main: 2", "thông điệp hỏng"]
    {
        assert!(audit.contains(words), "{words}: {audit}");
    }
    town.stop().await;
}
