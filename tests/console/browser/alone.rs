//! One person: a failure is seen, explained and mended; every page is looked at.

use fantoccini::Locator;
use fantoccini::key::Key;
use lienthong::store::console::Role;
use lienthong_contract::door::ConsignmentState;

use super::{Driver, axe, enter, is_sound, photograph, shows, sign_in, types};
use crate::canary::between;
use crate::support::eventually;
use crate::systems::listed;
use crate::town::{Ahead, PASSWORD, Town};

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_seen_and_mended_with_the_keyboard_alone() {
    let town = Town::start_with(false, Ahead::default(), |config, folder| {
        between(config, folder, "H37.90.05", "H37");
        config.system = vec![listed(folder, "so-noi-vu", true)];
    })
    .await;
    town.account("admin", Role::Administrator, None).await;
    town.send("H37.90", &["H37.91", "G09.90"], 1..4, "Về việc liên thông văn bản điện tử (thí dụ)").await;
    let (driver, home) = (Driver::start(), format!("http://{}", town.console()));
    let browser = driver.browser("desktop", false).await;
    let axe = axe(&driver, &browser, "desktop").await;
    browser.goto(&home).await.unwrap();
    shows(&browser, "Đăng nhập").await;
    photograph(&browser, "sign-in").await;
    is_sound((&browser, &axe), "sign-in").await;
    sign_in(&browser, "admin").await;
    shows(&browser, "Không có gì ách tắc").await;
    photograph(&browser, "overview").await;

    // Nothing is sent to the nation any more; a document waits.
    enter(&browser, "Đóng tuyến").await;
    shows(&browser, "ngừng gửi đến tuyến").await;
    photograph(&browser, "plan").await;
    is_sound((&browser, &axe), "plan").await;
    types(&browser, "reason", "bảo trì đường truyền").await;
    enter(&browser, "Thực hiện").await;
    shows(&browser, "Đã thực hiện").await;
    let waits = town.send("H37.90", &["G09.90"], 9..10, "Về việc hợp đồng tỉnh Đắk Thí Dụ").await[0];
    enter(&browser, "Tổng quan").await;
    shows(&browser, "Tuyến đã bị đóng").await;
    photograph(&browser, "overview-stuck").await;
    is_sound((&browser, &axe), "overview").await;

    // Found by words without their marks; its way is read.
    enter(&browser, "Văn bản").await;
    types(&browser, "q", "hop dong dak").await;
    browser.active_element().await.unwrap().send_keys(&Key::Enter.to_string()).await.unwrap();
    let link = eventually("it is found", async || {
        browser.refresh().await.unwrap();
        browser.find(Locator::Css("tbody th a")).await.ok()
    })
    .await;
    photograph(&browser, "documents").await;
    is_sound((&browser, &axe), "documents").await;
    let name = link.text().await.unwrap();
    enter(&browser, &name).await;
    shows(&browser, "tiếp nhận từ bên gửi").await;
    shows(&browser, "chờ chuyển đi").await;
    photograph(&browser, "document").await;
    is_sound((&browser, &axe), "document").await;

    // The same page in the other language, and back.
    enter(&browser, "English").await;
    shows(&browser, "Its way to each recipient").await;
    is_sound((&browser, &axe), "document in English").await;
    enter(&browser, "Tiếng Việt").await;
    shows(&browser, "Đường đi đến từng nơi nhận").await;

    // Mended: opened again, delivered, nothing stuck; the page follows by itself.
    enter(&browser, "Ách tắc").await;
    photograph(&browser, "stuck").await;
    is_sound((&browser, &axe), "stuck").await;
    enter(&browser, "Mở tuyến").await;
    types(&browser, "reason", "đường truyền đã thông").await;
    enter(&browser, "Thực hiện").await;
    shows(&browser, "Đã thực hiện").await;
    let sender = town.agency("H37.90", "province-a");
    eventually("it is delivered", async || {
        let trace = sender.client.trace(waits).await.unwrap();
        (trace.consignments[0].state == ConsignmentState::Consigned).then_some(())
    })
    .await;
    enter(&browser, "Tổng quan").await;
    shows(&browser, "Không có gì ách tắc").await;

    for (path, words) in [
        ("/alarms", "Ai được báo"),
        ("/certificates", "Ký biên nhận của trục này"),
        ("/statistics", "Theo cơ quan"),
        ("/canary", "100,0 %"),
        ("/agencies", "Cập nhật bằng bảng tính"),
        ("/systems", "Cấp mã mới"),
        ("/accounts", "Thêm tài khoản"),
        ("/audit", "Mở tuyến"),
        ("/proposals", "Không có đề nghị"),
        ("/account/second-factor", "quét hình"),
        ("/account/password", "Mật khẩu hiện nay"),
    ] {
        browser.goto(&format!("{home}{path}")).await.unwrap();
        shows(&browser, words).await;
        is_sound((&browser, &axe), path).await;
        // A picture of a key is no picture for a guide, and one of no proposal shows nothing.
        if !matches!(path, "/account/second-factor" | "/proposals") {
            photograph(&browser, path.rsplit('/').next().unwrap()).await;
        }
    }
    browser.close().await.unwrap();

    let phone = driver.browser("phone", true).await;
    phone.goto(&format!("{home}/sign-in")).await.unwrap();
    for (id, value) in [("#name", "admin"), ("#password", PASSWORD)] {
        phone.find(Locator::Css(id)).await.unwrap().send_keys(value).await.unwrap();
    }
    phone.find(Locator::Css("form.column button")).await.unwrap().click().await.unwrap();
    shows(&phone, "Không có gì ách tắc").await;
    photograph(&phone, "phone-overview").await;
    for path in [
        "/overview",
        "/documents",
        &format!("/documents/{waits}"),
        "/stuck",
        "/alarms",
        "/certificates",
        "/statistics",
        "/agencies",
        "/accounts",
        "/audit",
    ] {
        phone.goto(&format!("{home}{path}")).await.unwrap();
        is_sound((&phone, &axe), &format!("{path} on a phone")).await;
    }
    phone.goto(&format!("{home}/documents/{waits}")).await.unwrap();
    photograph(&phone, "phone-document").await;
    phone.close().await.unwrap();
    town.stop().await;
}
