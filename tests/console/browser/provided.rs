//! Somebody who signs in through a provider that stands elsewhere: what the browser takes along to another place and what
//! it does not is decided by the browser.

use lienthong::store::console::Role;

use super::{Driver, axe, enter, is_sound, photograph, shows};
use crate::oidc::{add, town_at};
use crate::town::{PASSWORD, Visitor};

#[tokio::test(flavor = "multi_thread")]
async fn somebody_comes_from_the_provider_signed_in() {
    let (town, provider) = town_at("localhost", |address| format!("http://{address}")).await;
    town.account("admin", Role::Administrator, None).await;
    let secret = town.factor("admin").await;
    let mut admin = Visitor::of(&town);
    admin.sign_in("admin", PASSWORD, &town.number(&secret)).await;
    add(&admin, "lan").await;
    provider.signs_in("so-17", "lan");
    let (driver, home) = (Driver::start(), format!("http://{}", town.console()));
    let browser = driver.browser("provided", false).await;
    let axe = axe(&driver, &browser, "provided").await;
    browser.goto(&format!("{home}/stuck")).await.unwrap();
    shows(&browser, "Đăng nhập qua").await;
    photograph(&browser, "sign-in-provider").await;
    is_sound((&browser, &axe), "sign-in").await;
    enter(&browser, "Đăng nhập qua tài khoản của tỉnh").await;
    shows(&browser, "Cổng của tỉnh").await;
    enter(&browser, "Đồng ý").await;
    shows(&browser, "Không có gì ách tắc").await;
    assert_eq!(browser.current_url().await.unwrap().as_str(), format!("{home}/stuck"));
    browser.close().await.unwrap();
    town.stop().await;
}
