//! What stands around every page.

use lienthong_contract::{DocId, Instant, Text};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::access::Right;
use super::http::Problem;
use super::words::{Lang, machine, moment};
use super::{Call, Console, Who, access};

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(pub const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    PRODUCT "Liên Thông" / "Liên Thông"
    SKIP "Đến nội dung chính" / "Skip to the main part"
    MENU "Trang" / "Pages"
    OVERVIEW "Tổng quan" / "Overview"
    DOCUMENTS "Văn bản" / "Documents"
    STUCK "Ách tắc" / "Stuck"
    PROPOSALS "Chờ duyệt" / "Proposals"
    ALARMS "Cảnh báo" / "Alarms"
    CERTIFICATES "Chứng thư" / "Certificates"
    CANARY "Văn bản thử" / "Test documents"
    STATISTICS "Thống kê" / "Statistics"
    AGENCIES "Cơ quan" / "Agencies"
    SYSTEMS "Hệ thống" / "Systems"
    ACCOUNTS "Tài khoản" / "Accounts"
    AUDIT "Nhật ký thao tác" / "Record of acts"
    SIGN_OUT "Đăng xuất" / "Sign out"
    PASSWORD "Mật khẩu" / "Password"
    BACK "Quay lại" / "Back"
    TROUBLE "Không thực hiện được" / "That could not be done"
}

/// The pages of the menu, each with the right that it needs.
const PAGES: &[(&str, Text, Right)] = &[
    ("/overview", OVERVIEW, Right::Gateway),
    ("/documents", DOCUMENTS, Right::Documents),
    ("/stuck", STUCK, Right::Gateway),
    ("/proposals", PROPOSALS, Right::Operate),
    ("/alarms", ALARMS, Right::Gateway),
    ("/certificates", CERTIFICATES, Right::Gateway),
    ("/canary", CANARY, Right::Gateway),
    ("/statistics", STATISTICS, Right::Documents),
    ("/agencies", AGENCIES, Right::Gateway),
    ("/systems", SYSTEMS, Right::Administer),
    ("/accounts", ACCOUNTS, Right::Administer),
    ("/audit", AUDIT, Right::Audit),
];

/// A page.
pub fn page(call: &Call<'_>, title: &str, main: &Markup) -> Markup {
    let path = call.head.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    framed(call.console, (call.lang, path), call.who.as_ref(), title, main)
}

/// A page for everybody: the same whoever looks at it.
pub fn open(call: &Call<'_>, title: &str, main: &Markup) -> Markup {
    framed(call.console, (call.lang, call.head.uri.path()), None, title, main)
}

/// The page of a problem.
pub fn problem(console: &Console, problem: &Problem, who: Option<&Who>, lang: Lang) -> Markup {
    let main = html! {
        h1 { (lang.say(&TROUBLE)) }
        p.verdict.bad role="alert" { (lang.say(&problem.text)) }
        @if let Some(more) = &problem.more { p { (more) } }
        p { a href="/" { (lang.say(&BACK)) } }
    };
    framed(console, (lang, "/"), who, lang.say(&TROUBLE), &main)
}

fn framed(console: &Console, (lang, path): (Lang, &str), who: Option<&Who>, title: &str, main: &Markup) -> Markup {
    let back: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let other = lang.other();
    let here = path.split(['?', '#']).next().unwrap_or_default();
    html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (lang.say(&PRODUCT)) " · " (console.desk.hop) }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                script src="/live.js" defer {}
            }
            body {
                a.skip href="#main" { (lang.say(&SKIP)) }
                header.top {
                    p.product { strong { (lang.say(&PRODUCT)) } " " span.hop { (console.desk.hop) } }
                    @if let Some(who) = who {
                        nav aria-label=(lang.say(&MENU)) {
                            ul {
                                @for (to, name, _) in PAGES.iter().filter(|(_, _, right)| access::has(&who.account, *right)) {
                                    @let current = (here == *to || here.starts_with(&format!("{to}/"))).then_some("page");
                                    li { a href=(to) aria-current=[current] { (lang.say(name)) } }
                                }
                            }
                        }
                    }
                    div.self {
                        a href=(format!("/language?to={}&back={back}", other.code())) lang=(other.code()) hreflang=(other.code()) {
                            (other.of_two("Tiếng Việt", "English"))
                        }
                        @if let Some(who) = who {
                            a href="/account/password" title=(lang.say(&PASSWORD)) { (who.account.full_name) }
                            form method="post" action="/sign-out" {
                                (token(&who.session.csrf))
                                button.plain type="submit" { (lang.say(&SIGN_OUT)) }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" { (main) }
            }
        }
    }
}

/// The field by which a form is known for one of ours.
pub fn token(csrf: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(csrf); }
}

/// A moment, for people and machines.
pub fn time(at: Instant) -> Markup {
    html! { time datetime=(machine(at)) { (moment(at)) } }
}

/// A link to a document.
pub fn document_link(doc_id: DocId, text: &str) -> Markup {
    html! { a href=(format!("/documents/{doc_id}")) { (text) } }
}

/// Nothing, where a cell would be empty to a reader.
pub fn dash() -> Markup {
    PreEscaped("<span aria-hidden=\"true\">—</span>".to_owned())
}
