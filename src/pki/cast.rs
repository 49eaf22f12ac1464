//! Who plays: three gateways and some invented agencies. The level-1 codes are real ones, the units below them are
//! not, and every name says so. Old codes follow from the new ones by the regulation's own rule.

use super::keys::KeyWish;

/// The gateways: a province, the nation between, another province.
pub(super) const HOPS: &[&str] = &["province-a", "nation", "province-b"];

/// An agency's row in the directory and the keys it gets.
#[derive(Debug)]
pub(super) struct Member {
    pub code: &'static str,
    pub old_code: &'static str,
    pub name: &'static str,
    pub name_en: &'static str,
    pub parent: Option<&'static str>,
    pub hop: &'static str,
    pub client_key: KeyWish,
    pub signing_key: KeyWish,
    pub valid_to: Option<&'static str>,
    pub successors: &'static [&'static str],
    pub locked: bool,
    pub speaks_for: &'static [&'static str],
    /// False: this agency may hand in packets without a packet signature.
    pub must_sign: bool,
}

/// The usual case; the rows below say only what differs.
const PLAIN: Member = Member {
    code: "",
    old_code: "",
    name: "",
    name_en: "",
    parent: None,
    hop: "province-a",
    client_key: KeyWish::P256,
    signing_key: KeyWish::Rsa2048,
    valid_to: None,
    successors: &[],
    locked: false,
    speaks_for: &[],
    must_sign: true,
};

pub(super) const AGENCIES: &[Member] = &[
    Member {
        code: "H37",
        old_code: "000.00.00.H37",
        name: "Văn phòng tỉnh Thí dụ",
        name_en: "Example Provincial Office",
        client_key: KeyWish::Rsa2048,
        ..PLAIN
    },
    Member {
        code: "H37.90",
        old_code: "000.00.90.H37",
        name: "Sở Thí dụ Một",
        name_en: "Example Department One",
        parent: Some("H37"),
        speaks_for: &["H37.90.05"],
        ..PLAIN
    },
    Member {
        code: "H37.91",
        old_code: "000.00.91.H37",
        name: "Sở Thí dụ Hai",
        name_en: "Example Department Two",
        parent: Some("H37"),
        signing_key: KeyWish::P256,
        ..PLAIN
    },
    Member {
        code: "H37.90.05",
        old_code: "000.05.90.H37",
        name: "Xã Thí dụ",
        name_en: "Example Commune",
        parent: Some("H37.90"),
        signing_key: KeyWish::P256,
        must_sign: false,
        ..PLAIN
    },
    Member {
        code: "H37.92",
        old_code: "000.00.92.H37",
        name: "Đơn vị Thí dụ bị khoá",
        name_en: "Example Locked Unit",
        parent: Some("H37"),
        signing_key: KeyWish::P256,
        locked: true,
        ..PLAIN
    },
    Member {
        code: "H47.90",
        old_code: "000.00.90.H47",
        name: "Sở Thí dụ đã giải thể",
        name_en: "Example Closed Department",
        signing_key: KeyWish::P256,
        valid_to: Some("2025-06-30"),
        successors: &["H37.91"],
        ..PLAIN
    },
    Member {
        code: "G09.90",
        old_code: "000.00.90.G09",
        name: "Cục Thí dụ (Bộ)",
        name_en: "Example Ministry Department",
        hop: "nation",
        client_key: KeyWish::Rsa2048,
        ..PLAIN
    },
    Member {
        code: "G22.90",
        old_code: "000.00.90.G22",
        name: "Vụ Thí dụ (trung ương)",
        name_en: "Example Central Office Unit",
        hop: "nation",
        ..PLAIN
    },
    Member {
        code: "H49.90",
        old_code: "000.00.90.H49",
        name: "Sở Thí dụ tỉnh khác",
        name_en: "Example Department of Another Province",
        hop: "province-b",
        ..PLAIN
    },
    Member {
        code: "H49.91",
        old_code: "000.00.91.H49",
        name: "Sở Thí dụ tỉnh khác, số Hai",
        name_en: "Example Department Two of Another Province",
        hop: "province-b",
        signing_key: KeyWish::P256,
        ..PLAIN
    },
];

/// How many RSA keys the table asks for.
pub(super) fn rsa_keys_needed() -> usize {
    AGENCIES
        .iter()
        .flat_map(|member| [member.client_key, member.signing_key])
        .filter(|key| *key == KeyWish::Rsa2048)
        .count()
}
