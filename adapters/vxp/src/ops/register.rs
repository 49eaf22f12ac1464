//! `registerAgency` and `deleteAgency`: wishes that wait for an administrator.
//!
//! The body of `registerAgency` is not signed, and a signature may come again for days: whoever overhears one request
//! could ask for anything. So nothing takes effect here; the same wish again is the same wish.

use std::sync::Arc;

use lienthong_contract::AgencyCode;
use lienthong_contract::catalogue::{NewAgency, Noted, Wish};
use serde_json::{Map, Value};

use super::refused;
use crate::door::{Caller, Door};
use crate::wire::answer::Answer;
use crate::wire::answer::code::{INVALID, SENDER_NOT_REGISTERED, SYSTEM_ERROR};

/// Longest text in a registration, in characters: as long as the name of an agency may be.
const MAX_TEXT: usize = 400;

pub async fn register(door: &Arc<Door>, caller: Caller, body: &[u8]) -> Answer {
    let agency = match read(body) {
        Ok(agency) => agency,
        Err(fault) => return Answer::fail(INVALID, fault),
    };
    if door.doors.systems.agency(&caller.system, &agency.code).is_some() {
        return Answer { description: "Don vi nay da duoc dang ky cho he thong".to_owned(), ..Answer::ok() };
    }
    ask(door, caller, Wish::Register(agency)).await
}

pub async fn withdraw(door: &Arc<Door>, caller: Caller) -> Answer {
    let text = caller.parameters.get("AgencyCode").unwrap_or_default().to_owned();
    let Ok(code) = text.parse::<AgencyCode>() else {
        return Answer::fail(INVALID, "Thieu ma don vi (AgencyCode), hoac ma khong dung dang");
    };
    // The same for an agency of another system and for none at all.
    let Some(own) = door.doors.systems.agency(&caller.system, &code) else {
        let told = format!("Don vi {code} khong dung voi ma da dang ky: {}", caller.system.id);
        return Answer::fail(SENDER_NOT_REGISTERED, told);
    };
    ask(door, caller, Wish::Withdraw(own)).await
}

async fn ask(door: &Arc<Door>, caller: Caller, wish: Wish) -> Answer {
    let registrations = Arc::clone(&door.doors.registrations);
    let asked = door.work.spawn(async move { registrations.ask(&caller.system, caller.from, wish).await }).await;
    match asked {
        Ok(Ok(Noted::Waiting)) => {
            Answer { description: "Da ghi nhan yeu cau, cho quan tri vien duyet".to_owned(), ..Answer::ok() }
        }
        Ok(Ok(Noted::TooMany)) => {
            Answer::fail(SYSTEM_ERROR, "Qua nhieu yeu cau dang cho quan tri vien duyet, xin thu lai sau")
        }
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => Answer::fail(SYSTEM_ERROR, "Loi he thong"),
    }
}

fn read(body: &[u8]) -> Result<NewAgency, String> {
    let fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| "Thong tin don vi khong phai la mot doi tuong JSON".to_owned())?;
    // Clients of other make write the names as they like.
    let field = |name: &str| -> Result<Option<String>, String> {
        let value = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let text = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(format!("Truong {name} phai la van ban")),
        };
        if text.chars().count() > MAX_TEXT || text.contains(char::is_control) {
            return Err(format!("Truong {name} qua dai (toi da {MAX_TEXT} ky tu) hoac co ky tu dieu khien"));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    let code = |name: &str| -> Result<Option<AgencyCode>, String> {
        let text = field(name)?;
        text.map(|text| text.parse().map_err(|_| format!("Truong {name} khong phai la ma don vi"))).transpose()
    };
    // What stands above may be an id of the client's own; it is kept when it is a code.
    let parent = code("pcode").unwrap_or_default().or(code("pid").unwrap_or_default());
    Ok(NewAgency {
        code: code("code")?.ok_or("Thieu ma don vi (code)")?,
        name: field("name")?.ok_or("Thieu ten don vi (name)")?,
        parent,
        id: field("id")?,
        mail: field("mail")?,
        mobile: field("mobile")?,
        fax: field("fax")?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_registration_is_read_in_the_forms_of_all_clients_and_says_what_is_missing() {
        let agency =
            read(br#"{"id":"7","pcode":"H37","code":"h37.93","name":" So Thi du ","mail":null,"mobile":84,"fax":""}"#);
        let agency = agency.unwrap();
        assert_eq!((agency.code.as_str(), agency.name.as_str()), ("H37.93", "So Thi du"));
        assert_eq!((agency.parent.unwrap().as_str(), agency.id.as_deref()), ("H37", Some("7")));
        assert_eq!((agency.mail, agency.mobile.as_deref(), agency.fax), (None, Some("84"), None));
        let other = read(r#"{"pid":"H37","Code":"H37.93","Name":"Sở Thí dụ"}"#.as_bytes()).unwrap();
        assert_eq!(other.parent.unwrap().as_str(), "H37");
        for (bad, named) in [
            ("", "JSON"),
            ("[]", "JSON"),
            ("{}", "(code)"),
            (r#"{"code":"H37.93"}"#, "(name)"),
            (r#"{"code":"?","name":"a"}"#, "code"),
            (r#"{"code":{},"name":"a"}"#, "code"),
            (r#"{"code":"H37.93","name":"a\u0000b"}"#, "name"),
        ] {
            assert!(read(bad.as_bytes()).unwrap_err().contains(named), "{bad}");
        }
        let long = format!(r#"{{"code":"H37.93","name":"{}"}}"#, "a".repeat(MAX_TEXT + 1));
        assert!(read(long.as_bytes()).is_err());
    }
}
