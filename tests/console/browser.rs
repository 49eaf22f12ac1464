//! The console in a real browser (Chromium without a window, driven over WebDriver): with the keyboard alone, on an old
//! desktop's screen and on a phone's. The rules of axe-core, which the browser brings along, hold on each page. Each page is
//! photographed; with `LIENTHONG_SCREENSHOTS=docs/console` the pictures of the guide are made anew.

mod alone;
mod provided;
mod together;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{eventually, folder};
use crate::town::PASSWORD;

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

/// Presses Tab, wherever the focus is: keys that are sent to a field for a file would name one.
async fn tab(browser: &Client) {
    let value = Key::Tab.into();
    let keys = KeyActions::new("keys".to_owned()).then(KeyAction::Down { value }).then(KeyAction::Up { value });
    browser.perform_actions(keys).await.unwrap();
}

/// Presses Tab until the link or button of this name has the focus, then Enter.
async fn reach(browser: &Client, name: &str) {
    for _ in 0..120 {
        let focused = browser
            .execute("const e = document.activeElement; return (e.innerText || e.value || e.id || '').trim()", vec![]);
        if focused.await.unwrap().as_str() == Some(name) {
            return;
        }
        tab(browser).await;
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
        tab(browser).await;
    }
    panic!("no way to the field {id:?} with the keyboard");
}

/// Presses Tab until this element has the focus, then the space bar.
async fn ticks(browser: &Client, css: &str) {
    for _ in 0..120 {
        let there = browser.execute("return document.activeElement.matches(arguments[0])", vec![css.into()]);
        let there = there.await.unwrap();
        if there == Value::Bool(true) {
            return browser.active_element().await.unwrap().send_keys(" ").await.unwrap();
        }
        tab(browser).await;
    }
    panic!("no way to {css:?} with the keyboard");
}

async fn sign_in(browser: &Client, name: &str) {
    types(browser, "name", name).await;
    types(browser, "password", PASSWORD).await;
    browser.active_element().await.unwrap().send_keys(&Key::Enter.to_string()).await.unwrap();
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
