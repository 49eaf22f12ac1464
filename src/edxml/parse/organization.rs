//! `From`, `To`, `StaffInfo`, `ResponseFor`: the parts that documents and status packets share.

use super::fields::Element;
use crate::edxml::findings;
use crate::edxml::model::{Organization, ResponseFor, StaffInfo, TextAt};

const ORGANIZATION: &[&str] =
    &["OrganId", "OrganizationInCharge", "OrganName", "OrganAdd", "Email", "Telephone", "Fax", "Website"];
const STAFF: &[&str] = &["Department", "DepartmentId", "Staff", "StaffId", "Email", "Mobile"];

/// Reads an agency; nothing when it has no `OrganId`, which is refused here.
pub(super) fn organization(element: &Element<'_>) -> Option<Organization> {
    element.expect_only(ORGANIZATION);
    let Some(organ_id) = element.text("OrganId") else {
        element.missing(&findings::MISSING, "OrganId");
        return None;
    };
    if is_null(&organ_id) {
        let finding = element.finding(&findings::NULL_ORGAN).at(organ_id.line, organ_id.column);
        element.note(finding.element(format!("{}/OrganId", element.path)).found(&organ_id.value));
    }
    Some(Organization {
        organ_id,
        in_charge: element.text("OrganizationInCharge"),
        name: element.text("OrganName"),
        address: element.text("OrganAdd"),
        email: element.text("Email"),
        telephone: element.text("Telephone"),
        fax: element.text("Fax"),
        website: element.text("Website"),
    })
}

/// The literal text that defective senders write for "none".
pub(super) fn is_null(text: &TextAt) -> bool {
    text.value.eq_ignore_ascii_case("null")
}

pub(super) fn staff(parent: &Element<'_>) -> StaffInfo {
    let Some(element) = parent.child("StaffInfo") else { return StaffInfo::default() };
    element.expect_only(STAFF);
    StaffInfo {
        department: element.text("Department"),
        department_id: element.text("DepartmentId"),
        staff: element.text("Staff"),
        staff_id: element.text("StaffId"),
        email: element.text("Email"),
        mobile: element.text("Mobile"),
    }
}

/// Reads every `ResponseFor` that says something.
pub(super) fn responses(message: &Element<'_>) -> Vec<ResponseFor> {
    message.children("ResponseFor").iter().map(response).collect()
}

fn response(element: &Element<'_>) -> ResponseFor {
    element.expect_only(&["OrganId", "Code", "DocumentId", "PromulgationDate"]);
    ResponseFor {
        organ_id: element.text("OrganId"),
        code: response_code(element),
        document_id: element.text("DocumentId"),
        promulgation_date: element.date("PromulgationDate"),
    }
}

/// One text by the standard; some producers divide it as in the header of a document.
fn response_code(element: &Element<'_>) -> Option<TextAt> {
    let code = element.child("Code")?;
    code.own_text().or_else(|| {
        let parts = [code.text("CodeNumber"), code.text("CodeNotation")];
        let parts: Vec<String> = parts.into_iter().flatten().map(|part| part.value).collect();
        (!parts.is_empty()).then(|| code.at(parts.join("/")))
    })
}
