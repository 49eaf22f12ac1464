//! Whether what a document packet says makes sense. Done once, by the first hop; a relay repeats none of it.

use jiff::civil::Date;
use lienthong_contract::Finding;

use super::findings::{
    DATE_IN_FUTURE, DATE_VERY_OLD, FOREIGN_LETTER, NO_PDF, PLACEHOLDER, REASON_MISSING, TARGET_MISSING,
};
use super::{Context, place};
use crate::directory::fold;
use crate::edxml::dates::write_date;
use crate::edxml::model::{BusinessType, Located, TextAt};
use crate::edxml::{Document, Sniffed, Split};

/// Texts that stand in a field until somebody fills it in; compared without case, diacritics and outer punctuation.
const FILLERS: &[&str] = &[
    "",
    "n/a",
    "na",
    "null",
    "none",
    "nil",
    "nan",
    "undefined",
    "string",
    "test",
    "todo",
    "tbd",
    "xxx",
    "abc",
    "khong co",
    "trich yeu",
    "noi dung",
    "so ky hieu",
    "ten co quan",
    "ho va ten",
    "loai van ban",
    "lorem ipsum",
];

pub(super) fn check(ctx: &Context<'_>, document: &Document, split: &Split, findings: &mut Vec<Finding>) {
    if !ctx.first_hop() {
        return;
    }
    check_date(ctx, &document.promulgation.date, findings);
    check_business(document, findings);
    check_attachments(document, split, findings);
    for (text, element) in texts(document) {
        if is_placeholder(&text.value) {
            findings.push(place(Finding::of(&PLACEHOLDER).found(&text.value), text, element));
        }
        if text.value.contains(['\u{d0}', '\u{f0}']) {
            findings.push(place(Finding::of(&FOREIGN_LETTER).found(&text.value), text, element));
        }
    }
}

pub(super) fn check_date(ctx: &Context<'_>, date: &Located<Date>, findings: &mut Vec<Finding>) {
    let today = ctx.today();
    let told = |kind| {
        place(Finding::of(kind).found(write_date(date.value)), date, "MessageHeader/PromulgationInfo/PromulgationDate")
    };
    if date.value > today {
        findings.push(told(&DATE_IN_FUTURE).expected(format!("≤ {}", write_date(today))));
    } else if i64::from((today - date.value).get_days()) > ctx.limits.old_days {
        findings.push(told(&DATE_VERY_OLD));
    }
}

/// Revoking, updating and replacing need a target, and a reason that a receiver can follow.
fn check_business(document: &Document, findings: &mut Vec<Finding>) {
    let Some(business) = &document.business else { return };
    let element = match business.kind.value {
        BusinessType::Revoke => "MessageHeader/ResponseFor",
        BusinessType::Update => "TraceHeaderList/Bussiness/DocumentId",
        BusinessType::Replace => "TraceHeaderList/Bussiness/ReplacementInfoList/ReplacementInfo/DocumentId",
        BusinessType::New | BusinessType::Other(_) => return,
    };
    // What is recalled may be named by its code alone, and some name it where an update does.
    let named = !document.targets().is_empty()
        || business.kind.value == BusinessType::Revoke
            && (business.document_id.is_some() || document.response_for.iter().any(|other| other.code.is_some()));
    if !named {
        findings.push(place(Finding::of(&TARGET_MISSING), &business.kind, element));
    }
    if business.reason.is_none() {
        let element = "TraceHeaderList/Bussiness/BussinessDocReason";
        findings.push(place(Finding::of(&REASON_MISSING), &business.kind, element));
    }
}

/// PDF is the legal carrier. The official library zips every file, so an archive may well hold one. That there is no
/// attachment, or an empty one, is remarked by the reader.
fn check_attachments(document: &Document, split: &Split, findings: &mut Vec<Finding>) {
    let mut bodies = document.attachments.iter().filter_map(|attachment| split.bodies.get(attachment.body?)).peekable();
    if bodies.peek().is_some() && bodies.all(|body| body.kind == Sniffed::Other) {
        findings.push(Finding::of(&NO_PDF).element("AttachmentEncoded/Attachment"));
    }
}

/// The fields a person fills in.
fn texts(document: &Document) -> impl Iterator<Item = (&TextAt, &'static str)> {
    let organizations = std::iter::once((&document.from, "MessageHeader/From/OrganName"))
        .chain(document.to.iter().map(|to| (to, "MessageHeader/To/OrganName")))
        .filter_map(|(organization, element)| Some((organization.name.as_ref()?, element)));
    [
        (document.document_id.as_ref(), "MessageHeader/DocumentId"),
        (document.code.number.as_ref(), "MessageHeader/Code/CodeNumber"),
        (document.code.notation.as_ref(), "MessageHeader/Code/CodeNotation"),
        (document.promulgation.place.as_ref(), "MessageHeader/PromulgationInfo/Place"),
        (document.document_type.name.as_ref(), "MessageHeader/DocumentType/TypeName"),
        (Some(&document.subject), "MessageHeader/Subject"),
        (document.content.as_ref(), "MessageHeader/Content"),
        (document.signer.position.as_ref(), "MessageHeader/SignerInfo/Position"),
        (document.signer.full_name.as_ref(), "MessageHeader/SignerInfo/FullName"),
    ]
    .into_iter()
    .filter_map(|(text, element)| Some((text?, element)))
    .chain(organizations)
}

/// `N/A`, `TEST001`, `${subject}`, `[Trích yếu]`.
fn is_placeholder(text: &str) -> bool {
    if ["${", "{{", "<%", "#{"].iter().any(|opening| text.contains(opening)) {
        return true;
    }
    let folded = fold(text);
    let bare = folded.trim_matches(|c: char| !c.is_alphanumeric());
    FILLERS.contains(&bare) || bare.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ' || c == '-') == "test"
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn fillers_are_told_from_content() {
        for text in
            ["N/A", "null", "TEST", "TEST001", "test 2", "${subject}", "{{so}}", "[Trích yếu]", "...", "---", "Test"]
        {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "V/v xét nghiệm test nhanh",
            "12",
            "UBND-VP",
            "Nội dung họp",
            "Không có gì thay đổi",
            "TESTING-HN",
            "H37.90",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
