//! Packets of invented agencies, and short ways to split and read them.

use lienthong_contract::Finding;

use crate::edxml::model::{Document, Packet, StatusReport};
use crate::edxml::{Limits, Parsed, Split, SplitError, parse, split};

/// A PDF as far as anyone here looks: 39 bytes, with bytes that are no UTF-8.
pub const PDF: &[u8] = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj endobj\n%%EOF\n";

/// The whole ZIP that an SDK makes of one file (stored, one entry).
pub fn zip() -> Vec<u8> {
    let mut out = Vec::new();
    let name = b"5f0c.pdf";
    let data = b"%PDF-1.7 zipped";
    let common = |out: &mut Vec<u8>| {
        out.extend_from_slice(&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&0u32.to_le_bytes());
        out.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
        out.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
        out.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
    };
    out.extend_from_slice(b"PK\x03\x04");
    common(&mut out);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(name);
    out.extend_from_slice(data);
    let directory = out.len();
    out.extend_from_slice(b"PK\x01\x02\x14\x00");
    common(&mut out);
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(name);
    let size = out.len() - directory;
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    out.extend_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
    out.extend_from_slice(&u32::try_from(directory).unwrap().to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

pub fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// Dialect D1: what the official library and the axis write. One element a line, so that places are easy to name.
pub const D1: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">
<edXML:edXMLEnvelope xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">
<edXML:edXMLHeader>
<edXML:MessageHeader>
<edXML:From>
<edXML:OrganId>H37.90</edXML:OrganId>
<edXML:OrganizationInCharge>UBND tỉnh Mẫu</edXML:OrganizationInCharge>
<edXML:OrganName>Sở Thử nghiệm</edXML:OrganName>
<edXML:OrganAdd>1 phố Mẫu</edXML:OrganAdd>
<edXML:Email>vt@mau.gov.vn</edXML:Email>
<edXML:Telephone>0200</edXML:Telephone>
<edXML:Fax>0201</edXML:Fax>
<edXML:Website>mau.gov.vn</edXML:Website>
</edXML:From>
<edXML:To>
<edXML:OrganId>G09.90</edXML:OrganId>
<edXML:OrganName>Cục Mẫu</edXML:OrganName>
</edXML:To>
<edXML:To>
<edXML:OrganId>000.00.90.H38</edXML:OrganId>
<edXML:OrganName>Văn phòng Mẫu</edXML:OrganName>
</edXML:To>
<edXML:DocumentId>H37.90,2026/03/02,12/STN-VP</edXML:DocumentId>
<edXML:Code>
<edXML:CodeNumber>12</edXML:CodeNumber>
<edXML:CodeNotation>STN-VP</edXML:CodeNotation>
</edXML:Code>
<edXML:PromulgationInfo>
<edXML:Place>Mẫu</edXML:Place>
<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>
</edXML:PromulgationInfo>
<edXML:DocumentType>
<edXML:Type>2</edXML:Type>
<edXML:TypeDetail>18</edXML:TypeDetail>
<edXML:TypeName>Công văn</edXML:TypeName>
</edXML:DocumentType>
<edXML:Subject>V/v kiểm tra liên thông</edXML:Subject>
<edXML:Content>V/v kiểm tra liên thông</edXML:Content>
<edXML:SignerInfo>
<edXML:Competence>KT.</edXML:Competence>
<edXML:Position>Phó Giám đốc</edXML:Position>
<edXML:FullName>Nguyễn Văn Mẫu</edXML:FullName>
</edXML:SignerInfo>
<edXML:DueDate>2026/03/20</edXML:DueDate>
<edXML:OtherInfo>
<edXML:Priority>3</edXML:Priority>
<edXML:SphereOfPromulgation>Nội bộ ngành</edXML:SphereOfPromulgation>
<edXML:TyperNotation>NVM</edXML:TyperNotation>
<edXML:PromulgationAmount>5</edXML:PromulgationAmount>
<edXML:PageAmount>2</edXML:PageAmount>
<edXML:Direction>false</edXML:Direction>
<edXML:Appendixes>
<edXML:Appendix>Phụ lục I</edXML:Appendix>
</edXML:Appendixes>
</edXML:OtherInfo>
<edXML:ResponseFor>
<edXML:OrganId>G09.90</edXML:OrganId>
<edXML:Code>7/CM</edXML:Code>
<edXML:DocumentId>G09.90,2026/02/30,7/CM</edXML:DocumentId>
<edXML:PromulgationDate>2026/02/27</edXML:PromulgationDate>
</edXML:ResponseFor>
<edXML:SteeringType>1</edXML:SteeringType>
<edXML:ToPlaces>
<edXML:Place>Như trên</edXML:Place>
<edXML:Place>Lưu: VT</edXML:Place>
</edXML:ToPlaces>
</edXML:MessageHeader>
<edXML:TraceHeaderList>
<edXML:Bussiness>
<edXML:BussinessDocType>0</edXML:BussinessDocType>
<edXML:BussinessDocReason>Văn bản mới</edXML:BussinessDocReason>
<edXML:Paper>0</edXML:Paper>
<edXML:StaffInfo>
<edXML:Department>Văn thư</edXML:Department>
<edXML:Staff>Trần Thị Mẫu</edXML:Staff>
<edXML:Email>ttm@mau.gov.vn</edXML:Email>
<edXML:Mobile>0900</edXML:Mobile>
</edXML:StaffInfo>
</edXML:Bussiness>
<edXML:TraceHeader>
<edXML:OrganId>H37.90</edXML:OrganId>
<edXML:Timestamp>2026/03/02 08:30:00</edXML:Timestamp>
</edXML:TraceHeader>
</edXML:TraceHeaderList>
</edXML:edXMLHeader>
<edXML:edXMLBody>
<edXML:edXMLManifest version="1.0">
<edXML:Reference>
<edXML:ContentId>cid:a1</edXML:ContentId>
<edXML:ContentType>application/pdf</edXML:ContentType>
<edXML:Description>Văn bản</edXML:Description>
<edXML:AttachmentName>cong van.pdf</edXML:AttachmentName>
</edXML:Reference>
</edXML:edXMLManifest>
</edXML:edXMLBody>
</edXML:edXMLEnvelope>
<AttachmentEncoded>
<Attachment>
<ContentId>cid:a1</ContentId>
<AttachmentName>cong van.pdf</AttachmentName>
<Description>Văn bản</Description>
<ContentType>application/pdf</ContentType>
<edXML:ContentTransferEncoded xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">@BODY@</edXML:ContentTransferEncoded>
</Attachment>
</AttachmentEncoded>
</edXML>
"#;

/// Dialect D2: what the .NET serializer writes.
pub const D2: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<edXML xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">
  <Boundary />
  <ContentId />
  <ContentType />
  <edXMLEnvelope>
    <edXMLHeader>
      <MessageHeader>
        <DocumentId>0f0e0d0c-0b0a-4908-8706-050403020100</DocumentId>
        <To><Website /><OrganName>Cục Mẫu</OrganName><OrganId>G09.90</OrganId></To>
        <From><OrganName>Sở Thử nghiệm</OrganName><OrganId>H37.90</OrganId></From>
        <Subject>Báo cáo</Subject>
        <DocumentType><Type>1</Type><TypeName>Công văn</TypeName><TypeDetail>0</TypeDetail></DocumentType>
        <PromulgationInfo><PromulgationDate>2026/03/02</PromulgationDate><Place /></PromulgationInfo>
        <Code><CodeNumber>12</CodeNumber><CodeNotation>STN-VP</CodeNotation></Code>
        <ResponseFor />
      </MessageHeader>
      <TraceHeaderList id="1" version="1.0" mustUnderstand="1" actor="http://schemas.xmlsoap.org/soap/actor/next">
        <TraceHeader><OrganId>H37.90</OrganId><Timestamp>2026/03/02 08:30:00</Timestamp></TraceHeader>
        <Bussiness><BussinessDocType>0</BussinessDocType></Bussiness>
      </TraceHeaderList>
      <DigitalSignature />
    </edXMLHeader>
    <edXMLBody>
      <edXMLManifest version="1.0">
        <Reference xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="cid:77" xlink:role="main" xlink:type="simple" />
      </edXMLManifest>
    </edXMLBody>
  </edXMLEnvelope>
  <AttachmentEncoded>
    <Attachment>
      <ContentType>application/pdf</ContentType>
      <ContentId>77</ContentId>
      <Description>Báo cáo</Description>
      <ContentTransferEncoded>@BODY@</ContentTransferEncoded>
      <AttachmentName>bao cao.pdf</AttachmentName>
    </Attachment>
  </AttachmentEncoded>
</edXML>"#;

/// A status packet in its usual form.
pub const STATUS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">
<edXML:edXMLEnvelope xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">
<edXML:edXMLHeader>
<edXML:MessageHeader>
<edXML:From>
<edXML:OrganId>G09.90</edXML:OrganId>
<edXML:OrganName>Cục Mẫu</edXML:OrganName>
</edXML:From>
<edXML:ResponseFor>
<edXML:OrganId>H37.90</edXML:OrganId>
<edXML:Code>12/STN-VP</edXML:Code>
<edXML:DocumentId>H37.90,2026/03/02,12/STN-VP</edXML:DocumentId>
<edXML:PromulgationDate>2026/03/02</edXML:PromulgationDate>
</edXML:ResponseFor>
<edXML:StaffInfo>
<edXML:Department>Văn thư</edXML:Department>
<edXML:Staff>Lê Mẫu</edXML:Staff>
<edXML:Mobile>0901</edXML:Mobile>
<edXML:Email>lm@mau.gov.vn</edXML:Email>
</edXML:StaffInfo>
<edXML:StatusCode>03</edXML:StatusCode>
<edXML:Description>Đã vào sổ</edXML:Description>
<edXML:Timestamp>2026/03/02 09:00:00</edXML:Timestamp>
</edXML:MessageHeader>
</edXML:edXMLHeader>
</edXML:edXMLEnvelope>
</edXML>"#;

/// D1 with a PDF in it.
pub fn d1() -> String {
    d1_with(PDF)
}

/// D1 with these bytes as its attachment.
pub fn d1_with(bytes: &[u8]) -> String {
    D1.replace("@BODY@", &base64(bytes))
}

/// D1 with one piece of it replaced; the piece must be there.
pub fn d1_but(old: &str, new: &str) -> String {
    let packet = d1();
    assert!(packet.contains(old), "the fixture lacks {old:?}");
    packet.replacen(old, new, 1)
}

pub fn status_but(old: &str, new: &str) -> String {
    assert!(STATUS.contains(old), "the fixture lacks {old:?}");
    STATUS.replacen(old, new, 1)
}

pub fn split_bytes(packet: impl AsRef<[u8]>) -> Result<Split, Vec<Finding>> {
    split_within(packet, &Limits::default())
}

pub fn split_within(packet: impl AsRef<[u8]>, limits: &Limits) -> Result<Split, Vec<Finding>> {
    match split(packet.as_ref(), limits) {
        Ok(split) => Ok(split),
        Err(SplitError::Refused(findings)) => Err(findings),
        Err(error) => panic!("{error}"),
    }
}

/// Splits and reads.
pub fn read(packet: impl AsRef<[u8]>) -> Result<Parsed, Vec<Finding>> {
    parse(&split_bytes(packet)?)
}

pub fn accepted(packet: impl AsRef<[u8]>) -> Parsed {
    read(packet).unwrap_or_else(|findings| panic!("refused: {findings:#?}"))
}

pub fn document(packet: impl AsRef<[u8]>) -> Document {
    match accepted(packet).packet {
        Packet::Document(document) => *document,
        Packet::Status(_) => panic!("a status packet"),
    }
}

pub fn status(packet: impl AsRef<[u8]>) -> StatusReport {
    match accepted(packet).packet {
        Packet::Status(status) => *status,
        Packet::Document(_) => panic!("a document"),
    }
}

/// The refusals of a packet.
pub fn refusals(packet: impl AsRef<[u8]>) -> Vec<Finding> {
    let findings = read(packet).map(|parsed| parsed.packet).expect_err("the packet was accepted");
    findings.into_iter().filter(Finding::refuses).collect()
}

/// The one refusal of a packet: code, VXP answer, line and column.
pub fn refusal(packet: impl AsRef<[u8]>) -> (String, u8, u32, u32) {
    let all = refusals(packet);
    let [only] = all.as_slice() else { panic!("{all:#?}") };
    (only.code.clone(), only.vxp, only.line.unwrap_or(0), only.column.unwrap_or(0))
}

/// Accepts the packet and gives line and column of the first warning of this code.
pub fn warning(packet: impl AsRef<[u8]>, code: &str) -> (u32, u32) {
    let warnings = accepted(packet).warnings;
    let found = warnings.iter().find(|finding| finding.code == code);
    let found = found.unwrap_or_else(|| panic!("no {code} among {warnings:#?}"));
    (found.line.unwrap_or(0), found.column.unwrap_or(0))
}

/// Line (from 1) of the first line of `packet` that contains `piece`, and its column in characters.
pub fn place_of(packet: &str, piece: &str) -> (u32, u32) {
    let at = packet.find(piece).unwrap_or_else(|| panic!("the packet lacks {piece:?}"));
    let before = &packet[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
}
