//! Writes `agencies.toml`, the directory that fits the example certificates.

use lienthong_contract::Digest;
use serde::Serialize;

use super::cast::Member;
use super::{Error, Fingerprints};

const HEAD: &str = "# The agencies of the example PKI. Invented units under real level-1 codes; certificates by the SHA-256 of their DER.\n\
                    # Danh mục cơ quan thí dụ; không phải danh mục thật.\n\n";

#[derive(Serialize)]
struct File {
    agency: Vec<Row>,
}

/// One `[[agency]]` table.
#[derive(Serialize)]
pub(super) struct Row {
    code: &'static str,
    old_code: &'static str,
    name: &'static str,
    name_en: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'static str>,
    valid_from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    successors: &'static [&'static str],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    locked: bool,
    hop: &'static str,
    client_certificates: Vec<Digest>,
    signing_certificates: Vec<Digest>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    speaks_for: &'static [&'static str],
    policy: Policy,
}

#[derive(Serialize)]
struct Policy {
    transport: &'static str,
    packet_signature: &'static str,
    attachment_signature: &'static str,
}

pub(super) fn row(member: &Member, fingerprints: Fingerprints) -> Row {
    Row {
        code: member.code,
        old_code: member.old_code,
        name: member.name,
        name_en: member.name_en,
        parent: member.parent,
        valid_from: "2020-01-01",
        valid_to: member.valid_to,
        successors: member.successors,
        locked: member.locked,
        hop: member.hop,
        client_certificates: vec![fingerprints.client],
        signing_certificates: vec![fingerprints.signing],
        speaks_for: member.speaks_for,
        policy: Policy {
            transport: "required",
            packet_signature: if member.must_sign { "required" } else { "optional" },
            attachment_signature: "optional",
        },
    }
}

pub(super) fn write(agency: Vec<Row>) -> Result<String, Error> {
    let body = toml::to_string(&File { agency })
        .map_err(|error| Error::Manifest { path: super::manifest::DIRECTORY_FILE.into(), detail: error.to_string() })?;
    Ok(format!("{HEAD}{body}"))
}
