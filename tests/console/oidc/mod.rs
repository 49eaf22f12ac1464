//! Signing in through a provider of OpenID Connect: the way there and back, and every answer that is not believed.

mod glewlwyd;
mod provider;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use lienthong::config::{OIDC_BACK, Oidc};
use lienthong::store::console::Role;
use lienthong_contract::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::town::{Ahead, PASSWORD, Page, Town, Visitor};
use provider::{CLIENT, Provider, SECRET};

/// A town whose console stands at a known place and has a provider under this name of the machine.
pub async fn town_at(name: &str, own: impl Fn(SocketAddr) -> String) -> (Town, Provider) {
    let clock = Ahead::default();
    let provider = Provider::start(name, Arc::new(clock.clone()) as Arc<dyn Clock>);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer = provider.issuer.clone();
    let town = Town::start_with(true, clock, |config, folder| {
        let secret = folder.join("client-secret");
        fs::write(&secret, format!("{SECRET}\n")).unwrap();
        let console = config.console.as_mut().unwrap();
        console.listen = free;
        console.oidc = Some(Oidc { client_secret_file: Some(secret), ..listed(&issuer, own(free)) });
    })
    .await;
    (town, provider)
}

fn listed(issuer: &str, own_address: String) -> Oidc {
    Oidc {
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret_file: None,
        own_address,
        roots: Vec::new(),
        claim: "preferred_username".to_owned(),
        label: "tài khoản của tỉnh".to_owned(),
    }
}

/// The same with somebody who may add accounts. Second factors are asked of passwords.
async fn town() -> (Town, Provider, Visitor) {
    let (town, provider) = town_at("127.0.0.1", |_| "https://truc.tinh-a.example/".to_owned()).await;
    town.account("admin", Role::Administrator, None).await;
    let secret = town.factor("admin").await;
    let mut admin = Visitor::of(&town);
    admin.sign_in("admin", PASSWORD, &town.number(&secret)).await;
    assert_eq!(admin.get("/accounts").await.status, 200);
    (town, provider, admin)
}

pub async fn add(admin: &Visitor, name: &str) -> Page {
    let fields = [("name", name), ("full_name", "Người Thí Dụ"), ("role", "operator"), ("provider", "yes")];
    admin.press("/accounts", &fields).await
}

/// What the provider sends the browser back with.
async fn at_the_provider(provider: &Provider, there: &str) -> String {
    let target = there.strip_prefix(&format!("http://{}", provider.address)).expect("to the provider's own page");
    let mut stream = TcpStream::connect(provider.address).await.unwrap();
    let ask = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    let to = answer.lines().find_map(|line| line.strip_prefix("location: ")).expect(&answer);
    let back = format!("https://truc.tinh-a.example{OIDC_BACK}?");
    assert!(to.starts_with(&back), "{to}");
    to.trim_start_matches("https://truc.tinh-a.example").to_owned()
}

/// What a page gives the browser to keep under this name.
fn kept(page: &Page, name: &str) -> Option<String> {
    let cookies = page.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    cookies
        .filter_map(|cookie| cookie.split(';').next())
        .find(|pair| pair.starts_with(&format!("{name}=")))
        .map(str::to_owned)
}

/// Goes there, with what the browser then holds, and where it is sent back to.
async fn begun(town: &Town, provider: &Provider, to: &str) -> (Visitor, String) {
    let mut visitor = Visitor::of(town);
    let page = visitor.get(&format!("/sign-in/oidc?to={to}")).await;
    assert_eq!(page.status, 303, "{}", page.body);
    assert!(page.head.contains("HttpOnly; SameSite=Lax; Max-Age=600"), "{}", page.head);
    visitor.cookie = kept(&page, "lienthong-attempt").unwrap();
    let back = at_the_provider(provider, page.header("location").unwrap()).await;
    (visitor, back)
}

/// The whole way. Signed in, the browser holds the session.
async fn through(town: &Town, provider: &Provider) -> (Visitor, Page) {
    let (mut visitor, back) = begun(town, provider, "/documents").await;
    let page = visitor.get(&back).await;
    assert_eq!(page.status, 200, "{}", page.body);
    visitor.cookie = kept(&page, "lienthong").unwrap_or_default();
    (visitor, page)
}

const REFUSED: &str = "Không đăng nhập được qua nhà cung cấp";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_the_provider_knows_and_an_account_waits_for_gets_in() {
    let (town, provider, admin) = town().await;
    let page = admin.get("/sign-in").await.body;
    assert!(page.contains("Đăng nhập qua tài khoản của tỉnh"), "{page}");
    let page = add(&admin, "lan").await.body;
    assert!(!page.contains("id=\"password\""), "no password is given to such an account: {page}");
    assert!(page.contains("chưa ai đăng nhập"), "{page}");

    provider.signs_in("so-17", "Lan");
    let (lan, page) = through(&town, &provider).await;
    assert!(page.body.contains("content=\"0; url=/documents\""), "{}", page.body);
    assert!(page.head.contains("SameSite=Strict"), "{}", page.head);
    assert!(page.head.contains("lienthong-attempt=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"), "{}", page.head);
    // The second factor is the provider's matter.
    assert_eq!(lan.get("/documents").await.status, 200);
    assert_eq!(lan.get("/stuck").await.status, 200, "an operator");
    assert_eq!(lan.get("/accounts").await.status, 403, "and no more");
    let page = lan.get("/account/password").await.body;
    assert!(page.contains("mật khẩu và mã xác thực đặt ở nơi đó"), "{page}");
    assert!(admin.get("/accounts").await.body.contains("đã gắn với một người"));
    let audit = admin.get("/audit").await.body;
    assert!(audit.contains("127.0.0.1 OIDC") && audit.contains("lan operator OIDC"), "{audit}");

    // There is no password to guess, and guessing locks nobody out.
    let mut guesser = Visitor::of(&town);
    for guess in ["", "provider:so-17", "provider:", PASSWORD, "x", "y", "z"] {
        let page = guesser.sign_in("lan", guess, "").await;
        assert!(page.status == 200 && page.body.contains("Không đăng nhập được"), "{guess}: {}", page.body);
    }
    let (lan, _) = through(&town, &provider).await;
    assert_eq!(lan.get("/documents").await.status, 200, "the same person again");
    // Providers know people by addresses of mail as well.
    let mail = "chi_mai@tinh-a.example";
    add(&admin, mail).await;
    provider.signs_in("so-20", mail);
    assert!(!through(&town, &provider).await.0.cookie.is_empty());
    assert_eq!(admin.press(&format!("/accounts/{mail}"), &[("do", "disable")]).await.status, 200);
    assert!(through(&town, &provider).await.0.cookie.is_empty(), "disabled");
    assert_eq!(lan.press("/sign-out", &[]).await.status, 303);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_to_this_sign_in_lets_nobody_in() {
    let (town, provider, admin) = town().await;
    add(&admin, "lan").await;
    provider.signs_in("so-17", "lan");
    let refused = async |what: &str| {
        let (visitor, page) = through(&town, &provider).await;
        assert!(page.body.contains(REFUSED) && visitor.cookie.is_empty(), "{what}: {}", page.body);
    };

    let spoils: [(&str, provider::Spoil); 13] = [
        ("another nonce", |_, claims| claims["nonce"] = json!("another")),
        ("no nonce", |_, claims| drop(claims.as_object_mut().unwrap().remove("nonce"))),
        ("another issuer", |_, claims| claims["iss"] = json!("http://127.0.0.1:1/tinh")),
        ("for somebody else", |_, claims| claims["aud"] = json!("another client")),
        ("for several, and not said for whom", |_, claims| claims["aud"] = json!([CLIENT, "another client"])),
        ("made for another of several", |_, claims| {
            claims["aud"] = json!([CLIENT, "another client"]);
            claims["azp"] = json!("another client");
        }),
        ("over", |_, claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 121)),
        ("of yesterday", |_, claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 86_400)),
        ("no subject", |_, claims| claims["sub"] = json!("")),
        ("no name", |_, claims| claims["preferred_username"] = Value::Null),
        ("none as algorithm", |header, _| header["alg"] = json!("none")),
        ("a secret's algorithm", |header, _| header["alg"] = json!("HS256")),
        ("an extension that must be understood", |header, _| header["crit"] = json!(["b64"])),
    ];
    for (what, spoil) in spoils {
        provider.spoils(spoil);
        refused(what).await;
    }
    provider.spoils(|_, _| {});
    provider.signs_with_a_foreign_key(true);
    refused("a key that the provider does not show").await;
    provider.signs_with_a_foreign_key(false);
    provider.refuses(true);
    refused("the provider says no").await;
    provider.refuses(false);

    // An attempt is of one browser, and good once.
    let (visitor, back) = begun(&town, &provider, "/documents").await;
    let mut other = Visitor::of(&town);
    assert!(other.get(&back).await.body.contains(REFUSED), "a browser that began nothing");
    let (another, _) = begun(&town, &provider, "/documents").await;
    other.cookie = another.cookie;
    assert!(other.get(&back).await.body.contains(REFUSED), "a browser that began another");
    assert!(kept(&visitor.get(&back).await, "lienthong").is_some(), "its own");
    assert!(visitor.get(&back).await.body.contains(REFUSED), "once");
    let elsewhere = Visitor::of(&town).get("/sign-in/oidc?to=https://evil.example/").await;
    assert!(elsewhere.status == 303 && elsewhere.header("location").unwrap().starts_with(&provider.issuer));
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_of_the_person_who_came_first() {
    let (town, provider, admin) = town().await;
    add(&admin, "lan").await;
    let gets_in = async |subject: &str, name: &str| {
        provider.signs_in(subject, name);
        let (visitor, page) = through(&town, &provider).await;
        assert_eq!(visitor.cookie.is_empty(), page.body.contains(REFUSED), "{}", page.body);
        !visitor.cookie.is_empty()
    };
    assert!(!gets_in("so-1", "admin").await, "an account with a password is not the provider's to open");
    assert!(!gets_in("so-1", "khong-co").await, "nobody has that account");
    assert!(gets_in("so-17", "lan").await);
    assert!(!gets_in("so-18", "lan").await, "the name was given to somebody else there");
    assert!(gets_in("so-17", "lan").await);
    assert!(admin.get("/audit").await.body.contains("Đăng nhập bị từ chối"));

    let (lan, _) = through(&town, &provider).await;
    admin.press("/accounts/lan", &[("do", "disable")]).await;
    assert!(lan.get("/documents").await.header("location").is_some(), "the session ended");
    assert!(!gets_in("so-17", "lan").await, "disabled");
    admin.press("/accounts/lan", &[("do", "enable")]).await;
    admin.press("/accounts/lan", &[("do", "provider")]).await;
    assert!(gets_in("so-18", "lan").await, "bound anew");
    assert!(!gets_in("so-17", "lan").await);
    let page = admin.press("/accounts/lan", &[("do", "password")]).await.body;
    assert!(page.contains("id=\"password\"") && !gets_in("so-18", "lan").await, "it has a password now");
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_change_its_keys_or_be_away() {
    let (town, provider, admin) = town().await;
    add(&admin, "lan").await;
    provider.signs_in("so-17", "lan");
    assert!(!through(&town, &provider).await.0.cookie.is_empty());
    assert_eq!(provider.keys_asked(), 1);
    provider.changes_its_key();
    assert!(through(&town, &provider).await.0.cookie.is_empty(), "the new key is asked for at most once a minute");
    assert_eq!(provider.keys_asked(), 1, "whoever comes with whatever key");
    town.clock.by_hours(1);
    assert!(!through(&town, &provider).await.0.cookie.is_empty());
    assert_eq!(provider.keys_asked(), 2);

    let (visitor, back) = begun(&town, &provider, "/documents").await;
    town.clock.by_hours(1);
    assert!(visitor.get(&back).await.body.contains(REFUSED), "an attempt is good for ten minutes");
    town.stop().await;

    let town = Town::start_with(false, Ahead::default(), |config, _| {
        let own = "https://truc.tinh-a.example".to_owned();
        config.console.as_mut().unwrap().oidc = Some(listed("http://127.0.0.1:1/tinh", own));
    })
    .await;
    let page = Visitor::of(&town).get("/sign-in/oidc").await;
    assert!(page.body.contains("Nhà cung cấp đăng nhập đang không trả lời"), "{}", page.body);
    town.account("viewer", Role::Viewer, None).await;
    assert_eq!(town.signed_in("viewer").await.get("/documents").await.status, 200, "a password goes on");
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_others_use_lets_people_in() {
    let back = format!("https://truc.tinh-a.example{OIDC_BACK}");
    let provider = glewlwyd::Glewlwyd::start(&back, "lan").await;
    let issuer = provider.issuer();
    let town = Town::start_with(true, Ahead::default(), |config, folder| {
        let secret = folder.join("client-secret");
        fs::write(&secret, glewlwyd::SECRET).unwrap();
        let own = listed(&issuer, "https://truc.tinh-a.example".to_owned());
        config.console.as_mut().unwrap().oidc =
            Some(Oidc { client_id: glewlwyd::CLIENT.to_owned(), client_secret_file: Some(secret), ..own });
    })
    .await;
    town.account("admin", Role::Administrator, None).await;
    let secret = town.factor("admin").await;
    let mut admin = Visitor::of(&town);
    admin.sign_in("admin", PASSWORD, &town.number(&secret)).await;
    add(&admin, "lan").await;
    let mut lan = Visitor::of(&town);
    let page = lan.get("/sign-in/oidc?to=/stuck").await;
    lan.cookie = kept(&page, "lienthong-attempt").unwrap();
    let sent_back = provider.agrees("lan", page.header("location").unwrap()).await;
    let page = lan.get(sent_back.strip_prefix("https://truc.tinh-a.example").expect(&sent_back)).await;
    lan.cookie = kept(&page, "lienthong").expect(&page.body);
    assert_eq!(lan.get("/stuck").await.status, 200);
    town.stop().await;
}
