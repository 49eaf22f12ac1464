//! Answers: the base fields, and beside them what each call has.

use std::collections::HashSet;

use bytes::Bytes;
use hyper::StatusCode;
use lienthong_contract::catalogue::ListedAgency;
use lienthong_contract::door::{Refusal, RefusalCause};
use lienthong_door_kit::codes::code::{
    NO_SUCH_RECIPIENT, RECIPIENT_LOCKED, SENDER_NOT_REGISTERED, SYSTEM_ERROR, WRONG_SYSTEM,
};
use lienthong_door_kit::codes::of_finding;
use serde::Serialize;

pub const MEDIA_TYPE: &str = "application/json;charset=UTF-8";
/// The most errors of one answer.
const MAX_ERRORS: usize = 20;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    pub code: String,
    pub description: String,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `Fail`: it will not do. `Error`: it may later. `False`: nobody knows the caller.
    pub status: &'static str,
    pub errors: Vec<Error>,
}

impl Failure {
    #[must_use]
    pub fn new(code: &str, description: impl Into<String>) -> Self {
        Self { status: "Fail", errors: vec![Error { code: code.to_owned(), description: description.into() }] }
    }

    #[must_use]
    pub fn internal(description: &str) -> Self {
        Self { status: "Error", ..Self::new("InternalServer", description) }
    }

    /// The one answer to a call that does not prove who makes it.
    #[must_use]
    pub fn not_known() -> Self {
        Self { status: "False", ..Self::new("Unauthorized", "Sai organId hoặc mã xác thực (Authorization)") }
    }

    /// A refusal of the gateway's.
    #[must_use]
    pub fn of(refusal: &Refusal) -> Self {
        let later = matches!(refusal.cause, RefusalCause::Incomplete | RefusalCause::Unavailable);
        let errors = refusal.findings.iter().filter(|finding| finding.refuses()).take(MAX_ERRORS).map(|finding| {
            let found = finding.found.as_ref().map(|found| format!(": {found}")).unwrap_or_default();
            let description = format!("{}{found} [{}]", finding.title_vi.trim_end_matches('.'), finding.code);
            let code = match of_finding(finding, refusal.cause) {
                _ if refusal.cause == RefusalCause::Conflict => "ExistDoc".to_owned(),
                SYSTEM_ERROR => "InternalServer".to_owned(),
                WRONG_SYSTEM | SENDER_NOT_REGISTERED => "N.MessageHeaderFromOrganId".to_owned(),
                NO_SUCH_RECIPIENT | RECIPIENT_LOCKED => "N.MessageHeaderToOrganId".to_owned(),
                _ => finding
                    .element
                    .as_deref()
                    .map_or_else(|| "SendDocument".to_owned(), |path| format!("N.{}", joined(path))),
            };
            Error { code, description }
        });
        let errors: Vec<Error> = errors.collect();
        match (errors.is_empty(), later) {
            (true, true) => Self::internal("Hệ thống tạm thời không phục vụ được, xin thử lại sau"),
            (true, false) if refusal.cause == RefusalCause::Conflict => Self::new("ExistDoc", "Văn bản đã có"),
            (true, false) => Self::new("SendDocument", "Gói tin không được tiếp nhận"),
            (false, later) => Self { status: if later { "Error" } else { "Fail" }, errors },
        }
    }

    #[must_use]
    pub fn http(&self) -> StatusCode {
        if self.status == "False" { StatusCode::UNAUTHORIZED } else { StatusCode::OK }
    }

    #[must_use]
    pub fn to_json(&self) -> Bytes {
        json(&Base { status: self.status, code: "9999", errors: &self.errors, more: Nothing {} })
    }
}

/// A path of elements in the validator's spelling: names alone, without what is between them.
fn joined(path: &str) -> String {
    let names = path.split(['/', '.']).map(|name| name.rsplit(':').next().unwrap_or_default());
    let frame = ["edXML", "edXMLEnvelope", "edXMLHeader", "edXMLBody"];
    names.filter(|name| !frame.contains(name)).flat_map(str::chars).filter(char::is_ascii_alphanumeric).collect()
}

#[derive(Serialize)]
struct Base<'a, T> {
    status: &'a str,
    code: &'a str,
    errors: &'a [Error],
    #[serde(flatten)]
    more: T,
}

#[derive(Serialize)]
struct Nothing {}

fn json<T: Serialize>(answer: &T) -> Bytes {
    serde_json::to_vec(answer).unwrap_or_default().into()
}

/// Done, with what the call has beside the base fields.
fn done<T: Serialize>(code: &str, more: T) -> Bytes {
    json(&Base { status: "Success", code, errors: &[], more })
}

/// Done, and nothing to tell.
#[must_use]
pub fn confirmed() -> Bytes {
    done("0", Nothing {})
}

/// A document was taken.
#[must_use]
pub fn sent(number: i64) -> Bytes {
    #[derive(Serialize)]
    struct Sent {
        #[serde(rename = "docId")]
        doc_id: i64,
    }
    done("0", Sent { doc_id: number })
}

/// One that waits, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    pub doc_id: i64,
    pub organ_id: String,
}

/// What waits, in the server's form and in the one that the SDK reads.
#[must_use]
pub fn pending(data: &[Pending]) -> Bytes {
    #[derive(Serialize)]
    struct List<'a> {
        data: &'a [Pending],
        #[serde(rename = "docIDs")]
        doc_ids: Vec<i64>,
    }
    // For two agencies of one caller it is one document.
    let mut met = HashSet::new();
    let doc_ids = data.iter().map(|one| one.doc_id).filter(|number| met.insert(*number)).collect();
    done("0", List { data, doc_ids })
}

/// Whether there is such a document.
#[must_use]
pub fn exists(found: bool) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Exists {
        result: bool,
        is_exist: bool,
    }
    done("200", Exists { result: found, is_exist: found })
}

/// What stands before and behind a packet in base64.
pub const PACKET: [&str; 2] = [r#"{"status":"Success","code":"0","errors":[],"data":""#, r#""}"#];
/// What stands before and behind the rows of the organizations.
pub const ORGANIZATIONS: [&str; 2] = [r#"{"status":"Success","code":"0","errors":[],"organizations":["#, "]}"];

/// A row of the organizations; what the directory does not hold is empty.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization<'a> {
    organ_id: &'a str,
    organization_in_charge: &'a str,
    organ_name: &'a str,
    organ_add: &'a str,
    email: &'a str,
    telephone: &'a str,
    fax: &'a str,
    website: &'a str,
}

impl<'a> From<&'a ListedAgency> for Organization<'a> {
    fn from(agency: &'a ListedAgency) -> Self {
        Self {
            organ_id: agency.code.as_str(),
            organization_in_charge: agency.parent.as_ref().map(|parent| parent.as_str()).unwrap_or_default(),
            organ_name: &agency.name,
            organ_add: "",
            email: agency.mail.as_deref().unwrap_or_default(),
            telephone: "",
            fax: "",
            website: "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_base_fields_and_numbers_are_numbers() {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap_or_default();
        assert_eq!(text(sent(7)), r#"{"status":"Success","code":"0","errors":[],"docId":7}"#);
        assert_eq!(text(confirmed()), r#"{"status":"Success","code":"0","errors":[]}"#);
        assert_eq!(text(exists(true)), r#"{"status":"Success","code":"200","errors":[],"result":true,"isExist":true}"#);
        let one = |doc_id, organ_id: &str| Pending { doc_id, organ_id: organ_id.to_owned() };
        assert_eq!(
            text(pending(&[one(7, "H37.90"), one(9, "H37.90"), one(7, "H37.91")])),
            r#"{"status":"Success","code":"0","errors":[],"data":[{"docId":7,"organId":"H37.90"},{"docId":9,"organId":"H37.90"},{"docId":7,"organId":"H37.91"}],"docIDs":[7,9]}"#
        );
        assert_eq!(
            text(Failure::new("DocID", "x").to_json()),
            r#"{"status":"Fail","code":"9999","errors":[{"code":"DocID","description":"x"}]}"#
        );
        assert_eq!(Failure::not_known().http(), StatusCode::UNAUTHORIZED);
        assert!(text(Failure::not_known().to_json()).starts_with(r#"{"status":"False","code":"9999","errors":[{"#));
        assert_eq!(joined("edXML/edXMLHeader/edXML:MessageHeader/edXML:From.OrganId"), "MessageHeaderFromOrganId");
    }
}
