//! Two people, each at a browser of his own, with the keyboard alone: what failed is sent again, agencies are taken over from a
//! table whose fault was mended first.

use fantoccini::Client;
use lienthong::store::console::Role;
use lienthong_contract::DocId;
use lienthong_contract::door::ConsignmentState;

use super::{Driver, axe, enter, is_sound, photograph, shows, sign_in, text, ticks, types};
use crate::acts::{failed, state};
use crate::support::eventually;
use crate::town::Town;

async fn at_console(driver: &Driver, town: &Town, name: &str) -> Client {
    let browser = driver.browser(name, false).await;
    browser.goto(&format!("http://{}", town.console())).await.unwrap();
    shows(&browser, "Đăng nhập").await;
    sign_in(&browser, name).await;
    shows(&browser, "Tổng quan").await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_send_again_what_failed() {
    let town = Town::start(false).await;
    for name in ["mot", "hai"] {
        town.account(name, Role::Operator, None).await;
    }
    let by_hand = town.signed_in("mot").await;
    let sent = failed(&town, &by_hand, 3).await;
    by_hand.press("/acts", &[("what", crate::acts::OPEN), ("reason", "xong")]).await;
    // The page is not one that follows by itself: whoever opens it sees what was known then.
    town.says(&by_hand, "/stuck", "data-cause=\"endpoint-down\"").await;
    eventually("all three are listed", async || {
        let page = by_hand.get("/stuck/endpoint-down").await.body;
        (page.matches("name=\"consignment\"").count() == 3).then_some(())
    })
    .await;
    let driver = Driver::start();
    let one = at_console(&driver, &town, "mot").await;
    let axe = axe(&driver, &one, "mot").await;

    // All three are chosen; the plan says what it will do, and that one person is not enough.
    enter(&one, "Ách tắc").await;
    shows(&one, "Không tới được điểm nhận").await;
    enter(&one, "Không tới được điểm nhận").await;
    shows(&one, "Gửi lại các mục đã chọn").await;
    ticks(&one, "input[data-all]").await;
    photograph(&one, "stuck-cause").await;
    is_sound((&one, &axe), "a cause of what is stuck").await;
    enter(&one, "Gửi lại các mục đã chọn").await;
    shows(&one, "Số lượt gửi sẽ thay đổi: 3").await;
    shows(&one, "cần người thứ hai đồng ý").await;
    types(&one, "reason", "đường truyền đã sửa").await;
    enter(&one, "Đề nghị người thứ hai duyệt").await;
    shows(&one, "Đề nghị của chính bạn").await;
    assert_eq!(state(&town, sent[0]).await, ConsignmentState::Failed, "nothing is done yet");

    let two = at_console(&driver, &town, "hai").await;
    enter(&two, "Chờ duyệt").await;
    shows(&two, "đường truyền đã sửa").await;
    photograph(&two, "proposal").await;
    is_sound((&two, &axe), "a proposal").await;
    enter(&two, "Đồng ý và thực hiện").await;
    shows(&two, "Đã thay đổi: 3").await;
    let links = two.execute("return [...document.querySelectorAll('main li a')].map(a => a.innerText)", vec![]);
    let again: Vec<DocId> = serde_json::from_value(links.await.unwrap()).unwrap();
    assert_eq!(again.len(), 3);
    for doc_id in again {
        assert!(!sent.contains(&doc_id));
        eventually("it arrives", async || (state(&town, doc_id).await == ConsignmentState::Consigned).then_some(()))
            .await;
    }
    // The overview follows by itself.
    enter(&two, "Tổng quan").await;
    shows(&two, "Không có gì ách tắc").await;
    for browser in [one, two] {
        browser.close().await.unwrap();
    }
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agencies_are_taken_over_from_a_table_whose_fault_is_mended_first() {
    let town = Town::start(false).await;
    for name in ["admin", "admin2"] {
        town.account(name, Role::Administrator, None).await;
    }
    let table = town.folder.path().join("agencies.csv");
    let write = |hop: &str| {
        let rows = format!("code,name,hop\nH37.95,Chi cục Thí dụ,province-a\nH37.96,Trạm Thí dụ,{hop}\n");
        std::fs::write(&table, rows).unwrap();
    };
    let driver = Driver::start();
    let one = at_console(&driver, &town, "admin").await;
    let axe = axe(&driver, &one, "admin").await;
    let hand_in = async || {
        enter(&one, "Cơ quan").await;
        types(&one, "file", &table.display().to_string()).await;
        types(&one, "reason", "thành lập mới").await;
        enter(&one, "Kiểm tra và đề nghị").await;
    };
    write("KHÔNG PHẢI TRỤC");
    hand_in().await;
    shows(&one, "Bảng chưa dùng được").await;
    let fault = one.execute("return document.querySelector('main tbody tr').innerText", vec![]).await.unwrap();
    let fault = fault.as_str().unwrap();
    assert!(
        fault.contains('3') && fault.contains("hop") && fault.contains("KHÔNG PHẢI TRỤC"),
        "row and column: {fault}"
    );
    photograph(&one, "agencies-faults").await;
    is_sound((&one, &axe), "faults of a table").await;
    write("province-a");
    hand_in().await;
    shows(&one, "Bảng đúng").await;

    let two = at_console(&driver, &town, "admin2").await;
    enter(&two, "Chờ duyệt").await;
    shows(&two, "thành lập mới").await;
    enter(&two, "Đồng ý và thực hiện").await;
    shows(&two, "Đã thực hiện").await;
    enter(&two, "Cơ quan").await;
    types(&two, "q", "tram thi du").await;
    enter(&two, "Tìm").await;
    eventually("the gateway has read its directory again", async || {
        two.refresh().await.unwrap();
        text(&two).await.contains("H37.96").then_some(())
    })
    .await;
    for browser in [one, two] {
        browser.close().await.unwrap();
    }
    town.stop().await;
}
