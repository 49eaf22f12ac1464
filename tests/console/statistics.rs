//! Documents sent and acknowledged over a weekend and over Tết: what the pages, the files, the feed and the public are told of them.

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use lienthong::clock::SystemClock;
use lienthong::config::{Feed, Statistics};
use lienthong::store::console::Role;
use lienthong_contract::Clock;
use lienthong_contract::door::Acknowledgement;
use serde_json::{Value, json};

use crate::support::eventually;
use crate::town::{Ahead, Page, Town, Visitor};

const TOKEN: &str = "một-mã-không-dùng-được";
const GOOD_TOKEN: &str = "thi-du-ma-truy-cap-thong-ke-2027";

/// The Wednesday before a Tết of the next year that its calendar moves to March: Thursday to Wednesday.
fn eve() -> Date {
    let year = SystemClock.now().in_vietnam().year() + 1;
    date(year, 3, 1).nth_weekday_of_month(1, Weekday::Wednesday).unwrap()
}

/// A town on that day, at three in the afternoon.
async fn town() -> Town {
    let clock = Ahead::default();
    clock.to(eve().at(15, 0, 0, 0));
    Town::start_with(false, clock, |config, folder| {
        let (from, to) = (eve() + 1.day(), eve() + 7.days());
        let calendar = format!(
            "[[year]]\nyear = {}\nknown = true\nreplace = true\nsource = \"thí dụ\"\n\
             off = [{{ from = \"{from}\", to = \"{to}\", name = \"Tết (thí dụ)\" }}]\n",
            eve().year()
        );
        let (file, token) = (folder.join("lich.toml"), folder.join("token"));
        std::fs::write(&file, calendar).unwrap();
        std::fs::write(&token, format!("{GOOD_TOKEN}\n")).unwrap();
        config.statutory.calendar = Some(file);
        let feed = Feed { header: "x-ioc-token".to_owned(), token_file: token, second_token_file: None };
        config.statistics = Statistics { public: true, public_least: 10, feed: Some(feed) };
        let mistakes = config.check().err().map(|mistakes| mistakes.0).unwrap_or_default();
        assert!(!mistakes.iter().any(|mistake| mistake.key.starts_with("stat")), "{mistakes:?}");
    })
    .await
}

/// Five letters, of which two are late, and two acknowledgements, of which one is.
async fn two_weeks(town: &Town) -> Vec<lienthong_contract::DocId> {
    let (eve, thursday, friday, monday) = (eve(), eve() + 8.days(), eve() + 9.days(), eve() + 12.days());
    let recipient = town.agency("H37.91", "province-a");
    let mut sent = Vec::new();
    for (nr, (signed, at)) in (1..).zip([
        (eve, eve.at(15, 0, 0, 0)),
        (eve, thursday.at(11, 0, 0, 0)),
        (eve, thursday.at(14, 0, 0, 0)),
        (friday, monday.at(9, 0, 0, 0)),
        (friday, monday.at(15, 0, 0, 0)),
    ]) {
        town.clock.to(at);
        let subject = "Về việc nghỉ Tết (thí dụ)";
        sent.extend(town.send_of(signed, "H37.90", &["H37.91"], nr..nr + 1, subject).await);
        // The first one is taken at once, the second one four days later.
        if nr == 1 || nr == 4 {
            let inbox = recipient.client.inbox(None, None, Some(1)).await.unwrap();
            let first = inbox.items.first().unwrap();
            recipient.client.acknowledge(first.id, &Acknowledgement::Accept).await.unwrap();
        }
    }
    sent
}

async fn feed(visitor: &Visitor, path: &str, headers: &str) -> Page {
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\n{headers}connection: close\r\n\r\n");
    visitor.raw(head.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_time_over_weekends_and_holidays_is_told_everywhere_alike() {
    let town = town().await;
    town.account("all", Role::Viewer, None).await;
    town.account("one", Role::Viewer, Some("H37.91")).await;
    let sent = two_weeks(&town).await;
    let (all, one) = (town.signed_in("all").await, town.signed_in("one").await);
    let month = format!("{}-03", eve().year());

    // The page: three of five on time; one of two acknowledgements, three to come, of which one is overdue.
    let at = format!("/statistics?period={month}");
    let page = town.says(&all, &at, "60,0%").await;
    for part in [
        "50,0%",
        "<strong class=\"warn\">2</strong>Hết hạn xác nhận hôm nay",
        "<strong class=\"bad\">1</strong>Quá hạn xác nhận",
        "<svg class=\"chart\"",
        "<desc",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("style=") && !page.contains("chưa được công bố đủ"), "{page}");
    let quiet = all.get(&format!("{at}&urgency=urgent")).await;
    assert!(quiet.body.contains("Không có văn bản nào trong kỳ này."));
    assert!(all.get("/statistics?period=2026-99&agency=%21").await.body.contains("Không có cơ quan mang mã này."));
    // The province with all below it.
    let province = all.get(&format!("{at}&agency=H37&below=1")).await;
    assert!(province.body.contains("60,0%") && province.body.contains("(H37.91)"), "{}", province.body);
    assert!(all.get(&format!("{at}&agency=H37")).await.body.contains("Không có văn bản nào trong kỳ này."));
    // Whoever is bound to an agency is shown its own figures, whatever is asked for.
    let own = one.get(&format!("{at}&agency=H37&below=1")).await;
    assert!(own.body.contains("50,0%") && !own.body.contains("60,0%"), "{}", own.body);

    // The files.
    let csv = all.get(&format!("/statistics/export.csv?period={month}")).await;
    assert!(csv.body.starts_with('\u{feff}') && csv.header("content-disposition").unwrap().contains(&month));
    let line = csv.body.lines().find(|line| line.starts_with("\"H37.90\"")).unwrap();
    assert!(line.contains("\"2\",\"5\",\"5\",\"3\",\"2\",\"0\",\"60.0\""), "{line}");
    let own = one.get(&format!("/statistics/export.csv?period={month}&agency=H37.90")).await;
    assert!(!own.body.contains("H37.90"), "{}", own.body);
    let xlsx = all.get(&format!("/statistics/export.xlsx?period={month}")).await;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(xlsx.bytes)).unwrap();
    let range = book.worksheet_range("Cơ quan").unwrap();
    let row = range.rows().find(|row| row[0] == Data::String("H37.91".to_owned())).unwrap();
    let number = |column: usize| row[column].clone();
    assert_eq!(
        (number(11), number(12), number(13), number(14), number(15)),
        (Data::Float(5.0), Data::Float(1.0), Data::Float(1.0), Data::Float(3.0), Data::Float(50.0))
    );

    // The document's page and the overview.
    let page = all.get(&format!("/documents/{}", sent[1])).await.body;
    assert!(
        page.contains("Thời hạn gửi: <span class=\"tag good\">đúng hạn")
            && page.contains("Thời hạn xác nhận: <span class=\"tag bad\">trễ"),
        "{page}"
    );
    let page = all.get(&format!("/documents/{}", sent[2])).await.body;
    assert!(page.contains("Thời hạn gửi: <span class=\"tag bad\">trễ 2 giờ") && page.contains("đã quá hạn"), "{page}");
    let page = all.get(&format!("/documents/{}", sent[4])).await.body;
    assert!(page.contains("Thời hạn xác nhận: <span class=\"tag warn\">còn"), "{page}");
    town.says(&all, "/overview", "<strong class=\"warn\">2</strong>Hết hạn xác nhận hôm nay").await;

    told_outside(&town, &Visitor::of(&town), &month).await;
    town.stop().await;
}

/// The feed has exactly the members that its schema names.
fn is_as_described(told: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/statistics.schema.json")).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let is_of = |value: &Value, schema: &Value| {
        assert_eq!(names(value), names(&schema["properties"]));
        let required = schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        assert_eq!(names(value), required.collect());
    };
    is_of(told, &schema);
    is_of(&told["pending"], &schema["properties"]["pending"]);
    let entry = &schema["$defs"]["entry"];
    let entries: Vec<&Value> = ["days", "months"].iter().flat_map(|list| told[*list].as_array().unwrap()).collect();
    assert!(!entries.is_empty());
    for one in entries {
        is_of(one, entry);
        for part in ["sent", "received"].iter().filter(|part| !one[**part].is_null()) {
            is_of(&one[*part], &entry["properties"][*part]);
        }
    }
    assert_eq!(schema["properties"]["format"]["const"], told["format"]);
}

/// The feed, for whoever has the token, and the page for everybody.
async fn told_outside(town: &Town, stranger: &Visitor, month: &str) {
    for headers in [
        String::new(),
        "x-ioc-token: wrong\r\n".to_owned(),
        format!("x-ioc-token: {TOKEN}\r\n"),
        format!("authorization: {GOOD_TOKEN}\r\n"),
    ] {
        let refused = feed(stranger, "/statistics/feed.json", &headers).await;
        assert_eq!(refused.status, 401, "{headers}");
        assert!(!refused.body.contains("H37"), "{}", refused.body);
    }
    // Guessing is slowed down; whoever has the token is not.
    let mut guesses = 4;
    while feed(stranger, "/statistics/feed.json", "x-ioc-token: wrong\r\n").await.status == 401 {
        guesses += 1;
        assert!(guesses < 100, "nobody guesses so often within a minute");
    }
    assert_eq!(feed(stranger, "/statistics/feed.json", "x-ioc-token: wrong\r\n").await.status, 429);
    let good = format!("x-ioc-token: {GOOD_TOKEN}\r\n");
    let answer = feed(stranger, "/statistics/feed.json?days=31", &good).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told: Value = serde_json::from_slice(&answer.bytes).unwrap();
    assert_eq!((&told["format"], &told["hop"]), (&"lienthong-statistics-1".into(), &"province-a".into()));
    is_as_described(&told);
    assert!(told["updated_at"].as_str().unwrap().ends_with("+07:00"), "{told}");
    assert_eq!(told["pending"], json!({ "overdue": 1, "ending_today": 2, "later": 0 }));
    let entry = |list: &str, period: &str, agency: &str| {
        let entries = told[list].as_array().unwrap();
        entries.iter().find(|one| one["period"] == *period && one["agency"] == *agency).cloned().unwrap()
    };
    let monthly = entry("months", month, "H37.90");
    assert_eq!((&monthly["sent"]["on_time_percent"], &monthly["level"]), (&60.0.into(), &2.into()));
    let daily = entry("days", &(eve() + 8.days()).to_string(), "H37.90");
    assert_eq!((&daily["sent"]["documents"], &daily["sent"]["late"]), (&2.into(), &1.into()));
    assert_eq!(entry("months", month, "H37.91")["received"]["waiting"], 3);
    assert!(!answer.body.contains("nghỉ Tết"), "nothing of a document");
    let tag = answer.header("etag").unwrap();
    let again = feed(stranger, "/statistics/feed.json?days=31", &format!("{good}if-none-match: {tag}\r\n")).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));

    // The public: totals, no agency with fewer than ten documents alone.
    let page = eventually("the public's page has all", async || {
        let page = stranger.get("/public/statistics").await;
        page.body.contains("60,0%").then_some(page)
    })
    .await;
    assert!(page.header("cache-control").unwrap().starts_with("public, max-age="));
    assert!(
        page.body.contains("Các cơ quan khác, tính chung") && page.body.contains("Số liệu cập nhật lúc"),
        "{}",
        page.body
    );
    let names = town.province().desk.as_ref().unwrap().directory.snapshot();
    for code in ["H37.90", "H37.91"] {
        let name = &names.lookup(&code.parse().unwrap()).unwrap().name;
        assert!(!page.body.contains(name.as_str()) && !page.body.contains(code), "{code} is not shown alone");
    }
    assert!(!page.body.contains("Đăng xuất"), "the page is the same for everybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_out_unless_it_is_set_so() {
    let town = Town::start(false).await;
    let stranger = Visitor::of(&town);
    for path in ["/public/statistics", "/statistics/feed.json"] {
        assert_eq!(stranger.get(path).await.status, 404, "{path}");
    }
    town.stop().await;
}
