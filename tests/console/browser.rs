//! The console in a real browser (Chromium without a window, driven over WebDriver): with the keyboard alone, on an old
//! desktop's screen and on a phone's. The rules of axe-core, which the browser brings along, hold on each page. Each page is photographed; with `LIENTHONG_SCREENSHOTS=docs/console` the pictures of
//! the guide are made anew.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use lienthong::store::console::Role;
use lienthong_contract::door::ConsignmentState;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::canary::between;
use crate::support::{eventually, folder};
use crate::town::{Ahead, PASSWORD, Town};

/// What speaks WebDriver to Chromium; it ends with the test.
struct Driver {
    child: Child,
    address: String,
    profiles: TempDir,
}

impl Driver {
    fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                let line = line.unwrap();
                let (_, port) = line.split_once("started successfully on port ")?;
                Some(port.trim_end_matches('.').to_owned())
            })
            .expect("chromedriver names its port");
        // What else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: format!("http://127.0.0.1:{port}"), profiles: folder() }
    }

    async fn browser(&self, name: &str, phone: bool) -> Client {
        let profile = self.profiles.path().join(name);
        let mut options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1366,768",
            format!("--user-data-dir={}", profile.display()),
        ]});
        if phone {
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0 } });
        }
        let capabilities = json!({ "goog:chromeOptions": options });
        let capabilities = capabilities.as_object().unwrap().clone();
        ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&self.address).await.unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn text(browser: &Client) -> String {
    browser.execute("return document.body.innerText", vec![]).await.unwrap().as_str().unwrap().to_owned()
}

async fn shows(browser: &Client, words: &str) {
    eventually(&format!("the page shows {words:?}"), async || text(browser).await.contains(words).then_some(())).await;
}

/// Presses Tab until the link or button of this name has the focus, then Enter.
async fn reach(browser: &Client, name: &str) {
    for _ in 0..120 {
        let focused = browser
            .execute("const e = document.activeElement; return (e.innerText || e.value || e.id || '').trim()", vec![]);
        if focused.await.unwrap().as_str() == Some(name) {
            return;
        }
        let active = browser.active_element().await.unwrap();
        active.send_keys(&Key::Tab.to_string()).await.unwrap();
    }
    panic!("no way to {name:?} with the keyboard");
}

async fn enter(browser: &Client, name: &str) {
    reach(browser, name).await;
    browser.active_element().await.unwrap().send_keys(&Key::Enter.to_string()).await.unwrap();
}

async fn types(browser: &Client, id: &str, text: &str) {
    for _ in 0..120 {
        let focused = browser.execute("return document.activeElement.id", vec![]).await.unwrap();
        if focused.as_str() == Some(id) {
            return browser.active_element().await.unwrap().send_keys(text).await.unwrap();
        }
        browser.active_element().await.unwrap().send_keys(&Key::Tab.to_string()).await.unwrap();
    }
    panic!("no way to the field {id:?} with the keyboard");
}

/// Everything came from the console itself, nothing is wider than the screen, every field has a label.
async fn is_sound((browser, axe): (&Client, &str), page: &str) {
    let script = "
        const foreign = performance.getEntriesByType('resource').map(r => r.name).filter(n => new URL(n).host !== location.host);
        const width = document.documentElement.clientWidth;
        const over = e => !e.closest('.wide') && e.getBoundingClientRect().right > width + 1;
        const wide = [...document.querySelectorAll('body *')].filter(over).slice(0, 3).map(e => e.outerHTML.slice(0, 200));
        if (document.documentElement.scrollWidth > width + 1) wide.push(document.documentElement.scrollWidth);
        const bare = [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
            .filter(f => !f.labels.length && !f.getAttribute('aria-label')).map(f => f.outerHTML);
        const mute = [...document.querySelectorAll('a, button')].filter(f => !f.textContent.trim() && !f.getAttribute('aria-label'))
            .map(f => f.outerHTML);
        const twice = [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) !== at);
        return { foreign, wide, bare, mute, twice, headings: document.querySelectorAll('h1').length, lang: document.documentElement.lang };";
    let found = browser.execute(script, vec![]).await.unwrap();
    let expected =
        json!({ "foreign": [], "wide": [], "bare": [], "mute": [], "twice": [], "headings": 1, "lang": found["lang"] });
    assert_eq!(found, expected, "{page}");
    assert!(matches!(found["lang"], Value::String(ref lang) if lang == "vi" || lang == "en"));
    is_accessible(browser, axe, page).await;
}

/// The rules of axe-core, as Chromium brings them along for its own developers' tools: told by the browser, from its bundle.
async fn axe(driver: &Driver, browser: &Client, name: &str) -> String {
    let port = std::fs::read_to_string(driver.profiles.path().join(name).join("DevToolsActivePort")).unwrap();
    let at = format!("127.0.0.1:{}", port.lines().next().unwrap());
    let mut stream = TcpStream::connect(&at).await.unwrap();
    let path = "/devtools/third_party/lighthouse/lighthouse-dt-bundle.js";
    let request = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // The connection stays open: the head tells how much there is.
    let (mut answer, mut whole) = (Vec::new(), None);
    while whole.is_none_or(|whole| answer.len() < whole) {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the bundle is whole");
        if whole.is_none()
            && let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
            whole = Some(end + 4 + length.trim().parse::<usize>().unwrap());
        }
    }
    let bundle = String::from_utf8(answer).unwrap();
    // It stands there as a template literal: up to the first back quote that no backslash is before.
    let from = bundle.find("`/*! axe v").expect("the bundle has axe-core");
    let mut end = from + 1;
    while !bundle[end..].starts_with('`') {
        end += if bundle[end..].starts_with('\\') { 2 } else { bundle[end..].chars().next().unwrap().len_utf8() };
    }
    let literal = &bundle[from..=end];
    let source = browser.execute("return eval(arguments[0])", vec![literal.into()]).await.unwrap();
    source.as_str().unwrap().to_owned()
}

/// No rule of axe-core is broken: contrast, names, roles, order of headings and the like.
async fn is_accessible(browser: &Client, axe: &str, page: &str) {
    browser.execute(axe, vec![]).await.unwrap();
    let script = "
        const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then(found => done({
            rules: found.testEngine.version ? found.passes.length : 0,
            violations: found.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 300))]),
        }), error => done({ violations: String(error) }));";
    let found = browser.execute_async(script, vec![]).await.unwrap();
    assert_eq!(found["violations"], json!([]), "{page}");
    assert!(found["rules"].as_u64().is_some_and(|rules| rules >= 10), "rules were looked at: {found}, {page}");
}

async fn photograph(browser: &Client, name: &str) {
    let folder = std::env::var_os("LIENTHONG_SCREENSHOTS")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let picture = browser.screenshot().await.unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_seen_and_mended_with_the_keyboard_alone() {
    let town = Town::start_with(false, Ahead::default(), |config, folder| {
        between(config, folder, "H37.90.05", "H37");
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
    types(&browser, "name", "admin").await;
    types(&browser, "password", PASSWORD).await;
    browser.active_element().await.unwrap().send_keys(&Key::Enter.to_string()).await.unwrap();
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
        ("/accounts", "Thêm tài khoản"),
        ("/audit", "Mở tuyến"),
        ("/proposals", "Không có đề nghị"),
        ("/account/second-factor", "quét hình"),
        ("/account/password", "Mật khẩu hiện nay"),
    ] {
        browser.goto(&format!("{home}{path}")).await.unwrap();
        shows(&browser, words).await;
        is_sound((&browser, &axe), path).await;
        // A picture of a key is no picture for a guide.
        if path != "/account/second-factor" {
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
