//! The dialects that must be read, and those that are refused with a reason.

use super::fixtures::*;
use crate::edxml::dates::{read_date, read_time};
use crate::edxml::model::{BusinessType, PacketSignature, StatusCode, SteeringType, Urgency};
use crate::edxml::split::Sniffed;

#[test]
fn the_official_library_s_packet_is_read_in_full_without_any_warning() {
    let parsed = accepted(d1());
    assert_eq!(parsed.warnings, vec![]);
    let document = document(d1());
    assert_eq!(document.from.organ_id.value, "H37.90");
    assert_eq!((document.from.organ_id.line, document.from.organ_id.column), (7, 1));
    assert_eq!(document.from.in_charge.unwrap().value, "UBND tỉnh Mẫu");
    assert_eq!(document.from.website.unwrap().value, "mau.gov.vn");
    let to: Vec<_> = document.to.iter().map(|to| to.organ_id.value.as_str()).collect();
    assert_eq!(to, ["G09.90", "000.00.90.H38"]);
    assert_eq!(document.document_id.unwrap().value, "H37.90,2026/03/02,12/STN-VP");
    assert_eq!(document.code.text(), "12/STN-VP");
    assert_eq!(document.promulgation.date.value, read_date("2026/03/02").unwrap().value);
    assert_eq!(document.document_type.group.unwrap().value, 2);
    assert_eq!(document.document_type.detail.unwrap().value, 18);
    assert_eq!(document.subject.value, "V/v kiểm tra liên thông");
    assert_eq!(document.signer.full_name.unwrap().value, "Nguyễn Văn Mẫu");
    assert_eq!(document.other.priority.unwrap().value, Urgency::Express);
    assert_eq!(document.other.page_amount.unwrap().value, 2);
    assert_eq!(document.other.appendixes[0].value, "Phụ lục I");
    assert_eq!(document.response_for[0].document_id.as_ref().unwrap().value, "G09.90,2026/02/30,7/CM");
    assert_eq!(document.steering_type.unwrap().value, SteeringType(1));
    assert_eq!(document.to_places[1].value, "Lưu: VT");
    let business = document.business.unwrap();
    assert_eq!(business.kind.value, BusinessType::New);
    assert_eq!(business.staff.mobile.unwrap().value, "0900");
    assert!(!business.paper.unwrap().value);
    assert_eq!(document.trace[0].timestamp.as_ref().unwrap().value.to_string(), "2026-03-02T08:30:00.000+07:00");
    assert_eq!(document.references[0].content_id.as_ref().unwrap().value, "a1");
    let attachment = &document.attachments[0];
    assert_eq!(attachment.content_id.as_ref().unwrap().value, "a1");
    assert_eq!(attachment.name.as_ref().unwrap().value, "cong van.pdf");
    assert_eq!(attachment.body, Some(0));
    assert_eq!(document.signature, PacketSignature::Absent);
}

#[test]
fn the_net_serializer_s_packet_is_read_to_the_same_model() {
    let packet = D2.replace("@BODY@", &base64(PDF));
    let document = document(&packet);
    assert_eq!(document.from.organ_id.value, "H37.90");
    assert_eq!(document.to[0].organ_id.value, "G09.90");
    assert_eq!(document.to[0].website, None);
    assert_eq!(document.promulgation.place, None);
    assert_eq!(document.response_for, vec![]);
    assert_eq!(document.business_type(), BusinessType::New);
    assert_eq!(document.references[0].content_id.as_ref().unwrap().value, "77");
    assert_eq!(document.attachments[0].content_id.as_ref().unwrap().value, "77");
    assert_eq!(document.attachments[0].name.as_ref().unwrap().value, "bao cao.pdf");
    assert_eq!(split_bytes(&packet).unwrap().bodies[0].kind, Sniffed::Pdf);
    assert!(accepted(&packet).warnings.iter().all(|finding| finding.code != "LT-EDX-0065"), "the manifest agrees");
}

#[test]
fn both_forms_of_a_status_packet_are_read_to_the_same_report() {
    assert_eq!(accepted(STATUS).warnings, vec![]);
    let usual = status(STATUS);
    assert_eq!(usual.from.organ_id.value, "G09.90");
    assert_eq!(usual.response_for.code.as_ref().unwrap().value, "12/STN-VP");
    assert_eq!(usual.status.value, StatusCode::Accepted);
    assert_eq!((usual.status.line, usual.status.column), (22, 1));
    assert_eq!(usual.description.as_ref().unwrap().value, "Đã vào sổ");
    assert_eq!(usual.timestamp.as_ref().unwrap().value, read_time("2026/03/02 09:00:00").unwrap().value);
    assert_eq!(usual.staff.mobile.as_ref().unwrap().value, "0901");
    let variant = STATUS.replace("edXML:MessageHeader>", "edXML:Status>");
    assert_eq!(status(variant), usual);
}

#[test]
fn a_packet_without_any_prefix_and_one_with_another_prefix_read_alike() {
    let plain = d1().replace("edXML:", "");
    assert_eq!(document(plain), document(d1()));
    let other = d1().replace("edXML:", "q:").replace("xmlns:edXML=", "xmlns:q=");
    assert_eq!(document(other), document(d1()));
}

#[test]
fn a_home_made_namespace_is_refused_and_named() {
    let packet = d1().replace("http://www.mic.gov.vn/TBT/QCVN_102_2016", "http://www.go.vn/eDoc");
    assert_eq!(refusal(&packet), ("LT-EDX-0031".into(), 22, 2, 1));
    assert_eq!(refusals(&packet)[0].found.as_deref(), Some("{http://www.go.vn/eDoc}edXML"));
    let none = d1().replacen(r#" xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016""#, "", 1);
    assert_eq!(refusal(none), ("LT-EDX-0031".into(), 22, 2, 1));
}

#[test]
fn forms_from_before_2016_are_refused_as_such() {
    let mime = "Content-type: multipart/related; boundary=x; type=\"text/xml\";start=\"<1.edxml>\"\n\n--x\n";
    assert_eq!(refusal(mime), ("LT-EDX-0032".into(), 22, 1, 1));
    let soap =
        r#"<edXML:Envelope xmlns:edXML="http://schemas.xmlsoap.org/soap/envelope/"><edXML:Body/></edXML:Envelope>"#;
    assert_eq!(refusal(soap), ("LT-EDX-0032".into(), 22, 1, 1));
    let edoc = r#"<?xml version="1.0"?><edXML xmlns="http://www.e-doc.vn/Schema/"/>"#;
    assert_eq!(refusal(edoc), ("LT-EDX-0032".into(), 22, 1, 22));
    let nss = "<van-ban-qua-mang><so>1</so></van-ban-qua-mang>";
    assert_eq!(refusal(nss), ("LT-EDX-0032".into(), 22, 1, 1));
}

#[test]
fn another_root_is_refused() {
    assert_eq!(refusal("<html><body>502 Bad Gateway</body></html>"), ("LT-EDX-0030".into(), 22, 1, 1));
    let almost = r#"<edXMLs xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"/>"#;
    assert_eq!(refusal(almost), ("LT-EDX-0030".into(), 22, 1, 1));
}

#[test]
fn revoke_update_and_replace_name_their_targets() {
    let business = |inner: &str| d1_but("<edXML:BussinessDocType>0</edXML:BussinessDocType>", inner);
    let revoke = document(business("<edXML:BussinessDocType>1</edXML:BussinessDocType>"));
    assert_eq!(revoke.business_type(), BusinessType::Revoke);
    assert_eq!(revoke.targets()[0].value, "G09.90,2026/02/30,7/CM");
    let update = document(business(
        "<edXML:DocumentId>D-1</edXML:DocumentId><edXML:BussinessDocType>2</edXML:BussinessDocType>\
         <edXML:BussinessDocumentInfo><edXML:DocumentInfo>1</edXML:DocumentInfo>\
         <edXML:DocumentReceiver>1</edXML:DocumentReceiver><edXML:ReceiverList><edXML:Receiver>\
         <edXML:OrganId>H38.91</edXML:OrganId><edXML:ReceiverType>1</edXML:ReceiverType>\
         </edXML:Receiver></edXML:ReceiverList></edXML:BussinessDocumentInfo>",
    ));
    assert_eq!(update.targets()[0].value, "D-1");
    let info = update.business.unwrap().update.unwrap();
    assert!(info.document.unwrap().value && info.receivers_changed.unwrap().value);
    assert_eq!(info.receivers[0].organ_id.value, "H38.91");
    assert_eq!(info.receivers[0].change.as_ref().unwrap().value.code(), 1);
    let replace = document(business(
        "<edXML:BussinessDocType>3</edXML:BussinessDocType><edXML:ReplacementInfoList><edXML:ReplacementInfo>\
         <edXML:DocumentId>D-2</edXML:DocumentId><edXML:OrganIdList><edXML:OrganId>H38.91</edXML:OrganId>\
         <edXML:OrganId>H38.92</edXML:OrganId></edXML:OrganIdList></edXML:ReplacementInfo></edXML:ReplacementInfoList>",
    ));
    assert_eq!(replace.targets()[0].value, "D-2");
    assert_eq!(replace.business.unwrap().replacements[0].organ_ids[1].value, "H38.92");
}
