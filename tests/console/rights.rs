//! Who may see and do what: every page for every kind of account, and documents of one agency.

use lienthong::console::access::may;
use lienthong::console::routes::{Need, ROUTES, Verb};
use lienthong::store::console::Role;

use crate::support::eventually;
use crate::town::{PASSWORD, Town, Visitor};

/// A path of this route.
fn path(pattern: &str) -> String {
    pattern
        .replace("{doc}", "00000000-0000-7000-8000-000000000000")
        .replace("{cause}", "endpoint-down")
        .replace("{id}", "999")
        .replace("{name}", "nobody")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_refused_to_whoever_lacks_its_right() {
    let town = Town::start(false).await;
    let kinds = [
        ("viewer", Role::Viewer, None),
        ("bound", Role::Viewer, Some("H37.90")),
        ("operator", Role::Operator, None),
        ("auditor", Role::Auditor, None),
        ("admin", Role::Administrator, None),
    ];
    for (name, role, agency) in kinds {
        town.account(name, role, agency).await;
    }
    let stranger = Visitor::of(&town);
    assert!(ROUTES.len() > 30, "the table is the list of all pages");
    for route in ROUTES {
        let at = path(route.path);
        let page = match route.verb {
            Verb::Get => stranger.get(&at).await,
            Verb::Post => stranger.post(&at, &[]).await,
        };
        let shut_out = page.status == 403 || page.header("location").is_some_and(|to| to.starts_with("/sign-in?to="));
        assert_eq!(shut_out, route.need != Need::Public, "a stranger at {route:?}: {}", page.status);
    }
    for (name, role, agency) in kinds {
        let visitor = town.signed_in(name).await;
        // Signing out ends the session, and is everybody's.
        for route in ROUTES.iter().filter(|route| route.path != "/sign-out") {
            let at = path(route.path);
            let page = match route.verb {
                Verb::Get => visitor.get(&at).await,
                Verb::Post if route.takes_file => {
                    let token = visitor.token().await;
                    let body =
                        format!("--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--b--\r\n");
                    visitor.ask("POST", &at, "multipart/form-data; boundary=b", body.as_bytes()).await
                }
                Verb::Post => visitor.press(&at, &[]).await,
            };
            let allowed = match route.need {
                Need::Public | Need::SignedIn => true,
                Need::May(right) => may(role, agency.is_some(), right),
            };
            assert_eq!(page.status != 403, allowed, "{name} at {route:?}: {} {}", page.status, page.body);
            assert_ne!(page.status, 500, "{name} at {route:?}");
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        }
        assert_eq!(visitor.press("/sign-out", &[]).await.status, 303);
        assert!(visitor.get("/account/password").await.header("location").is_some(), "{name} is out");
    }
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_counts_only_with_its_sessions_token() {
    let town = Town::start(false).await;
    town.account("operator", Role::Operator, None).await;
    let (one, other) = (town.signed_in("operator").await, town.signed_in("operator").await);
    let what = "{\"act\":\"close\",\"destination\":\"nation\"}";
    let stolen = other.token().await;
    for fields in [vec![], vec![("csrf", "")], vec![("csrf", stolen.as_str())]] {
        let fields: Vec<_> = fields.into_iter().chain([("what", what), ("reason", "thử")]).collect();
        assert_eq!(one.post("/acts", &fields).await.status, 403);
    }
    let token = one.token().await;
    let body = format!("csrf={token}&reason=a&what=%7B%22act%22%3A%22close%22%2C%22destination%22%3A%22nation%22%7D");
    let from_elsewhere = format!(
        "POST /acts HTTP/1.1\r\nhost: {}\r\norigin: https://evil.example\r\ncookie: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        town.console(),
        one.cookie,
        body.len()
    );
    assert_eq!(one.raw(from_elsewhere.as_bytes()).await.status, 403);
    assert!(!town.province().delivery.states().iter().any(|(_, state)| state.closed), "nothing was done");
    assert_eq!(one.press("/acts", &[("what", what), ("reason", "thử")]).await.status, 200);
    assert!(town.province().delivery.states().iter().any(|(_, state)| state.closed));
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_bound_to_an_agency_reads_its_documents_alone() {
    let town = Town::start(false).await;
    town.account("one", Role::Viewer, Some("H37.91")).await;
    town.account("all", Role::Viewer, None).await;
    let own = town.send("H37.90", &["H37.91", "G09.90"], 1..2, "Về việc mở cửa thư viện").await[0];
    let foreign = town.send("H37.90", &["G09.90"], 2..3, "Về việc đóng cửa bến phà").await[0];
    let (one, all) = (town.signed_in("one").await, town.signed_in("all").await);
    let page = town.says(&all, "/documents?q=ben%20pha", "đóng cửa bến phà").await;
    assert!(!page.contains("thư viện"));
    let page = town.says(&one, "/documents", "mở cửa thư viện").await;
    assert!(!page.contains("bến phà"), "{page}");
    for query in ["?q=ben%20pha", "?agency=G09.90&q=ben", "?agency=H37.90", "?state=moving", "?state=mailbox"] {
        assert!(!one.get(&format!("/documents{query}")).await.body.contains("bến phà"), "{query}");
    }
    let page = one.get(&format!("/documents/{own}")).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("H37.91") && !page.body.contains("G09.90"), "of the others it is not told");
    for more in ["", "/packet", "/proof", "/receipt"] {
        assert_eq!(one.get(&format!("/documents/{foreign}{more}")).await.status, 404, "{more}");
        assert_eq!(all.get(&format!("/documents/{foreign}{more}")).await.status, 200, "{more}");
    }
    assert_eq!(one.get(&format!("/documents?q={foreign}")).await.status, 200, "no redirection to it");
    assert_eq!(all.get(&format!("/documents?q={foreign}")).await.status, 303);
    // The bytes are the very ones that were sent.
    let trace = town.agency("H37.90", "province-a").client.trace(foreign).await.unwrap();
    let packet = all.get(&format!("/documents/{foreign}/packet")).await;
    assert_eq!(lienthong_contract::Digest::of(&packet.bytes), trace.digest);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_takes_both_factors_and_too_many_wrong_ones_lock() {
    let town = Town::start(true).await;
    town.account("admin", Role::Administrator, None).await;
    let mut visitor = Visitor::of(&town);
    // Without a second factor one goes nowhere but to set it up.
    visitor.sign_in("admin", PASSWORD, "").await;
    for path in ["/overview", "/documents", "/accounts"] {
        assert_eq!(visitor.get(path).await.header("location"), Some("/account/second-factor"));
    }
    assert!(visitor.get("/account/second-factor").await.body.contains("<svg"));
    let secret = town.factor("admin").await;
    visitor.cookie.clear();
    assert!(visitor.sign_in("admin", PASSWORD, "").await.body.contains("Không đăng nhập được"));
    assert!(
        visitor
            .sign_in("admin", "sai mật khẩu hoàn toàn", &town.number(&secret))
            .await
            .body
            .contains("Không đăng nhập được")
    );
    let number = town.number(&secret);
    assert_eq!(visitor.sign_in("admin", PASSWORD, &number).await.status, 303);
    assert_eq!(visitor.get("/overview").await.status, 200);
    let mut second = Visitor::of(&town);
    assert!(
        second.sign_in("admin", PASSWORD, &number).await.body.contains("Không đăng nhập được"),
        "a number is taken once"
    );

    for _ in 0..5 {
        second.sign_in("admin", "sai mật khẩu hoàn toàn", "000000").await;
    }
    town.clock.by_hours(0);
    let number = || town.number(&secret);
    assert!(second.sign_in("admin", PASSWORD, &number()).await.body.contains("Không đăng nhập được"), "it is locked");
    assert_eq!(visitor.get("/overview").await.status, 200, "who is signed in goes on");
    town.clock.by_hours(1);
    assert_eq!(second.sign_in("admin", PASSWORD, &number()).await.status, 303, "after a while it is open again");
    // Nobody learns whether a name exists.
    let unknown = Visitor::of(&town).post("/sign-in", &[("name", "nobody"), ("password", "x")]).await;
    let known = Visitor::of(&town).post("/sign-in", &[("name", "admin"), ("password", "x")]).await;
    assert_eq!(unknown.body, known.body);
    let record = town.says(&visitor, "/audit", "Đăng nhập bị từ chối").await;
    assert!(record.contains("Vị trí trong nhật ký"));
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_password_is_changed_first_and_a_disabled_account_is_out_at_once() {
    let town = Town::start(false).await;
    town.account("admin", Role::Administrator, None).await;
    let admin = town.signed_in("admin").await;
    let fields = [("name", "moi"), ("full_name", "Người Mới"), ("role", "operator"), ("agency", "")];
    let page = admin.press("/accounts", &fields).await.body;
    let given = page.split("id=\"password\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut new = Visitor::of(&town);
    new.sign_in("moi", &given, "").await;
    assert_eq!(new.get("/overview").await.header("location"), Some("/account/password"));
    let change = |old: &str, new: &str| [("old", old.to_owned()), ("new", new.to_owned()), ("again", new.to_owned())];
    for weak in ["ngắn quá", "moi-moi-moi-moi"] {
        let fields = change(&given, weak);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert!(new.press("/account/password", &fields).await.body.contains("role=\"alert\""), "{weak}");
    }
    let fields = change(&given, PASSWORD);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = new.press("/account/password", &fields).await;
    new.cookie = page.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(new.get("/overview").await.status, 200);
    assert_eq!(new.get("/accounts").await.status, 403);
    assert_eq!(admin.press("/accounts/moi", &[("do", "disable")]).await.status, 200);
    assert!(new.get("/overview").await.header("location").is_some(), "his session has ended");
    assert_eq!(admin.press("/accounts/admin", &[("do", "disable")]).await.status, 400, "nobody locks himself out");
    eventually("the record tells it", async || admin.get("/audit").await.body.contains("moi disable").then_some(()))
        .await;
    town.stop().await;
}
