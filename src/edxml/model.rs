//! The typed model of a packet: what its elements say, and where each of them stood.
//!
//! Invariants: every text is trimmed and never empty (an empty element is an absent one, quirk Q8); codes outside
//! the official lists are kept losslessly, never mapped to a neighbour; an `OrganId` stays the raw text, because
//! only the directory knows what agency it means. Nothing here is ever written back over a sender's bytes.

use jiff::civil::Date;
use lienthong_contract::Instant;

pub use super::codes::{BusinessType, Change, StatusCode, SteeringType, Urgency};

/// A value and the place of its element in the packet as it was sent. Line and column count from 1, columns in
/// characters; 0 means "made here, never read". Two located values are equal when their values are.
#[derive(Debug, Clone, Default)]
pub struct Located<T> {
    pub value: T,
    pub line: u32,
    pub column: u32,
}

impl<T> Located<T> {
    /// A value at a place of the packet.
    #[must_use]
    pub const fn at(value: T, line: u32, column: u32) -> Self {
        Self { value, line, column }
    }

    /// A value that was not read from a packet.
    #[must_use]
    pub const fn made(value: T) -> Self {
        Self { value, line: 0, column: 0 }
    }

    /// The same place with another value.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), line: self.line, column: self.column }
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

/// A text element with its place.
pub type TextAt = Located<String>;

/// A whole packet. The dialects D1, D2 and D3 all read to the same model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    Document(Box<Document>),
    Status(Box<StatusReport>),
}

impl Packet {
    /// Who sends it.
    #[must_use]
    pub const fn from(&self) -> &Organization {
        match self {
            Self::Document(document) => &document.from,
            Self::Status(status) => &status.from,
        }
    }
}

/// A document packet (`messagetype=edoc`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub from: Organization,
    /// At least one. The same agency may stand twice, by its old and its new code (quirk Q11).
    pub to: Vec<Organization>,
    /// As the sender wrote it: opaque, compared exactly. See [`Document::id`].
    pub document_id: Option<TextAt>,
    pub code: Code,
    pub promulgation: PromulgationInfo,
    pub document_type: DocumentType,
    pub subject: TextAt,
    pub content: Option<TextAt>,
    pub signer: SignerInfo,
    pub due_date: Option<Located<Date>>,
    pub to_places: Vec<TextAt>,
    pub other: OtherInfo,
    /// Empty elements are left out.
    pub response_for: Vec<ResponseFor>,
    pub steering_type: Option<Located<SteeringType>>,
    pub application_type: Option<TextAt>,
    /// `ResponseForTask/TaskCode`.
    pub tasks: Vec<TextAt>,
    /// `Bussiness`; absent means a new document.
    pub business: Option<Business>,
    pub trace: Vec<TraceHeader>,
    /// The manifest.
    pub references: Vec<Reference>,
    /// In packet order; by convention the first is the main document.
    pub attachments: Vec<Attachment>,
    /// `ErrorList/Error`, in error answers.
    pub errors: Vec<ErrorEntry>,
    pub signature: PacketSignature,
}

impl Document {
    /// The document's name: its `DocumentId`, or one made from sender, date and code (`H37.90,2026/03/02,12/VP-TH`)
    /// when the sender wrote none. The same packet always gives the same name.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.document_id {
            Some(id) => id.value.clone(),
            None => format!(
                "{},{},{}",
                self.from.organ_id.value,
                super::dates::write_date(self.promulgation.date.value),
                self.code.text()
            ),
        }
    }

    /// Urgency; a packet without `Priority` is normal.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.other.priority.as_ref().map_or(Urgency::Normal, |priority| priority.value)
    }

    /// What is to be done with it; a packet without `Bussiness` is a new document.
    #[must_use]
    pub fn business_type(&self) -> BusinessType {
        self.business.as_ref().map_or(BusinessType::New, |business| business.kind.value)
    }

    /// The documents that an update or a replacement acts on (`Bussiness/DocumentId`, or each
    /// `ReplacementInfo/DocumentId`), or the ones recalled or answered (`ResponseFor/DocumentId`).
    #[must_use]
    pub fn targets(&self) -> Vec<&TextAt> {
        match (self.business_type(), &self.business) {
            (BusinessType::Update, Some(business)) => business.document_id.iter().collect(),
            (BusinessType::Replace, Some(business)) => {
                business.replacements.iter().filter_map(|info| info.document_id.as_ref()).collect()
            }
            _ => self.response_for.iter().filter_map(|response| response.document_id.as_ref()).collect(),
        }
    }
}

/// A status packet (`messagetype=status`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// Who reports.
    pub from: Organization,
    /// The document reported on, and the other party.
    pub response_for: ResponseFor,
    pub status: Located<StatusCode>,
    pub description: Option<TextAt>,
    pub timestamp: Option<Located<Instant>>,
    pub staff: StaffInfo,
}

/// `From`, `To`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organization {
    /// Raw and trimmed; may be the literal `null`.
    pub organ_id: TextAt,
    pub in_charge: Option<TextAt>,
    pub name: Option<TextAt>,
    pub address: Option<TextAt>,
    pub email: Option<TextAt>,
    pub telephone: Option<TextAt>,
    pub fax: Option<TextAt>,
    pub website: Option<TextAt>,
}

/// `Code`: the number and the notation of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    pub number: Option<TextAt>,
    pub notation: Option<TextAt>,
}

impl Code {
    /// `number/notation`, or the part that is there.
    #[must_use]
    pub fn text(&self) -> String {
        match (&self.number, &self.notation) {
            (Some(number), Some(notation)) => format!("{}/{}", number.value, notation.value),
            (Some(part), None) | (None, Some(part)) => part.value.clone(),
            (None, None) => String::new(),
        }
    }
}

/// `PromulgationInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromulgationInfo {
    pub place: Option<TextAt>,
    pub date: Located<Date>,
}

/// `DocumentType`; the numbers are kept as written, practice ignores the official list (quirk Q22).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentType {
    pub group: Option<Located<i32>>,
    pub detail: Option<Located<i32>>,
    pub name: Option<TextAt>,
}

/// `SignerInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignerInfo {
    /// "TM.", "KT.", "TL.", "TUQ."
    pub competence: Option<TextAt>,
    pub position: Option<TextAt>,
    pub full_name: Option<TextAt>,
}

/// `OtherInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherInfo {
    pub priority: Option<Located<Urgency>>,
    pub sphere: Option<TextAt>,
    pub typer_notation: Option<TextAt>,
    /// Copies issued.
    pub promulgation_amount: Option<Located<u32>>,
    pub page_amount: Option<Located<u32>>,
    /// Extension of the official library, kept verbatim.
    pub direction: Option<TextAt>,
    pub appendixes: Vec<TextAt>,
}

/// `ResponseFor`: another document, named by its sender, code, id and date; each part may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseFor {
    pub organ_id: Option<TextAt>,
    /// One text `number/notation`.
    pub code: Option<TextAt>,
    pub document_id: Option<TextAt>,
    pub promulgation_date: Option<Located<Date>>,
}

/// `TraceHeader`; a hop of unknown origin has no `OrganId` (quirk Q10).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceHeader {
    pub organ_id: Option<TextAt>,
    pub timestamp: Option<Located<Instant>>,
}

/// `Bussiness` (so spelt in the standard).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Business {
    pub kind: Located<BusinessType>,
    pub reason: Option<TextAt>,
    /// Names the target of an update; ignored for a new document.
    pub document_id: Option<TextAt>,
    pub paper: Option<Located<bool>>,
    pub update: Option<UpdateInfo>,
    pub replacements: Vec<ReplacementInfo>,
    pub staff: StaffInfo,
}

/// `BussinessDocumentInfo`: what an update changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateInfo {
    /// Metadata or content changed.
    pub document: Option<Located<bool>>,
    /// The list of recipients changed.
    pub receivers_changed: Option<Located<bool>>,
    pub receivers: Vec<ChangedReceiver>,
}

/// `ReceiverList/Receiver`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedReceiver {
    pub organ_id: TextAt,
    pub change: Option<Located<Change>>,
}

/// `ReplacementInfo`: a document that the packet replaces, and who got it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplacementInfo {
    pub document_id: Option<TextAt>,
    pub organ_ids: Vec<TextAt>,
}

/// `StaffInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaffInfo {
    pub department: Option<TextAt>,
    pub department_id: Option<TextAt>,
    pub staff: Option<TextAt>,
    pub staff_id: Option<TextAt>,
    pub email: Option<TextAt>,
    pub mobile: Option<TextAt>,
}

/// `Reference` of the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Without any leading `cid:`.
    pub content_id: Option<TextAt>,
    pub content_type: Option<TextAt>,
    pub description: Option<TextAt>,
    pub name: Option<TextAt>,
}

/// `Attachment`. Two are equal when all but their places are.
#[derive(Debug, Clone, Default)]
pub struct Attachment {
    /// Without any leading `cid:`; the value is as it was written apart from that.
    pub content_id: Option<TextAt>,
    /// For display and for its extension; never a path.
    pub name: Option<TextAt>,
    pub description: Option<TextAt>,
    /// Often wrong (quirk Q13): decide by [`crate::edxml::split::Body::kind`].
    pub content_type: Option<TextAt>,
    /// Index into [`crate::edxml::split::Split::bodies`]; absent when the element was empty.
    pub body: Option<usize>,
    /// Place of the `Attachment` element.
    pub line: u32,
    pub column: u32,
}

impl PartialEq for Attachment {
    fn eq(&self, other: &Self) -> bool {
        let said = |a: &Self| (a.content_id.clone(), a.name.clone(), a.description.clone(), a.content_type.clone());
        self.body == other.body && said(self) == said(other)
    }
}

impl Eq for Attachment {}

/// `ErrorList/Error`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorEntry {
    pub code: Option<TextAt>,
    pub description: Option<TextAt>,
}

/// What stands in the place of the packet signature; whether it holds is the trust room's business.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PacketSignature {
    #[default]
    Absent,
    /// `<Signature/>`, or only empty children.
    Empty,
    /// The example signature of the official library, copied into production (quirk Q12).
    Dummy,
    /// Not in the XML-DSig namespace, so it is no XML signature (the official library writes this).
    ForeignNamespace,
    /// An XML-DSig element.
    XmlDsig,
}

/// What the writer needs to know of one attachment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachmentMeta {
    /// Without `cid:`.
    pub content_id: String,
    pub name: String,
    pub description: Option<String>,
    pub content_type: String,
}
