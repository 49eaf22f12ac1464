//! Packets of our own: exactly the element order and the literal prefixes of the official library.
//!
//! A receiver on the axis was seen to refuse header elements without the literal prefix `edXML:`, although they mean
//! the same; so the prefixes here are part of the format. Empty elements are left out. Attachments are streamed.
//! Failure story: a writer that fails leaves a packet that is cut short, which no reader takes.

use std::io::{self, BufWriter, Read, Write};

use base64_simd::STANDARD;

use super::QCVN_NAMESPACE;
use super::dates::{write_date, write_time};
use super::model::{
    AttachmentMeta, Business, Document, Organization, Reference, ResponseFor, StaffInfo, StatusReport, TextAt,
    TraceHeader,
};
use super::tags::is_xml_char;

/// Bytes of an attachment encoded at a time; a multiple of three, so that padding comes only at the end.
const PIECE: usize = 48 << 10;

/// Writes a document packet. The manifest lists `document.references`, or the model's attachments when it has none;
/// the attachments themselves come from the iterator.
///
/// # Errors
/// Writing or reading fails; `InvalidData` when a text holds a character that XML cannot carry.
pub fn write_document<W: Write, R: Read>(
    out: W,
    document: &Document,
    attachments: impl IntoIterator<Item = (AttachmentMeta, R)>,
) -> io::Result<()> {
    let mut xml = Emitter::begin(out)?;
    xml.inside("edXML:MessageHeader", |xml| message_header(xml, document))?;
    xml.inside("edXML:TraceHeaderList", |xml| trace_list(xml, document))?;
    xml.inside("edXML:ErrorList", |xml| {
        document.errors.iter().try_for_each(|error| {
            xml.inside("edXML:Error", |xml| {
                xml.text("edXML:Code", error.code.as_ref())?;
                xml.text("edXML:Description", error.description.as_ref())
            })
        })
    })?;
    xml.raw("</edXML:edXMLHeader><edXML:edXMLBody><edXML:edXMLManifest version=\"1.0\">")?;
    manifest(&mut xml, document)?;
    xml.raw("</edXML:edXMLManifest></edXML:edXMLBody></edXML:edXMLEnvelope>")?;
    let mut any = false;
    for (meta, body) in attachments {
        if !std::mem::replace(&mut any, true) {
            xml.raw("<AttachmentEncoded>")?;
        }
        attachment(&mut xml, &meta, body)?;
    }
    xml.raw(if any { "</AttachmentEncoded></edXML>" } else { "</edXML>" })?;
    xml.out.flush()
}

/// Writes a status packet.
///
/// # Errors
/// As [`write_document`].
pub fn write_status<W: Write>(out: W, status: &StatusReport) -> io::Result<()> {
    let mut xml = Emitter::begin(out)?;
    xml.inside("edXML:MessageHeader", |xml| {
        organization(xml, "edXML:From", &status.from)?;
        response_for(xml, &status.response_for)?;
        staff(xml, &status.staff, true)?;
        xml.field("edXML:StatusCode", Some(status.status.value.code()))?;
        xml.text("edXML:Description", status.description.as_ref())?;
        xml.field("edXML:Timestamp", status.timestamp.as_ref().map(|time| write_time(time.value)))
    })?;
    xml.raw("</edXML:edXMLHeader></edXML:edXMLEnvelope></edXML>")?;
    xml.out.flush()
}

fn message_header<W: Write>(xml: &mut Emitter<W>, document: &Document) -> io::Result<()> {
    organization(xml, "edXML:From", &document.from)?;
    document.to.iter().try_for_each(|to| organization(xml, "edXML:To", to))?;
    xml.text("edXML:DocumentId", document.document_id.as_ref())?;
    xml.inside("edXML:Code", |xml| {
        xml.text("edXML:CodeNumber", document.code.number.as_ref())?;
        xml.text("edXML:CodeNotation", document.code.notation.as_ref())
    })?;
    xml.inside("edXML:PromulgationInfo", |xml| {
        xml.text("edXML:Place", document.promulgation.place.as_ref())?;
        xml.field("edXML:PromulgationDate", Some(write_date(document.promulgation.date.value)))
    })?;
    xml.inside("edXML:DocumentType", |xml| {
        xml.field("edXML:Type", document.document_type.group.as_ref().map(|number| number.value))?;
        xml.field("edXML:TypeDetail", document.document_type.detail.as_ref().map(|number| number.value))?;
        xml.text("edXML:TypeName", document.document_type.name.as_ref())
    })?;
    xml.text("edXML:Subject", Some(&document.subject))?;
    xml.text("edXML:Content", document.content.as_ref())?;
    xml.inside("edXML:SignerInfo", |xml| {
        xml.text("edXML:Competence", document.signer.competence.as_ref())?;
        xml.text("edXML:Position", document.signer.position.as_ref())?;
        xml.text("edXML:FullName", document.signer.full_name.as_ref())
    })?;
    xml.field("edXML:DueDate", document.due_date.as_ref().map(|date| write_date(date.value)))?;
    other_info(xml, document)?;
    document.response_for.iter().try_for_each(|response| response_for(xml, response))?;
    xml.field("edXML:SteeringType", document.steering_type.as_ref().map(|steering| steering.value.0))?;
    xml.text("edXML:ApplicationType", document.application_type.as_ref())?;
    xml.inside("edXML:ResponseForTask", |xml| xml.texts("edXML:TaskCode", &document.tasks))?;
    xml.inside("edXML:ToPlaces", |xml| xml.texts("edXML:Place", &document.to_places))
}

fn other_info<W: Write>(xml: &mut Emitter<W>, document: &Document) -> io::Result<()> {
    let other = &document.other;
    xml.inside("edXML:OtherInfo", |xml| {
        xml.field("edXML:Priority", other.priority.as_ref().map(|priority| priority.value.code()))?;
        xml.text("edXML:SphereOfPromulgation", other.sphere.as_ref())?;
        xml.text("edXML:TyperNotation", other.typer_notation.as_ref())?;
        xml.field("edXML:PromulgationAmount", other.promulgation_amount.as_ref().map(|count| count.value))?;
        xml.field("edXML:PageAmount", other.page_amount.as_ref().map(|count| count.value))?;
        xml.text("edXML:Direction", other.direction.as_ref())?;
        xml.inside("edXML:Appendixes", |xml| xml.texts("edXML:Appendix", &other.appendixes))
    })
}

fn organization<W: Write>(xml: &mut Emitter<W>, name: &'static str, organ: &Organization) -> io::Result<()> {
    xml.inside(name, |xml| {
        xml.text("edXML:OrganId", Some(&organ.organ_id))?;
        xml.text("edXML:OrganizationInCharge", organ.in_charge.as_ref())?;
        xml.text("edXML:OrganName", organ.name.as_ref())?;
        xml.text("edXML:OrganAdd", organ.address.as_ref())?;
        xml.text("edXML:Email", organ.email.as_ref())?;
        xml.text("edXML:Telephone", organ.telephone.as_ref())?;
        xml.text("edXML:Fax", organ.fax.as_ref())?;
        xml.text("edXML:Website", organ.website.as_ref())
    })
}

fn response_for<W: Write>(xml: &mut Emitter<W>, response: &ResponseFor) -> io::Result<()> {
    xml.inside("edXML:ResponseFor", |xml| {
        xml.text("edXML:OrganId", response.organ_id.as_ref())?;
        xml.text("edXML:Code", response.code.as_ref())?;
        xml.text("edXML:DocumentId", response.document_id.as_ref())?;
        xml.field("edXML:PromulgationDate", response.promulgation_date.as_ref().map(|date| write_date(date.value)))
    })
}

/// Status packets put the telephone number before the address, documents after it.
fn staff<W: Write>(xml: &mut Emitter<W>, staff: &StaffInfo, in_status: bool) -> io::Result<()> {
    xml.inside("edXML:StaffInfo", |xml| {
        xml.text("edXML:Department", staff.department.as_ref())?;
        xml.text("edXML:DepartmentId", staff.department_id.as_ref())?;
        xml.text("edXML:Staff", staff.staff.as_ref())?;
        xml.text("edXML:StaffId", staff.staff_id.as_ref())?;
        let (email, mobile) = (("edXML:Email", &staff.email), ("edXML:Mobile", &staff.mobile));
        let order = if in_status { [mobile, email] } else { [email, mobile] };
        order.iter().try_for_each(|(name, text)| xml.text(name, text.as_ref()))
    })
}

fn trace_list<W: Write>(xml: &mut Emitter<W>, document: &Document) -> io::Result<()> {
    if let Some(business) = &document.business {
        xml.inside("edXML:Bussiness", |xml| self::business(xml, business))?;
    }
    document.trace.iter().try_for_each(|hop| trace_header(xml, hop))
}

fn trace_header<W: Write>(xml: &mut Emitter<W>, hop: &TraceHeader) -> io::Result<()> {
    xml.inside("edXML:TraceHeader", |xml| {
        xml.text("edXML:OrganId", hop.organ_id.as_ref())?;
        xml.field("edXML:Timestamp", hop.timestamp.as_ref().map(|time| write_time(time.value)))
    })
}

fn business<W: Write>(xml: &mut Emitter<W>, business: &Business) -> io::Result<()> {
    xml.text("edXML:DocumentId", business.document_id.as_ref())?;
    xml.field("edXML:BussinessDocType", Some(business.kind.value.code()))?;
    xml.text("edXML:BussinessDocReason", business.reason.as_ref())?;
    xml.field("edXML:Paper", business.paper.as_ref().map(|flag| u8::from(flag.value)))?;
    if let Some(update) = &business.update {
        xml.inside("edXML:BussinessDocumentInfo", |xml| {
            xml.field("edXML:DocumentInfo", update.document.as_ref().map(|flag| u8::from(flag.value)))?;
            let changed = update.receivers_changed.as_ref();
            xml.field("edXML:DocumentReceiver", changed.map(|flag| u8::from(flag.value)))?;
            xml.inside("edXML:ReceiverList", |xml| {
                update.receivers.iter().try_for_each(|receiver| {
                    xml.inside("edXML:Receiver", |xml| {
                        xml.text("edXML:OrganId", Some(&receiver.organ_id))?;
                        xml.field("edXML:ReceiverType", receiver.change.as_ref().map(|change| change.value.code()))
                    })
                })
            })
        })?;
    }
    xml.inside("edXML:ReplacementInfoList", |xml| {
        business.replacements.iter().try_for_each(|replaced| {
            xml.inside("edXML:ReplacementInfo", |xml| {
                xml.text("edXML:DocumentId", replaced.document_id.as_ref())?;
                xml.inside("edXML:OrganIdList", |xml| xml.texts("edXML:OrganId", &replaced.organ_ids))
            })
        })
    })?;
    staff(xml, &business.staff, false)
}

fn manifest<W: Write>(xml: &mut Emitter<W>, document: &Document) -> io::Result<()> {
    let own = document.attachments.iter().map(|attachment| Reference {
        content_id: attachment.content_id.clone(),
        content_type: attachment.content_type.clone(),
        description: attachment.description.clone(),
        name: attachment.name.clone(),
    });
    let derived: Vec<Reference> = if document.references.is_empty() { own.collect() } else { Vec::new() };
    document.references.iter().chain(&derived).try_for_each(|reference| {
        xml.inside("edXML:Reference", |xml| {
            xml.field("edXML:ContentId", reference.content_id.as_ref().map(|id| format!("cid:{}", id.value)))?;
            xml.text("edXML:ContentType", reference.content_type.as_ref())?;
            xml.text("edXML:Description", reference.description.as_ref())?;
            xml.text("edXML:AttachmentName", reference.name.as_ref())
        })
    })
}

fn attachment<W: Write, R: Read>(xml: &mut Emitter<W>, meta: &AttachmentMeta, mut body: R) -> io::Result<()> {
    xml.raw("<Attachment>")?;
    xml.field("ContentId", Some(format!("cid:{}", meta.content_id)).filter(|_| !meta.content_id.is_empty()))?;
    xml.field("AttachmentName", Some(&meta.name))?;
    xml.field("Description", meta.description.as_ref())?;
    xml.field("ContentType", Some(&meta.content_type))?;
    xml.raw("<edXML:ContentTransferEncoded xmlns:edXML=\"")?;
    xml.raw(QCVN_NAMESPACE)?;
    xml.raw("\">")?;
    let (mut piece, mut encoded) = (Vec::with_capacity(PIECE), Vec::with_capacity(PIECE / 3 * 4));
    loop {
        piece.clear();
        encoded.clear();
        if body.by_ref().take(PIECE as u64).read_to_end(&mut piece)? == 0 {
            break;
        }
        STANDARD.encode_append(&piece, &mut encoded);
        xml.out.write_all(&encoded)?;
    }
    xml.raw("</edXML:ContentTransferEncoded></Attachment>")
}

/// Writes elements; an element is opened only when something comes to stand in it.
struct Emitter<W: Write> {
    out: BufWriter<W>,
    waiting: Vec<&'static str>,
}

impl<W: Write> Emitter<W> {
    /// Writes everything up to the first child of the header.
    fn begin(out: W) -> io::Result<Self> {
        let mut xml = Self { out: BufWriter::new(out), waiting: Vec::new() };
        xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXML xmlns=\"")?;
        xml.raw(QCVN_NAMESPACE)?;
        xml.raw("\"><edXML:edXMLEnvelope xmlns:edXML=\"")?;
        xml.raw(QCVN_NAMESPACE)?;
        xml.raw("\"><edXML:edXMLHeader>")?;
        Ok(xml)
    }

    fn raw(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    fn inside(&mut self, name: &'static str, write: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let outer = self.waiting.len();
        self.waiting.push(name);
        write(self)?;
        // Still waiting means that nothing was written inside.
        if self.waiting.len() > outer {
            self.waiting.truncate(outer);
            return Ok(());
        }
        write!(self.out, "</{name}>")
    }

    fn text(&mut self, name: &str, text: Option<&TextAt>) -> io::Result<()> {
        self.field(name, text.map(|text| &text.value))
    }

    fn texts(&mut self, name: &str, texts: &[TextAt]) -> io::Result<()> {
        texts.iter().try_for_each(|text| self.text(name, Some(text)))
    }

    fn field(&mut self, name: &str, value: Option<impl ToString>) -> io::Result<()> {
        let Some(value) = value.map(|value| value.to_string()).filter(|value| !value.is_empty()) else {
            return Ok(());
        };
        for waiting in std::mem::take(&mut self.waiting) {
            write!(self.out, "<{waiting}>")?;
        }
        write!(self.out, "<{name}>")?;
        self.escaped(&value)?;
        write!(self.out, "</{name}>")
    }

    fn escaped(&mut self, text: &str) -> io::Result<()> {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '\r' => out.push_str("&#13;"),
                c if is_xml_char(c) => out.push(c),
                c => {
                    let message = format!("XML cannot carry the character U+{:04X}", u32::from(c));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
            }
        }
        self.raw(&out)
    }
}
