//! The form's fields, said once: every key, the element of the packet that it stands for, and its place in the model.
//!
//! The same description reads a form ([`super::reader`]), writes one ([`super::writer`]) and tells which key an element
//! belongs to ([`super::names`]), so what one of them knows the others know too: that is why a form survives the way
//! into a packet and back.

use jiff::civil::Date;
use lienthong_contract::Instant;

use crate::edxml::model::{
    Attachment, Business, BusinessType, Change, ChangedReceiver, Document, ErrorEntry, Located, Organization,
    Reference, ReplacementInfo, ResponseFor, StaffInfo, StatusCode, StatusReport, SteeringType, TextAt, TraceHeader,
    UpdateInfo, Urgency,
};

/// A key of the form, and the path of its element below the element of the group it stands in.
pub type Key = (&'static str, &'static str);

/// One way through the fields.
pub trait Port: Sized {
    fn text(&mut self, key: Key, slot: &mut Option<TextAt>);
    fn number(&mut self, key: Key, slot: &mut Option<Located<i32>>);
    fn count(&mut self, key: Key, slot: &mut Option<Located<u32>>);
    fn flag(&mut self, key: Key, slot: &mut Option<Located<bool>>);
    fn date(&mut self, key: Key, slot: &mut Option<Located<Date>>);
    fn time(&mut self, key: Key, slot: &mut Option<Located<Instant>>);
    fn texts(&mut self, key: Key, slot: &mut Vec<TextAt>);
    /// A group that is absent when nothing stands in it.
    fn group<T: Default + PartialEq>(&mut self, key: Key, slot: &mut T, fields: fn(&mut Self, &mut T));
    /// A group that may be there with nothing in it.
    fn option<T: Default>(&mut self, key: Key, slot: &mut Option<T>, fields: fn(&mut Self, &mut T));
    fn list<T: Default>(&mut self, key: Key, slot: &mut Vec<T>, fields: fn(&mut Self, &mut T));
}

/// The keys that tell the two kinds of forms apart.
pub const KIND: Key = ("kind", "MessageHeader");
/// A document's date has no stand-in.
pub const DATE: Key = ("date", "MessageHeader/PromulgationInfo/PromulgationDate");

/// An attachment and the file with its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// Path below the folder of the form.
    pub file: Option<TextAt>,
    /// SHA-256 of the content, 64 hexadecimal digits.
    pub sha256: Option<TextAt>,
    pub meta: Attachment,
}

/// A text that the model does not keep as an option: an absent one is empty.
fn always<P: Port>(port: &mut P, key: Key, slot: &mut TextAt) {
    let mut text = Some(std::mem::take(slot)).filter(|text| !text.value.is_empty());
    port.text(key, &mut text);
    *slot = text.unwrap_or_default();
}

/// A code's number, and the code of a number.
type Coding<T> = (fn(T) -> i32, fn(i32) -> T);

/// A number that the model keeps as a code of a list.
fn coded<P: Port, T: Copy>(port: &mut P, key: Key, slot: &mut Option<Located<T>>, (code, from_code): Coding<T>) {
    let mut number = slot.take().map(|value| value.map(code));
    port.number(key, &mut number);
    *slot = number.map(|number| number.map(from_code));
}

/// A document.
pub fn document<P: Port>(port: &mut P, it: &mut Document, attached: &mut Vec<Attached>) {
    port.group(("from", "MessageHeader/From"), &mut it.from, organization);
    port.list(("to", "MessageHeader/To"), &mut it.to, organization);
    port.text(("document_id", "MessageHeader/DocumentId"), &mut it.document_id);
    port.text(("number", "MessageHeader/Code/CodeNumber"), &mut it.code.number);
    port.text(("notation", "MessageHeader/Code/CodeNotation"), &mut it.code.notation);
    port.text(("place", "MessageHeader/PromulgationInfo/Place"), &mut it.promulgation.place);
    let mut date = Some(it.promulgation.date.clone());
    port.date(DATE, &mut date);
    it.promulgation.date = date.unwrap_or_default();
    port.group(("type", "MessageHeader/DocumentType"), &mut it.document_type, |port, it| {
        port.text(("name", "TypeName"), &mut it.name);
        port.number(("group", "Type"), &mut it.group);
        port.number(("detail", "TypeDetail"), &mut it.detail);
    });
    always(port, ("subject", "MessageHeader/Subject"), &mut it.subject);
    port.text(("content", "MessageHeader/Content"), &mut it.content);
    port.group(("signer", "MessageHeader/SignerInfo"), &mut it.signer, |port, it| {
        port.text(("competence", "Competence"), &mut it.competence);
        port.text(("position", "Position"), &mut it.position);
        port.text(("name", "FullName"), &mut it.full_name);
    });
    port.date(("due_date", "MessageHeader/DueDate"), &mut it.due_date);
    other_info(port, it);
    port.list(("response_for", "MessageHeader/ResponseFor"), &mut it.response_for, response_for);
    coded(port, ("steering", "MessageHeader/SteeringType"), &mut it.steering_type, (|it| it.0, SteeringType));
    port.text(("application_type", "MessageHeader/ApplicationType"), &mut it.application_type);
    port.texts(("tasks", "MessageHeader/ResponseForTask/TaskCode"), &mut it.tasks);
    port.texts(("to_places", "MessageHeader/ToPlaces/Place"), &mut it.to_places);
    port.option(("business", "TraceHeaderList/Bussiness"), &mut it.business, business);
    port.list(("trace", "TraceHeaderList/TraceHeader"), &mut it.trace, |port, it: &mut TraceHeader| {
        port.text(("code", "OrganId"), &mut it.organ_id);
        port.time(("time", "Timestamp"), &mut it.timestamp);
    });
    port.list(("attachments", "AttachmentEncoded/Attachment"), attached, attachment);
    port.list(("manifest", "edXMLManifest/Reference"), &mut it.references, |port, it: &mut Reference| {
        port.text(("id", "ContentId"), &mut it.content_id);
        port.text(("name", "AttachmentName"), &mut it.name);
        port.text(("description", "Description"), &mut it.description);
        port.text(("content_type", "ContentType"), &mut it.content_type);
    });
    port.list(("errors", "ErrorList/Error"), &mut it.errors, |port, it: &mut ErrorEntry| {
        port.text(("code", "Code"), &mut it.code);
        port.text(("description", "Description"), &mut it.description);
    });
}

fn other_info<P: Port>(port: &mut P, it: &mut Document) {
    let it = &mut it.other;
    coded(port, ("urgency", "MessageHeader/OtherInfo/Priority"), &mut it.priority, (Urgency::code, Urgency::from_code));
    port.text(("sphere", "MessageHeader/OtherInfo/SphereOfPromulgation"), &mut it.sphere);
    port.text(("typist", "MessageHeader/OtherInfo/TyperNotation"), &mut it.typer_notation);
    port.count(("copies", "MessageHeader/OtherInfo/PromulgationAmount"), &mut it.promulgation_amount);
    port.count(("pages", "MessageHeader/OtherInfo/PageAmount"), &mut it.page_amount);
    port.text(("direction", "MessageHeader/OtherInfo/Direction"), &mut it.direction);
    port.texts(("appendixes", "MessageHeader/OtherInfo/Appendixes/Appendix"), &mut it.appendixes);
}

/// A status report.
pub fn status<P: Port>(port: &mut P, it: &mut StatusReport) {
    port.group(("from", "MessageHeader/From"), &mut it.from, organization);
    port.group(("response_for", "MessageHeader/ResponseFor"), &mut it.response_for, response_for);
    let mut code = match &it.status.value {
        StatusCode::Other(code) if code.is_empty() => None,
        code => Some(Located::made(code.code().to_owned())),
    };
    port.text(("status", "MessageHeader/StatusCode"), &mut code);
    it.status = code.unwrap_or_default().map(|code| StatusCode::from_code(&code));
    port.text(("description", "MessageHeader/Description"), &mut it.description);
    port.time(("time", "MessageHeader/Timestamp"), &mut it.timestamp);
    port.group(("staff", "MessageHeader/StaffInfo"), &mut it.staff, staff);
}

fn organization<P: Port>(port: &mut P, it: &mut Organization) {
    always(port, ("code", "OrganId"), &mut it.organ_id);
    port.text(("name", "OrganName"), &mut it.name);
    port.text(("in_charge", "OrganizationInCharge"), &mut it.in_charge);
    port.text(("address", "OrganAdd"), &mut it.address);
    port.text(("email", "Email"), &mut it.email);
    port.text(("telephone", "Telephone"), &mut it.telephone);
    port.text(("fax", "Fax"), &mut it.fax);
    port.text(("website", "Website"), &mut it.website);
}

fn response_for<P: Port>(port: &mut P, it: &mut ResponseFor) {
    port.text(("code", "OrganId"), &mut it.organ_id);
    port.text(("number_notation", "Code"), &mut it.code);
    port.text(("document_id", "DocumentId"), &mut it.document_id);
    port.date(("date", "PromulgationDate"), &mut it.promulgation_date);
}

fn business<P: Port>(port: &mut P, it: &mut Business) {
    let mut kind = Some(it.kind.clone());
    coded(port, ("type", "BussinessDocType"), &mut kind, (BusinessType::code, BusinessType::from_code));
    it.kind = kind.unwrap_or_default();
    port.text(("reason", "BussinessDocReason"), &mut it.reason);
    port.text(("document_id", "DocumentId"), &mut it.document_id);
    port.flag(("paper", "Paper"), &mut it.paper);
    port.option(("update", "BussinessDocumentInfo"), &mut it.update, |port, it: &mut UpdateInfo| {
        port.flag(("content_changed", "DocumentInfo"), &mut it.document);
        port.flag(("recipients_changed", "DocumentReceiver"), &mut it.receivers_changed);
        port.list(("recipients", "ReceiverList/Receiver"), &mut it.receivers, |port, it: &mut ChangedReceiver| {
            always(port, ("code", "OrganId"), &mut it.organ_id);
            coded(port, ("change", "ReceiverType"), &mut it.change, (Change::code, Change::from_code));
        });
    });
    let replaced = ("replaces", "ReplacementInfoList/ReplacementInfo");
    port.list(replaced, &mut it.replacements, |port, it: &mut ReplacementInfo| {
        port.text(("document_id", "DocumentId"), &mut it.document_id);
        port.texts(("codes", "OrganIdList/OrganId"), &mut it.organ_ids);
    });
    port.group(("staff", "StaffInfo"), &mut it.staff, staff);
}

fn staff<P: Port>(port: &mut P, it: &mut StaffInfo) {
    port.text(("department", "Department"), &mut it.department);
    port.text(("department_id", "DepartmentId"), &mut it.department_id);
    port.text(("name", "Staff"), &mut it.staff);
    port.text(("staff_id", "StaffId"), &mut it.staff_id);
    port.text(("email", "Email"), &mut it.email);
    port.text(("mobile", "Mobile"), &mut it.mobile);
}

fn attachment<P: Port>(port: &mut P, it: &mut Attached) {
    port.text(("file", "ContentTransferEncoded"), &mut it.file);
    port.text(("sha256", ""), &mut it.sha256);
    port.text(("id", "ContentId"), &mut it.meta.content_id);
    port.text(("name", "AttachmentName"), &mut it.meta.name);
    port.text(("description", "Description"), &mut it.meta.description);
    port.text(("content_type", "ContentType"), &mut it.meta.content_type);
}
