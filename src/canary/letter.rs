//! The test document itself: as small as one may be, and plainly what it is.

use std::io;

use lienthong_contract::{AgencyCode, Instant};

use crate::edxml::Document;
use crate::edxml::model::{
    AttachmentMeta, Business, BusinessType, Code, DocumentType, Located, Organization, OtherInfo, PacketSignature,
    PromulgationInfo, Reference, SignerInfo, TextAt, TraceHeader, Urgency,
};
use crate::edxml::write::write_document;

const SUBJECT: &str = "Văn bản thử đường truyền của trục liên thông, không cần xử lý";
const NOTE: &str = "Văn bản do trục liên thông tự gửi để thử đường truyền. Không có nội dung, không cần xử lý.\n\
                    A document that the gateway sends by itself to test the way. It says nothing and asks for nothing.\n";
const FILE: &str = "van-ban-thu.txt";

/// The unsigned packet. Its number is the millisecond of the day, so that each is a document of its own.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn packet(from: &AgencyCode, to: &AgencyCode, now: Instant) -> io::Result<Vec<u8>> {
    let local = now.in_vietnam();
    let day = local.date();
    let number = now.as_millis().rem_euclid(86_400_000).to_string();
    let content_id = format!("{number:0>8}");
    let document = Document {
        from: organization(from),
        to: vec![organization(to)],
        // Each recipient has one of its own.
        document_id: Some(text(&format!("{from},{},{number}/THU-{to}", day.strftime("%Y/%m/%d")))),
        code: Code { number: Some(text(&number)), notation: Some(text(&format!("THU-{to}"))) },
        promulgation: PromulgationInfo { place: Some(text("Việt Nam")), date: Located::made(day) },
        document_type: DocumentType {
            group: Some(Located::made(2)),
            detail: Some(Located::made(18)),
            name: Some(text("Công văn")),
        },
        subject: text(SUBJECT),
        content: Some(text(SUBJECT)),
        signer: SignerInfo {
            competence: Some(text("TM.")),
            position: Some(text("Trục liên thông")),
            full_name: Some(text("Trục liên thông")),
        },
        due_date: None,
        to_places: vec![text("Như trên")],
        other: OtherInfo { priority: Some(Located::made(Urgency::Normal)), ..OtherInfo::default() },
        response_for: Vec::new(),
        steering_type: None,
        application_type: None,
        tasks: Vec::new(),
        business: Some(Business { kind: Located::made(BusinessType::New), ..Business::default() }),
        trace: vec![TraceHeader { organ_id: Some(text(from.as_str())), timestamp: Some(Located::made(now)) }],
        references: vec![Reference {
            content_id: Some(text(&content_id)),
            content_type: Some(text("text/plain")),
            description: Some(text("Văn bản thử")),
            name: Some(text(FILE)),
        }],
        attachments: Vec::new(),
        errors: Vec::new(),
        signature: PacketSignature::default(),
    };
    let meta = AttachmentMeta {
        content_id,
        name: FILE.to_owned(),
        description: Some("Văn bản thử".to_owned()),
        content_type: "text/plain".to_owned(),
    };
    let mut out = Vec::new();
    write_document(&mut out, &document, [(meta, NOTE.as_bytes())])?;
    Ok(out)
}

fn organization(code: &AgencyCode) -> Organization {
    Organization {
        organ_id: text(code.as_str()),
        name: Some(text(&format!("Cơ quan thử {code}"))),
        address: Some(text("Việt Nam")),
        ..Organization::default()
    }
}

fn text(value: &str) -> TextAt {
    Located::made(value.to_owned())
}
