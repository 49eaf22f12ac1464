//! What became of what the axis took: `getSentEdocList`, a document at a time.

use std::collections::HashMap;

use lienthong_contract::AgencyCode;
use lienthong_contract::outlet::{Awaited, Inside, News, Report};
use serde_json::Value;

use super::attend::{Round, Troubles};
use super::{Account, Parts, same};
use crate::wire::answer::code;
use crate::wire::client::Call;

/// Documents asked about in one round; the next one goes on behind them.
const ASKED_AT_ONCE: usize = 500;
/// Read from the store at a time. One document to more recipients than this is asked about more than once.
const PAGE: usize = 500;

/// Goes through what is awaited, again and again.
pub struct Asked<'a> {
    axis: &'a Parts,
    inside: &'a Inside,
    /// How far it has come.
    place: i64,
}

impl<'a> Asked<'a> {
    pub const fn new(axis: &'a Parts, inside: &'a Inside) -> Self {
        Self { axis, inside, place: 0 }
    }

    pub async fn round(&mut self) -> Round {
        match self.some().await {
            Ok(()) => Round::Finished,
            Err(why) => Round::BrokeOff(why),
        }
    }

    async fn some(&mut self) -> Result<(), String> {
        let mut asked = 0;
        // Each account's own: one that is not let in must not keep the others from being asked.
        let mut troubles: HashMap<String, Result<Troubles, String>> = HashMap::new();
        while asked < ASKED_AT_ONCE {
            let awaited = self.inside.reports.awaited(&self.inside.outlet, self.place, PAGE).await;
            let awaited = awaited.map_err(|refusal| format!("{:?}", refusal.cause))?;
            // The recipients of one packet left together and stand together.
            for document in awaited.chunk_by(|one, next| one.id == next.id && one.is_status == next.is_status) {
                let (Some(first), Some(last)) = (document.first(), document.last()) else { continue };
                // Also where nothing came of it: it must not stand before the others for ever.
                self.place = last.place;
                // Nobody speaks for its sender any more: it ends at its deadline.
                let Some(account) = self.axis.account(&first.from) else { continue };
                let of_account = troubles.entry(account.id.clone()).or_insert_with(|| Ok(Troubles::default()));
                let Ok(note) = of_account else { continue };
                let went = self.ask(&account, first, document).await;
                if let Err(why) = note.note(self.inside, &first.id, went) {
                    tracing::error!(outlet = %self.inside.outlet, account = account.id, why, "what became of an account's documents cannot be asked now");
                    *of_account = Err(why);
                }
                asked = asked.saturating_add(1);
            }
            if awaited.len() < PAGE {
                self.place = 0;
                break;
            }
        }
        let mut given_up = troubles.into_values().map(|of_account| of_account.map(drop));
        match given_up.next() {
            // Not one of them can be asked.
            Some(Err(why)) if given_up.all(|of_account| of_account.is_err()) => Err(why),
            _ => Ok(()),
        }
    }

    async fn ask(&self, account: &Account, first: &Awaited, document: &[Awaited]) -> Result<(), String> {
        let kind = if first.is_status { "status" } else { "edoc" };
        let said = self.axis.ask_again(account, Call::Sent { doc_id: &first.id, kind }).await?;
        if said.code == u32::from(code::WRONG_SYSTEM) {
            return Err(format!("getSentEdocList: {} {}", said.code, said.description));
        }
        let rows = match said.rows() {
            Ok(rows) if said.is_ok() => rows,
            _ => {
                let (outlet, doc_id, code) = (&self.inside.outlet, &first.id, said.code);
                tracing::warn!(%outlet, doc_id, code, why = said.description, "the system outside does not say what became of a document");
                return Ok(());
            }
        };
        for one in document {
            let Some((news, words)) = rows.iter().filter(|row| is_of(row, one)).find_map(news) else {
                continue;
            };
            let report =
                Report { id: one.id.clone(), recipient: Some(one.recipient.clone()), news, words: Some(words) };
            let told = self.inside.reports.report(&self.inside.outlet, report).await;
            told.map_err(|refusal| format!("{:?}", refusal.cause))?;
        }
        Ok(())
    }
}

fn text<'a>(row: &'a Value, names: &[&str]) -> &'a str {
    let found = names.iter().filter_map(|name| row.get(*name)?.as_str());
    found.map(str::trim).find(|text| !text.is_empty()).unwrap_or_default()
}

/// Whether a row speaks of this recipient. One that names neither another document nor a recipient speaks of the only one there
/// ever was: of several it may mean any, also one whose end is known.
fn is_of(row: &Value, one: &Awaited) -> bool {
    let names = ["docId", "senderDocId", "receiverDocId"].map(|name| text(row, &[name]));
    if names.iter().any(|name| !name.is_empty()) && names.iter().all(|name| *name != one.id) {
        return false;
    }
    match text(row, &["toCode", "to"]) {
        "" => one.recipients == 1,
        to => to.parse().is_ok_and(|to: AgencyCode| same(&to, &one.recipient)),
    }
}

/// What a row says, when it is the end.
fn news(row: &Value) -> Option<(News, String)> {
    let (sent, received) = (text(row, &["sendStatus"]), text(row, &["receiveStatus", "status"]));
    let words = text(row, &["receiveStatusDesc", "status_desc", "sendStatusDesc"]);
    let is = |found: &str, word: &str| found.eq_ignore_ascii_case(word);
    let news = if is(sent, "fail") {
        News::Undeliverable
    } else if is(received, "done") {
        News::Received
    } else if is(received, "fail") {
        // Its system had it and gave it back.
        News::Refused
    } else {
        return None;
    };
    let state = if news == News::Undeliverable { sent } else { received };
    Some((news, format!("{state} {words}").trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn awaited(recipient: &str) -> Awaited {
        #[allow(clippy::unwrap_used)]
        let code = |text: &str| text.parse().unwrap();
        let (from, recipient) = (code("H37.90"), code(recipient));
        Awaited { id: "d1".to_owned(), from, recipient, recipients: 2, is_status: false, place: 1 }
    }

    #[test]
    fn a_row_speaks_of_its_recipient_in_either_spelling_and_in_either_set_of_fields() {
        let (one, other) = (awaited("H37.90"), awaited("G09.90"));
        for row in [json!({"docId": "d1", "toCode": "000.00.90.H37"}), json!({"to": "h37.90"})] {
            assert!(is_of(&row, &one) && !is_of(&row, &other), "{row}");
        }
        assert!(!is_of(&json!({"docId": "d2", "to": "H37.90"}), &one));
        assert!(is_of(&json!({"docId": "far", "senderDocId": "d1", "to": "H37.90"}), &one));
        let nobody = json!({"docId": "d1", "to": ""});
        let alone = Awaited { recipients: 1, ..one.clone() };
        assert!(!is_of(&nobody, &one) && is_of(&nobody, &alone));
    }

    #[test]
    fn only_an_end_is_news() {
        let came = |row: Value| news(&row).map(|(news, _)| news);
        assert_eq!(came(json!({"sendStatus": "done", "receiveStatus": "DONE"})), Some(News::Received));
        assert_eq!(came(json!({"status": "done"})), Some(News::Received));
        assert_eq!(came(json!({"sendStatus": "done", "receiveStatus": "fail"})), Some(News::Refused));
        assert_eq!(came(json!({"sendStatus": "Fail", "receiveStatus": "fail"})), Some(News::Undeliverable));
        for open in [
            json!({"sendStatus": "done", "receiveStatus": "initial"}),
            json!({"sendStatus": "processing"}),
            json!({"receiveStatus": null}),
            json!({}),
            json!(7),
        ] {
            assert_eq!(came(open), None);
        }
        let row = json!({"sendStatus": "done", "receiveStatus": "fail", "receiveStatusDesc": "sai noi nhan"});
        assert_eq!(news(&row).map(|(_, words)| words).as_deref(), Some("fail sai noi nhan"));
    }
}
