//! The regulation's elements in their order.

const ORGANIZATION: &[&str] =
    &["OrganId", "OrganizationInCharge", "OrganName", "OrganAdd", "Email", "Telephone", "Fax", "Website"];
const DOCUMENT: &[&str] = &[
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
const STATUS: &[&str] = &["From", "ResponseFor", "StaffInfo", "StatusCode", "Description", "Timestamp"];
const OTHER_INFO: &[&str] = &[
    "Priority",
    "SphereOfPromulgation",
    "TyperNotation",
    "PromulgationAmount",
    "PageAmount",
    "ReplyFors",
    "Direction",
    "ReferenceCodes",
    "Appendixes",
];
const BUSINESS: &[&str] = &[
    "DocumentId",
    "BussinessDocType",
    "BussinessDocReason",
    "Paper",
    "BussinessDocumentInfo",
    "ReplacementInfoList",
    "StaffInfo",
];
const ATTACHMENT: &[&str] = &["ContentId", "AttachmentName", "Description", "ContentType", "ContentTransferEncoded"];

/// The children of an element in their order; none for one that holds a value, or that is not known.
pub fn children(parent: &str, name: &str, status: bool) -> Option<&'static [&'static str]> {
    Some(match (parent, name) {
        ("", "edXML") => &["edXMLEnvelope", "AttachmentEncoded"],
        ("edXML", "edXMLEnvelope") => &["edXMLHeader", "edXMLBody"],
        ("edXMLEnvelope", "edXMLHeader") => &["MessageHeader", "TraceHeaderList", "Signature", "ErrorList"],
        ("edXMLEnvelope", "edXMLBody") => &["edXMLManifest"],
        ("edXMLBody", "edXMLManifest") => &["Reference"],
        ("edXMLHeader", "MessageHeader") => {
            if status {
                STATUS
            } else {
                DOCUMENT
            }
        }
        ("MessageHeader", "From" | "To") => ORGANIZATION,
        ("MessageHeader", "Code") => &["CodeNumber", "CodeNotation"],
        ("MessageHeader", "PromulgationInfo") => &["Place", "PromulgationDate"],
        ("MessageHeader", "DocumentType") => &["Type", "TypeDetail", "TypeName"],
        ("MessageHeader", "SignerInfo") => &["Competence", "Position", "FullName"],
        ("MessageHeader", "OtherInfo") => OTHER_INFO,
        ("OtherInfo", "Appendixes") => &["Appendix"],
        ("MessageHeader", "ResponseFor") => &["OrganId", "Code", "DocumentId", "PromulgationDate"],
        ("MessageHeader", "ResponseForTask") => &["TaskCode"],
        ("MessageHeader", "ToPlaces") => &["Place"],
        ("MessageHeader", "StaffInfo") => &["Department", "DepartmentId", "Staff", "StaffId", "Mobile", "Email"],
        ("edXMLHeader", "TraceHeaderList") => &["Bussiness", "TraceHeader"],
        ("TraceHeaderList", "TraceHeader") => &["OrganId", "Timestamp"],
        ("TraceHeaderList", "Bussiness") => BUSINESS,
        ("Bussiness", "BussinessDocumentInfo") => &["DocumentInfo", "DocumentReceiver", "ReceiverList"],
        ("BussinessDocumentInfo", "ReceiverList") => &["Receiver"],
        ("ReceiverList", "Receiver") => &["OrganId", "ReceiverType"],
        ("Bussiness", "ReplacementInfoList") => &["ReplacementInfo"],
        ("ReplacementInfoList", "ReplacementInfo") => &["DocumentId", "OrganIdList"],
        ("ReplacementInfo", "OrganIdList") => &["OrganId"],
        ("Bussiness", "StaffInfo") => &["Department", "DepartmentId", "Staff", "StaffId", "Email", "Mobile"],
        ("edXMLHeader", "ErrorList") => &["Error"],
        ("ErrorList", "Error") => &["Code", "Description"],
        ("edXMLManifest", "Reference") => &["ContentId", "ContentType", "Description", "AttachmentName"],
        ("edXML", "AttachmentEncoded") => &["Attachment"],
        ("AttachmentEncoded", "Attachment") => ATTACHMENT,
        _ => return None,
    })
}

/// The standard's name of an element that some producers spell as English does.
pub fn spelt(parent: &str, name: &str) -> Option<&'static str> {
    Some(match (parent, name) {
        ("edXMLHeader", "Status") => "MessageHeader",
        ("TraceHeaderList", "Business") => "Bussiness",
        ("Bussiness", "BusinessDocType") => "BussinessDocType",
        ("Bussiness", "BusinessDocReason") => "BussinessDocReason",
        ("Bussiness", "BusinessDocumentInfo") => "BussinessDocumentInfo",
        ("OtherInfo", "TypistNotation") => "TyperNotation",
        _ => return None,
    })
}
