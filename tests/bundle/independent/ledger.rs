//! Ledgers: C2SP signed notes, checkpoints and cosignatures; audit paths by the recursion of RFC 6962 §2.1.1.

use std::collections::{BTreeMap, BTreeSet};

use base64_simd::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

use super::x509::Trust;
use super::{Check, demand, hex, list, sha256, statement, text};

const KEY: &str = "lienthong-ledger-key+jwt";

/// A C2SP verifier key.
struct Key {
    hop: String,
    name: String,
    id: Vec<u8>,
    kind: u8,
    key: Vec<u8>,
}

impl Key {
    /// One of the two keys of a statement; both must be what their names say.
    fn read(token: &str, which: &str, trust: &Trust) -> Check<(Self, String)> {
        let says = statement(token, KEY, trust)?;
        demand(says["v"] == 1, "a version")?;
        let (wanted, _) =
            (Self::of(&says, which)?, Self::of(&says, if which == "vkey" { "cosigner" } else { "vkey" })?);
        Ok((wanted, text(&says, "origin")?.to_owned()))
    }

    fn of(says: &Value, which: &str) -> Check<Self> {
        let parts: Vec<&str> = text(says, which)?.splitn(3, '+').collect();
        let [name, id, key] = parts[..] else { return Err("no verifier key".to_owned()) };
        let bytes = STANDARD.decode_to_vec(key).map_err(|error| error.to_string())?;
        let hash = sha256(&[name.as_bytes(), b"\n", &bytes].concat())[..4].to_vec();
        demand(id == hex(&hash) && bytes.len() == 33, "no verifier key")?;
        let kind = if which == "vkey" { 1 } else { 4 };
        demand(bytes[0] == kind && text(says, "origin")? == name, "a key of another kind or name")?;
        let hop = text(says, "hop")?.to_owned();
        demand(name.starts_with(&format!("{hop}/lienthong-ledger")), "a ledger of another name")?;
        Ok(Self { hop, name: name.to_owned(), id: hash, kind, key: bytes[1..].to_vec() })
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> Check {
        let verified = UnparsedPublicKey::new(&ED25519, &self.key).verify(message, signature);
        verified.map_err(|_| format!("a signature by {}", self.name))
    }
}

struct Known {
    root: Vec<u8>,
    hop: String,
    witnesses: usize,
}

/// Every checkpoint, by origin and size.
pub struct Logs(BTreeMap<(String, u64), Known>);

impl Logs {
    pub fn read(bundle: &Value, trust: &Trust) -> Check<Self> {
        let mut witnesses = Vec::new();
        for token in list(bundle, "witnesses")? {
            let (key, origin) = Key::read(token.as_str().unwrap_or(""), "cosigner", trust)?;
            demand(key.kind == 4 && origin == key.name, "not a cosigner's key")?;
            witnesses.push(key);
        }
        let mut known = BTreeMap::new();
        for log in list(bundle, "logs")? {
            let (key, origin) = Key::read(text(log, "key")?, "vkey", trust)?;
            demand(key.kind == 1 && log["origin"] == origin.as_str(), "another ledger's key")?;
            for note in list(log, "checkpoints")? {
                let (size, checkpoint) = checkpoint(note.as_str().unwrap_or(""), &origin, &key, &witnesses)?;
                let root = checkpoint.root.clone();
                let before = known.insert((origin.clone(), size), checkpoint);
                demand(before.is_none_or(|before: Known| before.root == root), "a fork")?;
            }
        }
        Ok(Self(known))
    }

    /// How many witnesses vouch for the tree that this receipt is proven to be in.
    pub fn find(&self, entry: &Value, digest: &[u8], hop: &str) -> Check<usize> {
        let number = |name: &str| entry[name].as_u64().ok_or("no number");
        let (size, index) = (number("size")?, number("number")?);
        let known = self.0.get(&(text(entry, "origin")?.to_owned(), size)).ok_or("no such checkpoint")?;
        demand(known.hop == hop, "another hop's ledger")?;
        let proof = list(entry, "proof")?.iter().map(|hash| STANDARD.decode_to_vec(hash.as_str().unwrap_or("!")));
        let proof = proof.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        demand(index < size, "no such entry")?;
        let leaf = sha256(&[&[0][..], digest].concat());
        demand(root(&leaf, index, size, &proof)? == known.root, "the proof leads elsewhere")?;
        Ok(known.witnesses)
    }
}

/// The root that an audit path leads to.
fn root(leaf: &[u8], index: u64, size: u64, path: &[Vec<u8>]) -> Check<Vec<u8>> {
    if size == 1 {
        demand(path.is_empty(), "a proof too long")?;
        return Ok(leaf.to_vec());
    }
    let (last, rest) = path.split_last().ok_or("a proof too short")?;
    let left = size.next_power_of_two() / 2;
    let node = |left: &[u8], right: &[u8]| sha256(&[&[1][..], left, right].concat());
    if index < left {
        Ok(node(&root(leaf, index, left, rest)?, last))
    } else {
        Ok(node(last, &root(leaf, index - left, size - left, rest)?))
    }
}

fn checkpoint(note: &str, origin: &str, log: &Key, witnesses: &[Key]) -> Check<(u64, Known)> {
    let (body, signatures) = note.rsplit_once("\n\n").ok_or("no note")?;
    let body = format!("{body}\n");
    let lines: Vec<&str> = body.lines().collect();
    demand(lines.len() >= 3 && lines[0] == origin, "another ledger's checkpoint")?;
    let size: u64 = lines[1].parse().map_err(|_| "no size")?;
    let root = STANDARD.decode_to_vec(lines[2]).map_err(|error| error.to_string())?;
    let (mut by_log, mut by) = (false, BTreeSet::new());
    for line in signatures.lines() {
        let rest = line.strip_prefix("— ").ok_or("no signature line")?;
        let (name, signature) = rest.split_once(' ').ok_or("no signature line")?;
        let signature = STANDARD.decode_to_vec(signature).map_err(|error| error.to_string())?;
        demand(signature.len() > 4, "no signature")?;
        let (id, signature) = signature.split_at(4);
        if name == log.name && id == log.id {
            log.signed(body.as_bytes(), signature)?;
            by_log = true;
        }
        for witness in witnesses.iter().filter(|witness| witness.name == name && witness.id == id) {
            demand(signature.len() == 72, "no cosignature")?;
            let time = u64::from_be_bytes(signature[..8].try_into().unwrap());
            let message = format!("cosignature/v1\ntime {time}\n{body}");
            witness.signed(message.as_bytes(), &signature[8..])?;
            if witness.hop != log.hop {
                by.insert(witness.hop.clone());
            }
        }
    }
    demand(by_log, "the ledger did not sign its checkpoint")?;
    Ok((size, Known { root, hop: log.hop.clone(), witnesses: by.len() }))
}
