//! Every certificate in use with the days that it has left.

use lienthong_contract::Text;
use maud::{Markup, html};

use super::super::Call;
use super::super::frame::dash;
use super::super::http::{Answer, Reply};
use crate::certificates::{InUse, State};

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    TITLE "Chứng thư" / "Certificates"
    HOW "Diễn tập thay chứng thư với từng trục: lienthong admin certificates --help" /
        "To rehearse a change with each neighbour: lienthong admin certificates --help"
    USE "Dùng để" / "Used for"
    OF "Của" / "Of"
    LEFT "Còn" / "Left"
    UNTIL "Đến" / "Until"
    STATE "Tình trạng" / "State"
    AFTER "Chứng thư kế tiếp" / "Successor"
    PLACE "Ở đâu" / "Where"
    DAYS "ngày" / "days"
    OVERLAP "chồng lấn" / "overlap"
}

pub async fn page(call: &Call<'_>) -> Answer {
    let lang = call.lang;
    let all = call.console.certificates.all();
    let main = html! {
        h1 { (lang.say(&TITLE)) }
        div.wide tabindex="0" { table.cards {
            thead { tr { @for head in [USE, OF, STATE, LEFT, UNTIL, AFTER, PLACE] { th scope="col" { (lang.say(&head)) } } } }
            tbody { @for one in all.iter() { (row(call, one)) } }
        } }
        p.note { (lang.say(&HOW)) }
    };
    Ok(Reply::Page(lang.say(&TITLE).to_owned(), main))
}

fn row(call: &Call<'_>, one: &InUse) -> Markup {
    let lang = call.lang;
    let class = match one.state {
        State::Good => "good",
        State::Expiring | State::NotKnown | State::NotYetValid => "warn",
        State::Expired | State::Unreadable => "bad",
    };
    html! {
        tr class=[(class == "bad").then_some("bad")] {
            th scope="row" { (lang.say(&one.what.title())) }
            td data-name=(lang.say(&OF)) { (one.label()) @if let Some(error) = &one.error { div.bad { (error) } } }
            td data-name=(lang.say(&STATE)) { span class=(class) { (lang.say(&one.state.title())) } }
            td data-name=(lang.say(&LEFT)) { @match one.days_left { Some(days) => { (days) " " (lang.say(&DAYS)) }, None => (dash()) } }
            td data-name=(lang.say(&UNTIL)) { @match one.not_after { Some(end) => (end.in_vietnam().strftime("%d/%m/%Y").to_string()), None => (dash()) } }
            td data-name=(lang.say(&AFTER)) {
                @match &one.overlap {
                    Some(next) => { (next.not_after.in_vietnam().strftime("%d/%m/%Y").to_string()) " · " (lang.say(&OVERLAP)) " " (next.overlap_days) " " (lang.say(&DAYS)) },
                    None => (dash()),
                }
            }
            td.said data-name=(lang.say(&PLACE)) { (one.place) }
        }
    }
}
