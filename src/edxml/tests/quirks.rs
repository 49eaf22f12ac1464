//! One test for every row of the list of quirks met in real packets that belongs to reading.

use super::fixtures::*;
use crate::edxml::findings;
use crate::edxml::model::{BusinessType, PacketSignature, StatusCode, Urgency};
use crate::edxml::split::Sniffed;

fn codes(packet: impl AsRef<[u8]>) -> Vec<String> {
    accepted(packet).warnings.into_iter().map(|finding| finding.code).collect()
}

#[test]
fn q1_undeclared_edxml_and_xlink_prefixes_are_taken_with_a_warning() {
    let bare = r#"<edXML:ContentTransferEncoded xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">"#;
    let packet =
        d1().replace("AttachmentEncoded>", "edXML:AttachmentEncoded>").replace(bare, "<edXML:ContentTransferEncoded>");
    assert_eq!(warning(&packet, "LT-EDX-0051"), place_of(&packet, "<edXML:AttachmentEncoded>"));
    assert_eq!(document(&packet).attachments[0].body, Some(0));

    let packet = d1_but("<edXML:ContentId>cid:a1</edXML:ContentId>", "")
        .replace("<edXML:Reference>", r#"<edXML:Reference xlink:href="cid:a1" xlink:type="simple">"#);
    assert_eq!(warning(&packet, "LT-EDX-0051"), place_of(&packet, "<edXML:Reference"));
    assert_eq!(document(&packet).references[0].content_id.as_ref().unwrap().value, "a1");
}

#[test]
fn q1_any_other_undeclared_prefix_is_refused() {
    let packet = d1_but("<edXML:DueDate>2026/03/20</edXML:DueDate>", "<abc:DueDate>2026/03/20</abc:DueDate>");
    let (line, column) = place_of(&packet, "<abc:DueDate>");
    assert_eq!(refusal(&packet), ("LT-EDX-0033".into(), 22, line, column));
}

#[test]
fn q2_white_space_or_a_mark_before_the_declaration_is_taken_with_a_warning() {
    let spaced = format!(" \r\n{}", d1());
    assert_eq!(warning(&spaced, "LT-EDX-0050"), (1, 1));
    assert_eq!(document(&spaced).from.organ_id.line, 8);
    let marked = format!("\u{FEFF}{}", d1());
    assert_eq!(warning(&marked, "LT-EDX-0050"), (1, 1));
    assert_eq!(document(&marked), document(d1()));
}

#[test]
fn q2_other_bytes_before_the_declaration_are_refused() {
    let packet = format!("\n HTTP/1.1 200 OK\n{}", d1());
    assert_eq!(refusal(packet), ("LT-EDX-0003".into(), 22, 2, 2));
    let commented = format!("<!-- first -->{}", d1());
    assert_eq!(refusal(commented), ("LT-EDX-0003".into(), 22, 1, 15));
}

#[test]
fn q3_a_placeholder_in_place_of_base64_is_refused_at_its_place() {
    let packet = D1.replace("@BODY@", "${file_base64}");
    let (line, column) = place_of(&packet, "${file");
    assert_eq!(refusal(&packet), ("LT-EDX-0020".into(), 21, line, column));
    let finding = refusals(&packet).remove(0);
    assert_eq!(finding.found.as_deref(), Some("${file_base64}"));
    assert_eq!(finding.element.as_deref(), Some("AttachmentEncoded/Attachment/ContentTransferEncoded"));
}

#[test]
fn q4_dates_in_another_order_are_refused_in_every_date_field() {
    let cases = [
        ("<edXML:PromulgationDate>2026/03/02<", "<edXML:PromulgationDate>30/10/2020<"),
        ("<edXML:DueDate>2026/03/20<", "<edXML:DueDate>2026/20/03<"),
        ("<edXML:Timestamp>2026/03/02 08:30:00<", "<edXML:Timestamp>02/03/2026 08:30:00<"),
        ("<edXML:PromulgationDate>2026/02/27<", "<edXML:PromulgationDate>2026-02-27<"),
    ];
    for (good, bad) in cases {
        let packet = d1_but(good, bad);
        let (line, column) = place_of(&packet, bad);
        assert_eq!(refusal(&packet), ("LT-EDX-0035".into(), 22, line, column), "{bad}");
        assert!(refusals(&packet)[0].expected.as_deref().unwrap().starts_with("yyyy/MM/dd"));
    }
}

#[test]
fn q4_a_month_or_day_of_one_digit_is_taken_with_a_warning() {
    let packet = d1_but("2026/03/20</edXML:DueDate>", "2026/3/20</edXML:DueDate>");
    assert_eq!(warning(&packet, "LT-EDX-0056"), place_of(&packet, "<edXML:DueDate>"));
    assert_eq!(document(packet), document(d1()));
}

#[test]
fn q5_the_standard_s_misspellings_are_the_standard_and_the_right_spellings_are_read_too() {
    let packet = d1().replace("edXML:Bussiness", "edXML:Business").replace("TyperNotation", "TypistNotation");
    assert_eq!(document(&packet), document(d1()));
    assert_eq!(codes(&packet), vec!["LT-EDX-0054"; 4]);
}

#[test]
fn q6_a_document_id_is_opaque() {
    for id in ["0f0e0d0c-0b0a-4908-8706-050403020100", "123456", "G09-2026-77/BNV-VP", "X99,2026/02/30,1,2/a,b/c"] {
        let packet = d1_but(">H37.90,2026/03/02,12/STN-VP<", &format!(">{id}<"));
        assert_eq!(document(packet).id(), id);
    }
}

#[test]
fn q7_a_number_that_is_none_is_taken_with_a_warning() {
    for number in ["7AB12", "TEST001", "12345678901234"] {
        let packet = d1_but("<edXML:CodeNumber>12<", &format!("<edXML:CodeNumber>{number}<"));
        assert_eq!(warning(&packet, "LT-EDX-0055"), place_of(&packet, "<edXML:CodeNumber>"));
        assert_eq!(document(packet).code.number.unwrap().value, number);
    }
}

#[test]
fn q8_empty_elements_and_fillers_are_absent() {
    let packet = d1()
        .replace("<edXML:Email>vt@mau.gov.vn</edXML:Email>", "<edXML:Email/>")
        .replace("<edXML:Fax>0201</edXML:Fax>", "<edXML:Fax>  \n </edXML:Fax>")
        .replace("<edXML:PageAmount>2</edXML:PageAmount>", "<edXML:PageAmount>N/A</edXML:PageAmount>")
        .replace("<edXML:DueDate>2026/03/20</edXML:DueDate>", "<edXML:DueDate>N/A</edXML:DueDate>");
    let document = document(packet);
    assert_eq!((document.from.email, document.from.fax), (None, None));
    assert_eq!((document.other.page_amount, document.due_date), (None, None));
    assert_eq!(document.content.unwrap(), document.subject);
}

#[test]
fn q9_a_packet_that_lacks_what_real_packets_lack_is_taken() {
    let mut packet = d1();
    for piece in [
        "<edXML:OrganName>Cục Mẫu</edXML:OrganName>\n",
        "<edXML:FullName>Nguyễn Văn Mẫu</edXML:FullName>\n",
        "<edXML:Email>vt@mau.gov.vn</edXML:Email>\n",
    ] {
        assert!(packet.contains(piece));
        packet = packet.replace(piece, "");
    }
    let start = packet.find("<edXML:Bussiness>").unwrap();
    let end = packet.find("</edXML:Bussiness>").unwrap() + "</edXML:Bussiness>".len();
    packet.replace_range(start..end, "");
    let start = packet.find("<edXML:ToPlaces>").unwrap();
    let end = packet.find("</edXML:ToPlaces>").unwrap() + "</edXML:ToPlaces>".len();
    packet.replace_range(start..end, "");
    let document = document(&packet);
    assert_eq!(document.business, None);
    assert_eq!(document.business_type(), BusinessType::New);
    assert_eq!(document.to_places, vec![]);
    let elements: Vec<_> = accepted(&packet).warnings.into_iter().filter_map(|finding| finding.element).collect();
    assert_eq!(elements, ["MessageHeader/To/OrganName", "MessageHeader/TraceHeaderList/Bussiness"]);

    let status_packet = status_but("<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>\n", "");
    assert_eq!(status(status_packet).response_for.promulgation_date, None);
}

#[test]
fn q10_a_hop_of_unknown_origin_is_taken() {
    let hop = "<edXML:TraceHeader>\n<edXML:OrganId>H37.90</edXML:OrganId>";
    for other in ["<edXML:TraceHeader>", "<edXML:TraceHeader>\n<edXML:OrganId>null</edXML:OrganId>"] {
        let packet = d1_but(hop, other);
        assert_eq!(warning(&packet, "LT-EDX-0059"), place_of(&packet, "<edXML:TraceHeader>"));
        assert_eq!(document(packet).trace[0].organ_id, None);
    }
    let extra = "<edXML:TraceHeader><edXML:Timestamp>2026/03/02 08:31:00</edXML:Timestamp></edXML:TraceHeader>\n";
    let packet = d1_but("</edXML:TraceHeaderList>", &format!("{extra}</edXML:TraceHeaderList>"));
    assert_eq!(document(packet).trace.len(), 2);
}

#[test]
fn q10_an_agency_called_null_is_kept_as_it_is_and_warned_about() {
    let packet = d1_but("<edXML:OrganId>G09.90<", "<edXML:OrganId>null<");
    assert_eq!(warning(&packet, "LT-EDX-0071"), place_of(&packet, "<edXML:OrganId>null"));
    assert_eq!(document(packet).to[0].organ_id.value, "null");
}

#[test]
fn q11_an_agency_addressed_twice_is_read_twice_with_its_marker() {
    let twice = "<edXML:To>\n<edXML:OrganId>G09.90</edXML:OrganId>\n<edXML:OrganizationInCharge>TLTVBQG_CDMDD_QD20\
                 </edXML:OrganizationInCharge>\n</edXML:To>\n<edXML:DocumentId>";
    let packet = d1_but("<edXML:DocumentId>", twice);
    let to = document(&packet).to;
    assert_eq!(to.len(), 3);
    assert_eq!(to[2].in_charge.as_ref().unwrap().value, "TLTVBQG_CDMDD_QD20");
    assert_eq!(warning(&packet, "LT-EDX-0068").0, to[2].organ_id.line);
}

#[test]
fn q12_the_copied_example_signature_never_counts() {
    let signed = |signature: &str| d1_but("</edXML:edXMLHeader>", &format!("{signature}</edXML:edXMLHeader>"));
    let dsig = r#"xmlns="http://www.w3.org/2000/09/xmldsig#""#;
    let value = "<SignedInfo><Reference URI=\"\"><DigestValue>AAAA</DigestValue></Reference></SignedInfo>";
    let dummy = value.replace("AAAA", "FwgIqsSYJshUS2+wlOM61L+q7Aw=");
    let packet = signed(&format!("<Signature>{dummy}</Signature>"));
    assert_eq!(document(&packet).signature, PacketSignature::Dummy);
    assert_eq!(warning(&packet, "LT-EDX-0060"), place_of(&packet, "<Signature>"));
    let certificate = "<KeyInfo><X509Data><X509Certificate>MIIFqTCCBJGgAwIB</X509Certificate></X509Data></KeyInfo>";
    let packet = signed(&format!("<Signature {dsig}>{certificate}</Signature>"));
    assert_eq!(document(packet).signature, PacketSignature::Dummy);

    let packet = signed(&format!("<Signature>{value}</Signature>"));
    assert_eq!(document(&packet).signature, PacketSignature::ForeignNamespace);
    assert_eq!(warning(&packet, "LT-EDX-0061"), place_of(&packet, "<Signature>"));
    let packet = signed(&format!("<Signature {dsig}>{value}</Signature>"));
    assert_eq!(document(packet).signature, PacketSignature::XmlDsig);
    assert_eq!(document(signed("<Signature/>")).signature, PacketSignature::Empty);
}

#[test]
fn q13_the_content_decides_not_the_declared_type() {
    let zipped = d1_with(&zip());
    assert_eq!(split_bytes(&zipped).unwrap().bodies[0].kind, Sniffed::Zip);
    assert_eq!(warning(&zipped, "LT-EDX-0064"), place_of(&zipped, "<ContentType>"));
    let packet = d1_but("<edXML:ContentId>cid:a1<", "<edXML:ContentId>cid:zz<");
    assert_eq!(codes(packet), ["LT-EDX-0065"]);
}

#[test]
fn q14_a_pdf_that_went_through_utf8_is_refused() {
    let damaged = String::from_utf8_lossy(PDF).into_owned();
    let packet = d1_with(damaged.as_bytes());
    let (line, column) = place_of(&packet, &base64(damaged.as_bytes()));
    assert_eq!(refusal(&packet), ("LT-EDX-0021".into(), 21, line, column));
}

#[test]
fn q14_the_three_bytes_in_a_healthy_pdf_are_chance() {
    let mut healthy = PDF.to_vec();
    healthy.extend_from_slice(b"\xEF\xBF\xBD stream \xFF\xFE");
    assert_eq!(split_bytes(d1_with(&healthy)).unwrap().bodies.len(), 1);
    assert_eq!(split_bytes(d1_with("văn bản \u{FFFD} thường".as_bytes())).unwrap().bodies.len(), 1, "no PDF");
}

#[test]
fn q15_every_leading_cid_is_taken_off() {
    for (written, read) in [("cid:a1", "a1"), ("a1", "a1"), ("cid:cid:a1", "a1"), ("CID: 77", "77")] {
        let packet = d1().replace("cid:a1", written);
        let document = document(&packet);
        assert_eq!(document.attachments[0].content_id.as_ref().unwrap().value, read);
        assert_eq!(document.references[0].content_id.as_ref().unwrap().value, read);
    }
    let doubled = d1().replace("cid:a1", "cid:cid:a1");
    assert_eq!(codes(doubled), ["LT-EDX-0070", "LT-EDX-0070"]);
    let same = d1().replace(
        "</AttachmentEncoded>",
        "<Attachment><ContentId>cid:a1</ContentId><AttachmentName>b.pdf</AttachmentName></Attachment></AttachmentEncoded>",
    );
    assert_eq!(codes(same), ["LT-EDX-0066", "LT-EDX-0072"]);
}

#[test]
fn q16_the_order_of_elements_means_nothing() {
    let lines: Vec<String> = d1().lines().map(str::to_owned).collect();
    let at = |tag: &str| lines.iter().position(|line| line == tag).unwrap();
    let (from, to_end) = (at("<edXML:From>"), at("</edXML:ToPlaces>"));
    let (trace, business) = (at("<edXML:TraceHeader>"), at("<edXML:Bussiness>"));
    let mut reordered = lines[..from].to_vec();
    reordered.extend_from_slice(&lines[at("<edXML:SignerInfo>")..=to_end]);
    reordered.extend_from_slice(&lines[from..at("<edXML:SignerInfo>")]);
    reordered.extend_from_slice(&lines[to_end + 1..business]);
    reordered.extend_from_slice(&lines[trace..at("</edXML:TraceHeaderList>")]);
    reordered.extend_from_slice(&lines[business..trace]);
    reordered.extend_from_slice(&lines[at("</edXML:TraceHeaderList>")..]);
    assert_eq!(reordered.len(), lines.len());
    assert_eq!(document(reordered.join("\n")), document(d1()));
}

#[test]
fn q17_indentation_line_ends_and_comments_mean_nothing() {
    let packet = d1()
        .replace('\n', "\r\n\t  ")
        .replace(">H37.90<", "><!-- mã --> \t H37.90 <")
        .replace("<ContentId>cid:a1<", "<ContentId><![CDATA[ cid:a1 ]]><")
        .replace(">cong van.pdf<", ">  cong van.pdf <");
    assert_eq!(document(packet), document(d1()));
}

#[test]
fn q18_combining_marks_are_kept_and_noted() {
    let decomposed = "V/v kie\u{302}\u{309}m tra";
    let packet = d1_but("<edXML:Subject>V/v kiểm tra liên thông<", &format!("<edXML:Subject>{decomposed}<"));
    assert_eq!(document(&packet).subject.value, decomposed);
    assert_eq!(codes(packet), ["LT-EDX-0069"]);
}

#[test]
fn q19_a_long_strange_name_is_kept() {
    let name = format!("“Phụ lục (1)” [{}].PDF", "rất dài ".repeat(40));
    let packet = d1().replace("cong van.pdf", &name);
    assert_eq!(document(packet).attachments[0].name.as_ref().unwrap().value, name);
}

#[test]
fn q20_a_truncated_zip_is_refused_wherever_it_was_cut() {
    let whole = zip();
    for length in [5, 30, whole.len() - 40, whole.len() - 22, whole.len() - 1] {
        let packet = d1_with(&whole[..length]);
        let (line, column) = place_of(&packet, "UEsDB");
        assert_eq!(refusal(&packet), ("LT-EDX-0022".into(), 21, line, column), "cut at {length}");
    }
    let mut middle_missing = whole.clone();
    middle_missing.drain(35..45);
    assert_eq!(refusal(d1_with(&middle_missing)).0, "LT-EDX-0022", "the directory does not begin where it says");
    let mut trailing = whole;
    trailing.extend_from_slice(b"surplus");
    assert_eq!(refusal(d1_with(&trailing)).0, "LT-EDX-0022");
}

#[test]
fn q21_a_template_s_explanation_in_a_numeric_field_is_refused() {
    let fields = [
        ("<edXML:Priority>3<", "<edXML:Priority>0: thường, 1: khẩn<"),
        ("<edXML:Type>2<", "<edXML:Type>loại văn bản<"),
        ("<edXML:TypeDetail>18<", "<edXML:TypeDetail>1.5<"),
        ("<edXML:PageAmount>2<", "<edXML:PageAmount>hai<"),
        ("<edXML:PromulgationAmount>5<", "<edXML:PromulgationAmount>70000<"),
        ("<edXML:SteeringType>1<", "<edXML:SteeringType>không<"),
        ("<edXML:BussinessDocType>0<", "<edXML:BussinessDocType>mới<"),
        ("<edXML:Paper>0<", "<edXML:Paper>2<"),
    ];
    for (good, bad) in fields {
        let packet = d1_but(good, bad);
        let (line, column) = place_of(&packet, bad);
        assert_eq!(refusal(&packet), ("LT-EDX-0036".into(), 22, line, column), "{bad}");
    }
    let packet = status_but("<edXML:StatusCode>03<", "<edXML:StatusCode>đã đến<");
    let (line, column) = place_of(&packet, "<edXML:StatusCode>");
    assert_eq!(refusal(packet), ("LT-EDX-0036".into(), 22, line, column));
}

#[test]
fn q22_types_outside_the_list_and_foreign_elements_are_kept() {
    let packet = d1()
        .replace("<edXML:Type>2<", "<edXML:Type>71<")
        .replace("<edXML:Direction>false<", "<edXML:Direction>true<")
        .replace("<edXML:DueDate>", "<edXML:HomeMade>x</edXML:HomeMade>\n<edXML:DueDate>");
    let read = document(&packet);
    assert_eq!(read.document_type.group.unwrap().value, 71);
    assert_eq!(read.other.direction.unwrap().value, "true");
    assert_eq!(warning(&packet, "LT-EDX-0053"), place_of(&packet, "<edXML:HomeMade>"));
}

#[test]
fn q23_status_codes_of_one_digit_are_padded_and_unlisted_ones_kept() {
    let packet = status_but("<edXML:StatusCode>03<", "<edXML:StatusCode>3<");
    assert_eq!(status(&packet).status.value, StatusCode::Accepted);
    assert_eq!(warning(&packet, "LT-EDX-0063"), place_of(&packet, "<edXML:StatusCode>"));
    for code in ["103", "104", "07", "00"] {
        let packet = status_but("<edXML:StatusCode>03<", &format!("<edXML:StatusCode>{code}<"));
        assert_eq!(status(&packet).status.value, StatusCode::Other(code.to_owned()));
        assert_eq!(warning(&packet, "LT-EDX-0062"), place_of(&packet, "<edXML:StatusCode>"));
    }
}

#[test]
fn q23_numbers_outside_a_list_are_kept_with_a_warning() {
    let packet = d1_but("<edXML:Priority>3<", "<edXML:Priority>9<");
    assert_eq!(document(&packet).urgency(), Urgency::Other(9));
    assert!(document(&packet).urgency().is_urgent());
    assert_eq!(warning(&packet, "LT-EDX-0062"), place_of(&packet, "<edXML:Priority>"));
    let packet = d1_but("<edXML:BussinessDocType>0<", "<edXML:BussinessDocType>7<");
    assert_eq!(document(&packet).business_type(), BusinessType::Other(7));
    assert_eq!(warning(&packet, "LT-EDX-0062"), place_of(&packet, "<edXML:BussinessDocType>"));
}

#[test]
fn q24_mismatched_tags_are_refused_with_what_was_expected() {
    let packet = d1_but("</edXML:Subject>", "</edXML:Content>");
    let (line, column) = place_of(&packet, "</edXML:Content>");
    assert_eq!(refusal(&packet), ("LT-EDX-0006".into(), 22, line, column));
    let finding = refusals(&packet).remove(0);
    assert_eq!(finding.found.as_deref(), Some("</edXML:Content>"));
    assert_eq!(finding.expected.as_deref(), Some("</edXML:Subject>"));
}

#[test]
fn q25_a_doctype_is_refused_and_nothing_in_it_is_resolved() {
    let bomb = r#"<!DOCTYPE edXML [<!ENTITY a "aaaa"><!ENTITY x SYSTEM "file:///etc/passwd">]>"#;
    let packet = d1_but("\n<edXML ", &format!("\n {bomb}\n<edXML "));
    assert_eq!(refusal(packet), ("LT-EDX-0004".into(), 22, 2, 2));
    assert_eq!(refusal("<!doctype html><html></html>"), ("LT-EDX-0004".into(), 22, 1, 1));
    let packet = d1_but("V/v kiểm tra", "&x; kiểm tra");
    let (line, column) = place_of(&packet, "&x;");
    assert_eq!(refusal(packet), ("LT-EDX-0008".into(), 22, line, column));
}

#[test]
fn q26_what_is_not_xml_is_refused_as_an_invalid_file() {
    assert_eq!(refusal(PDF), ("LT-EDX-0001".into(), 10, 1, 1));
    assert_eq!(refusal(zip()), ("LT-EDX-0001".into(), 10, 1, 1));
    assert_eq!(refusal("xin chào"), ("LT-EDX-0001".into(), 10, 1, 1));
    assert_eq!(refusal("{\"a\": 1}"), ("LT-EDX-0001".into(), 10, 1, 1));
    assert_eq!(refusal(""), ("LT-EDX-0002".into(), 10, 1, 1));
    assert_eq!(refusal(" \n \u{9}"), ("LT-EDX-0002".into(), 10, 1, 1));
}

#[test]
fn q28_a_due_date_before_the_issue_is_taken_with_a_warning() {
    let packet = d1_but("<edXML:DueDate>2026/03/20<", "<edXML:DueDate>2026/03/01<");
    assert_eq!(warning(&packet, "LT-EDX-0057"), place_of(&packet, "<edXML:DueDate>"));
}

#[test]
fn the_hard_minimum_is_refused_field_by_field_and_all_at_once() {
    let pieces = [
        ("<edXML:Subject>V/v kiểm tra liên thông</edXML:Subject>\n", "MessageHeader/Subject"),
        (
            "<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>\n",
            "MessageHeader/PromulgationInfo/PromulgationDate",
        ),
        ("<edXML:OrganId>H37.90</edXML:OrganId>\n<edXML:OrganizationInCharge>", "MessageHeader/From/OrganId"),
        ("<edXML:OrganId>G09.90</edXML:OrganId>\n<edXML:OrganName>Cục", "MessageHeader/To/OrganId"),
    ];
    let mut without_any = d1();
    for (piece, element) in pieces {
        let rest = piece.split_once('\n').map_or("", |(_, rest)| rest);
        let packet = d1_but(piece, rest);
        let all = refusals(&packet);
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!((all[0].code.as_str(), all[0].vxp), (findings::MISSING.code, 22));
        assert_eq!(all[0].element.as_deref(), Some(element));
        without_any = without_any.replacen(piece, rest, 1);
    }
    assert_eq!(refusals(without_any).len(), 4);
}

#[test]
fn a_code_or_a_document_id_is_enough() {
    let id = "<edXML:DocumentId>H37.90,2026/03/02,12/STN-VP</edXML:DocumentId>\n";
    let code = "<edXML:Code>\n<edXML:CodeNumber>12</edXML:CodeNumber>\n<edXML:CodeNotation>STN-VP</edXML:CodeNotation>\n</edXML:Code>\n";
    let packet = d1_but(id, "");
    assert_eq!(document(&packet).document_id, None);
    assert_eq!(document(&packet).id(), "H37.90,2026/03/02,12/STN-VP", "made from sender, date and code");
    assert_eq!(codes(&packet), ["LT-EDX-0067"]);
    assert_eq!(document(d1_but(code, "")).id(), "H37.90,2026/03/02,12/STN-VP");
    let neither = d1_but(id, "").replace(code, "");
    assert_eq!(refusals(neither)[0].element.as_deref(), Some("MessageHeader/Code"));
}

#[test]
fn a_status_must_say_who_reports_what_of_which_document() {
    let from = "<edXML:OrganId>G09.90</edXML:OrganId>\n";
    for (piece, element) in [
        (from, "MessageHeader/From/OrganId"),
        ("<edXML:StatusCode>03</edXML:StatusCode>\n", "MessageHeader/StatusCode"),
    ] {
        let packet = status_but(piece, if piece.contains("StatusCode") { "<edXML:StatusCode/>\n" } else { "" });
        assert_eq!(refusals(packet)[0].element.as_deref(), Some(element));
    }
    let nameless = STATUS
        .replace("<edXML:Code>12/STN-VP</edXML:Code>\n", "")
        .replace("<edXML:DocumentId>H37.90,2026/03/02,12/STN-VP</edXML:DocumentId>\n", "");
    assert_eq!(refusals(nameless)[0].element.as_deref(), Some("MessageHeader/ResponseFor/DocumentId"));
}

#[test]
fn a_field_given_twice_is_refused_because_readers_would_differ() {
    let packet = d1_but("<edXML:Content>", "<edXML:Subject>Khác</edXML:Subject>\n<edXML:Content>");
    let (line, column) = place_of(&packet, "<edXML:Subject>Khác");
    assert_eq!(refusal(packet), ("LT-EDX-0037".into(), 22, line, column));
    let harmless = d1_but("<edXML:Content>", "<edXML:Subject/>\n<edXML:Content>");
    assert_eq!(document(harmless), document(d1()));
    let both = STATUS.replace("</edXML:edXMLHeader>", "<edXML:Status><a>1</a></edXML:Status></edXML:edXMLHeader>");
    assert_eq!(refusal(both).0, "LT-EDX-0037");
}

#[test]
fn a_body_that_no_attachment_claims_is_refused() {
    let stray = "<edXML:ContentTransferEncoded>QUJD</edXML:ContentTransferEncoded>";
    let packet = d1_but("<edXML:DueDate>", &format!("{stray}\n<edXML:DueDate>"));
    let (line, column) = place_of(&packet, "QUJD");
    assert_eq!(refusal(packet), ("LT-EDX-0038".into(), 22, line, column));
    let in_status = status_but(
        "</edXML:edXMLEnvelope>",
        &format!(
            "</edXML:edXMLEnvelope><AttachmentEncoded><Attachment>{}</Attachment></AttachmentEncoded>",
            stray.replace("edXML:", "")
        ),
    );
    assert_eq!(refusal(in_status).0, "LT-EDX-0038");
}

#[test]
fn another_declared_encoding_is_refused() {
    let packet = d1_but("encoding=\"UTF-8\"", "encoding=\"windows-1258\"");
    assert_eq!(refusal(packet), ("LT-EDX-0039".into(), 22, 1, 1));
}

#[test]
fn elements_without_a_namespace_are_read_with_a_warning() {
    let packet = format!(
        r#"<edXML:edXML xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">{}"#,
        d1().split_once("QCVN_102_2016\">").unwrap().1.replace("</edXML>", "</edXML:edXML>")
    );
    assert_eq!(document(&packet).attachments.len(), 1);
    assert_eq!(warning(&packet, "LT-EDX-0052"), place_of(&packet, "<AttachmentEncoded>"));
}

#[test]
fn an_error_answer_is_read() {
    let list = "<edXML:ErrorList><edXML:Error><edXML:Code>N.MessageHeader.To</edXML:Code>\
                <edXML:Description>Thiếu nơi nhận</edXML:Description></edXML:Error></edXML:ErrorList></edXML:edXMLHeader>";
    let document = document(d1_but("</edXML:edXMLHeader>", list));
    assert_eq!(document.errors[0].code.as_ref().unwrap().value, "N.MessageHeader.To");
}

#[test]
fn several_faults_are_told_in_one_answer() {
    let packet = d1()
        .replace("<edXML:PromulgationDate>2026/03/02<", "<edXML:PromulgationDate>02/03/2026<")
        .replace("<edXML:Priority>3<", "<edXML:Priority>khẩn<")
        .replace("<edXML:Subject>V/v kiểm tra liên thông<", "<edXML:Subject><");
    let codes: Vec<_> = refusals(packet).into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes.len(), 3, "{codes:?}");
}
