//! Document packets.

use lienthong_contract::Finding;
use unicode_normalization::is_nfc;

use super::attachments;
use super::business::trace_list;
use super::fields::Element;
use super::organization::{organization, responses};
use super::signature;
use crate::edxml::findings;
use crate::edxml::model::{
    Code, Document, DocumentType, ErrorEntry, Organization, OtherInfo, PromulgationInfo, SignerInfo, SteeringType,
    TextAt, Urgency,
};
use crate::edxml::split::Split;

const HEADER: &[&str] = &[
    "From",
    "To",
    "DocumentId",
    "Code",
    "PromulgationInfo",
    "DocumentType",
    "Subject",
    "Content",
    "SignerInfo",
    "DueDate",
    "OtherInfo",
    "ResponseFor",
    "SteeringType",
    "ApplicationType",
    "ResponseForTask",
    "ToPlaces",
];
const OTHER_INFO: &[&str] = &[
    "Priority",
    "SphereOfPromulgation",
    "TyperNotation",
    "TypistNotation",
    "PromulgationAmount",
    "PageAmount",
    "ReplyFors",
    "Direction",
    "ReferenceCodes",
    "Appendixes",
];
/// Characters that the standard gives `CodeNumber` and `CodeNotation`.
const MAX_NUMBER: usize = 11;
const MAX_NOTATION: usize = 30;

/// Reads a document; nothing when a field of the hard minimum is absent or unreadable, which is refused here.
pub(super) fn read(
    root: &Element<'_>,
    envelope: &Element<'_>,
    header: &Element<'_>,
    message: &Element<'_>,
    split: &Split,
) -> Option<Document> {
    message.expect_only(HEADER);
    header.expect_only(&["MessageHeader", "TraceHeaderList", "Signature", "DigitalSignature", "ErrorList"]);
    // Everything is read before anything is given up, so that all findings are told.
    let from = sender(message);
    let to = recipients(message);
    let document_id = message.text("DocumentId");
    let code = code(message, document_id.is_some());
    let promulgation = promulgation(message);
    let subject = message.text("Subject");
    if subject.is_none() {
        message.missing(&findings::MISSING, "Subject");
    }
    let due_date = message.date("DueDate");
    let (trace, business) = match header.child("TraceHeaderList") {
        Some(list) => trace_list(&Element { path: "TraceHeaderList".to_owned(), ..list }),
        None => Default::default(),
    };
    let references = attachments::references(envelope);
    let carried = attachments::attachments(root, envelope, split);
    attachments::compare(root, &references, &carried);
    let (document_type, signer, other) = (document_type(message), signer(message), other_info(message));
    let response_for = responses(message);
    let steering_type = message.number("SteeringType").map(|number| number.map(SteeringType));
    let application_type = message.text("ApplicationType");
    let tasks = message.child("ResponseForTask").map(|list| list.texts("TaskCode")).unwrap_or_default();
    let to_places = message.child("ToPlaces").map(|list| list.texts("Place")).unwrap_or_default();
    let content = message.text("Content");
    let document = Document {
        from: from?,
        to,
        document_id,
        code,
        promulgation: promulgation?,
        document_type,
        subject: subject?,
        content,
        signer,
        due_date,
        to_places,
        other,
        response_for,
        steering_type,
        application_type,
        tasks,
        business,
        trace,
        references,
        attachments: carried,
        errors: errors(header),
        signature: signature::find(root, header),
    };
    remark(message, &document);
    Some(document)
}

fn sender(message: &Element<'_>) -> Option<Organization> {
    match message.child("From") {
        Some(from) => organization(&from),
        None => {
            message.missing(&findings::MISSING, "From/OrganId");
            None
        }
    }
}

fn recipients(message: &Element<'_>) -> Vec<Organization> {
    let all = message.children("To");
    if all.is_empty() {
        message.missing(&findings::MISSING, "To/OrganId");
    }
    let mut seen: Vec<&str> = Vec::new();
    let read: Vec<Organization> = all.iter().filter_map(organization).collect();
    for organ_id in read.iter().map(|to| &to.organ_id) {
        if seen.contains(&organ_id.value.as_str()) {
            let finding = Finding::of(&findings::RECIPIENT_TWICE).at(organ_id.line, organ_id.column);
            message.note(finding.element(format!("{}/To/OrganId", message.path)).found(&organ_id.value));
        }
        seen.push(&organ_id.value);
    }
    read
}

fn code(message: &Element<'_>, has_id: bool) -> Code {
    let Some(element) = message.child("Code") else {
        let kind = if has_id { &findings::RECOMMENDED } else { &findings::MISSING };
        message.missing(kind, "Code");
        return Code::default();
    };
    element.expect_only(&["CodeNumber", "CodeNotation"]);
    let code = Code { number: element.text("CodeNumber"), notation: element.text("CodeNotation") };
    if code == Code::default() && !has_id {
        element.missing(&findings::MISSING, "CodeNumber");
    }
    let odd = |part: &Option<TextAt>, max: usize, digits: bool| {
        let part = part.as_ref()?;
        let text = part.value.as_str();
        let good = text.chars().count() <= max && (!digits || text.bytes().all(|byte| byte.is_ascii_digit()));
        (!good).then(|| part.clone())
    };
    let checks = [
        ("CodeNumber", odd(&code.number, MAX_NUMBER, true)),
        ("CodeNotation", odd(&code.notation, MAX_NOTATION, false)),
    ];
    for (name, part) in checks {
        if let Some(part) = part {
            let finding = Finding::of(&findings::ODD_CODE).at(part.line, part.column);
            element.note(finding.element(format!("{}/{name}", element.path)).found(&part.value));
        }
    }
    for (name, part) in [("CodeNumber", &code.number), ("CodeNotation", &code.notation)] {
        if part.is_none() && code != Code::default() {
            element.missing(&findings::RECOMMENDED, name);
        }
    }
    code
}

fn promulgation(message: &Element<'_>) -> Option<PromulgationInfo> {
    let Some(element) = message.child("PromulgationInfo") else {
        message.missing(&findings::MISSING, "PromulgationInfo/PromulgationDate");
        return None;
    };
    element.expect_only(&["Place", "PromulgationDate"]);
    let date = element.date("PromulgationDate");
    if date.is_none() && element.text("PromulgationDate").is_none_or(|text| is_filler(&text)) {
        element.missing(&findings::MISSING, "PromulgationDate");
    }
    Some(PromulgationInfo { place: element.text("Place"), date: date? })
}

fn is_filler(text: &TextAt) -> bool {
    ["n/a", "null"].iter().any(|filler| text.value.eq_ignore_ascii_case(filler))
}

fn document_type(message: &Element<'_>) -> DocumentType {
    let Some(element) = message.child("DocumentType") else {
        message.missing(&findings::RECOMMENDED, "DocumentType");
        return DocumentType::default();
    };
    element.expect_only(&["Type", "TypeDetail", "TypeName"]);
    let name = element.text("TypeName");
    if name.is_none() {
        element.missing(&findings::RECOMMENDED, "TypeName");
    }
    DocumentType { group: element.number("Type"), detail: element.number("TypeDetail"), name }
}

fn signer(message: &Element<'_>) -> SignerInfo {
    let Some(element) = message.child("SignerInfo") else { return SignerInfo::default() };
    element.expect_only(&["Competence", "Position", "FullName"]);
    SignerInfo {
        competence: element.text("Competence"),
        position: element.text("Position"),
        full_name: element.text("FullName"),
    }
}

fn other_info(message: &Element<'_>) -> OtherInfo {
    let Some(element) = message.child("OtherInfo") else { return OtherInfo::default() };
    element.expect_only(OTHER_INFO);
    let priority = element.number("Priority").map(|number| number.map(Urgency::from_code));
    if let Some(number) = priority.as_ref().filter(|number| matches!(number.value, Urgency::Other(_))) {
        let finding = Finding::of(&findings::UNLISTED_CODE).at(number.line, number.column);
        let finding = finding.element(format!("{}/Priority", element.path)).found(number.value.code().to_string());
        element.note(finding.expected("0–4"));
    }
    OtherInfo {
        priority,
        sphere: element.text("SphereOfPromulgation"),
        typer_notation: element.child_spelt(["TyperNotation", "TypistNotation"]).and_then(|child| child.own_text()),
        promulgation_amount: element.count("PromulgationAmount"),
        page_amount: element.count("PageAmount"),
        direction: element.text("Direction"),
        appendixes: element.child("Appendixes").map(|list| list.texts("Appendix")).unwrap_or_default(),
    }
}

fn errors(header: &Element<'_>) -> Vec<ErrorEntry> {
    let list = header.child("ErrorList").map(|list| list.children("Error")).unwrap_or_default();
    list.iter().map(|error| ErrorEntry { code: error.text("Code"), description: error.text("Description") }).collect()
}

/// Warnings that need the whole document.
fn remark(message: &Element<'_>, document: &Document) {
    if document.document_id.is_none() {
        let finding = message.finding(&findings::ID_MADE).element(format!("{}/DocumentId", message.path));
        message.note(finding.found(document.id()));
    }
    if let Some(due) = document.due_date.as_ref().filter(|due| due.value < document.promulgation.date.value) {
        let finding = Finding::of(&findings::DUE_BEFORE_ISSUE).at(due.line, due.column);
        let finding = finding.element(format!("{}/DueDate", message.path)).found(due.value.to_string());
        message.note(finding.expected(format!("≥ {}", document.promulgation.date.value)));
    }
    if document.from.name.is_none() {
        message.missing(&findings::RECOMMENDED, "From/OrganName");
    }
    if document.to.iter().any(|to| to.name.is_none()) {
        message.missing(&findings::RECOMMENDED, "To/OrganName");
    }
    if document.business.is_none() {
        message.missing(&findings::RECOMMENDED, "TraceHeaderList/Bussiness");
    }
    if document.attachments.is_empty() {
        message.missing(&findings::RECOMMENDED, "AttachmentEncoded/Attachment");
    }
    let texts = [Some(&document.subject), document.document_type.name.as_ref(), document.code.notation.as_ref()];
    if let Some(text) = texts.into_iter().flatten().find(|text| !is_nfc(&text.value)) {
        let finding = Finding::of(&findings::NOT_COMPOSED).at(text.line, text.column);
        message.note(finding.element(message.path.clone()).found(&text.value));
    }
}
