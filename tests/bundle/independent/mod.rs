//! A second verifier of bundles, written from `docs/bundle.md`, RFC 7515, RFC 5280, RFC 6962 and the C2SP pages alone. It
//! calls nothing of the product, so that a mistake made there is not made here. It has no limits and no kind words: for
//! tests only.

mod ledger;
mod x509;

use std::collections::{BTreeMap, BTreeSet};

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use x509::Trust;

/// What the bundle proves.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Proven {
    pub outcomes: BTreeMap<String, usize>,
    pub logged: usize,
    pub witnessed: usize,
    /// Which late receipt contradicts which of the chain, by their places in the two lists.
    pub contradictions: BTreeSet<(usize, usize)>,
}

type Check<T = ()> = Result<T, String>;

fn demand(holds: bool, what: &str) -> Check {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn text<'a>(value: &'a Value, name: &str) -> Check<&'a str> {
    value[name].as_str().ok_or_else(|| format!("no {name}"))
}

fn list<'a>(value: &'a Value, name: &str) -> Check<&'a Vec<Value>> {
    value[name].as_array().ok_or_else(|| format!("no list {name}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn seconds(time: &str) -> Check<i64> {
    time.parse::<jiff::Timestamp>().map(|time| time.as_second()).map_err(|error| error.to_string())
}

/// A JWS in compact form whose signature the first certificate in it made.
struct Jws {
    payload: Value,
    chain: Vec<Vec<u8>>,
}

fn jws(token: &str, typ: &str) -> Check<Jws> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err("no JWS".to_owned()) };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode_to_vec(part).map_err(|error| error.to_string());
    let json = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).map_err(|error| error.to_string());
    let (head, body) = (json(header)?, json(payload)?);
    let members: BTreeSet<&str> = head.as_object().ok_or("header")?.keys().map(String::as_str).collect();
    demand(members == BTreeSet::from(["alg", "typ", "x5c"]) && head["typ"] == typ, "the header is another one")?;
    let chain = list(&head, "x5c")?.iter().map(|one| STANDARD.decode_to_vec(one.as_str().unwrap_or("!")));
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let key = x509::public_key(chain.first().ok_or("no certificate")?)?;
    let signed = token.rsplit_once('.').unwrap().0;
    x509::verify_jws(text(&head, "alg")?, &key, signed.as_bytes(), &decode(signature)?)?;
    Ok(Jws { payload: body, chain })
}

/// A statement of a hop, at its own time.
fn statement(token: &str, typ: &str, trust: &Trust) -> Check<Value> {
    let jws = jws(token, typ)?;
    trust.believes(&jws.chain, text(&jws.payload, "hop")?, seconds(text(&jws.payload, "time")?)?)?;
    Ok(jws.payload)
}

/// Judges a bundle by one trusted root.
pub fn verify(file: &[u8], root: &[u8]) -> Check<Proven> {
    let bundle: Value = serde_json::from_slice(file).map_err(|error| error.to_string())?;
    demand(bundle.to_string().as_bytes() == file, "another form than RFC 8785")?;
    demand(bundle["format"] == "lienthong-bundle" && bundle["v"] == 1, "another format")?;
    let seal = jws(text(&bundle, "seal")?, "lienthong-bundle+jwt")?;
    demand(seal.payload["parts"] == parts(&bundle)?, "not what was sealed")?;

    let decoded = |name: &str| -> Check<Vec<Vec<u8>>> {
        let one = |one: &Value| STANDARD.decode_to_vec(one.as_str().unwrap_or("!")).map_err(|error| error.to_string());
        list(&bundle, name)?.iter().map(one).collect()
    };
    let trust = Trust::new(root, decoded("certificates")?, decoded("crls")?)?;
    trust.believes(&seal.chain, text(&seal.payload, "hop")?, seconds(text(&seal.payload, "time")?)?)?;
    let document = &bundle["document"];
    if let Some(packet) = bundle.get("packet") {
        let packet = STANDARD.decode_to_vec(packet.as_str().unwrap_or("!")).map_err(|error| error.to_string())?;
        demand(document["digest"] == format!("sha256:{}", hex(&sha256(&packet))), "another packet")?;
        demand(document["size"] == packet.len(), "a packet of another size")?;
    }
    let logs = ledger::Logs::read(&bundle, &trust)?;
    let mut proven = Proven::default();
    let mut open = |name: &str| -> Check<Vec<Receipt>> {
        let mut opened = Vec::new();
        for logged in list(&bundle, name)? {
            let receipt = Receipt::read(text(logged, "jws")?, document, &trust)?;
            if let Some(entry) = logged.get("entry") {
                let witnesses = logs.find(entry, &sha256(receipt.token.as_bytes()), text(&receipt.says, "hop")?)?;
                proven.logged += 1;
                proven.witnessed += usize::from(witnesses > 0);
            }
            opened.push(receipt);
        }
        Ok(opened)
    };
    let (receipts, late) = (open("receipts")?, open("late")?);
    let all: BTreeSet<&str> = receipts.iter().chain(&late).map(|one| one.token.as_str()).collect();
    demand(all.len() == receipts.len() + late.len(), "a receipt is there twice")?;
    proven.outcomes = outcomes(document, &receipts, &late, &mut proven.contradictions)?;
    Ok(proven)
}

/// Name and SHA-256 of every part, in the order of the file.
fn parts(bundle: &Value) -> Check<Value> {
    let mut parts = Vec::new();
    let mut put = |name: String, part: &Value| {
        parts.push(serde_json::json!({ "name": name, "sha256": hex(&sha256(part.to_string().as_bytes())) }));
    };
    for (name, member) in bundle.as_object().ok_or("no object")? {
        match name.as_str() {
            "certificates" | "crls" | "late" | "logs" | "receipts" | "witnesses" => {
                let items = member.as_array().ok_or("no list")?.iter();
                items.enumerate().for_each(|(index, item)| put(format!("{name}[{index}]"), item));
            }
            "document" | "packet" | "revocation" => put(name.clone(), member),
            "format" | "seal" | "v" => {}
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(Value::Array(parts))
}

struct Receipt {
    token: String,
    name: String,
    says: Value,
}

impl Receipt {
    fn read(token: &str, document: &Value, trust: &Trust) -> Check<Self> {
        let says = statement(token, "lienthong-receipt+jwt", trust)?;
        demand(says["v"] == 1, "another version of receipts")?;
        let same = [("doc_id", "doc_id"), ("packet", "digest"), ("size", "size"), ("from", "from")];
        demand(same.iter().all(|(here, there)| says[here] == document[there]), "a receipt of another document")?;
        demand(says["document_id"].is_null() || says["document_id"] == document["document_id"], "another DocumentId")?;
        let bad = says["event"].as_str().is_some_and(|event| event.contains("Rejection") || event.contains("Failure"));
        demand(!bad || says["reason"].is_object(), "a negative receipt without a reason")?;
        let out = says["event"].as_str().is_some_and(|event| event.contains("NonERDS"));
        demand(!out || says["outside"]["system"].is_string(), "a receipt of a system outside that it does not name")?;
        let name = format!("sha256:{}", hex(&sha256(token.as_bytes())));
        Ok(Self { token: token.to_owned(), name, says })
    }

    fn event(&self) -> &str {
        self.says["event"].as_str().unwrap_or("")
    }
}

/// May `next` come right after `before`? Custody is taken or refused by another hop; the rest is said by its holder.
fn may_follow(next: &Receipt, before: &Receipt) -> bool {
    let holds = ["SubmissionAcceptance", "RelayAcceptance", "ReceivedFromNonERDS"].contains(&before.event());
    let other = next.says["hop"] != before.says["hop"];
    match next.event() {
        "RelayAcceptance" | "RelayRejection" => holds && other,
        "RelayFailure"
        | "RelayToNonERDS"
        | "RelayToNonERDSFailure"
        | "ContentConsignment"
        | "ContentConsignmentFailure" => holds && !other,
        "ContentHandover" | "ContentHandoverFailure" | "ConsignmentRejection" => {
            // What is outside is known by the word of the system that has it, as long as that has any.
            let abroad = before.event() == "RelayToNonERDS"
                && before.says["outside"]["reports"] == true
                && next.says["outside"]["system"] == before.says["outside"]["system"];
            (before.event() == "ContentConsignment" || abroad) && !other
        }
        _ => false,
    }
}

fn outcomes(
    document: &Value,
    receipts: &[Receipt],
    late: &[Receipt],
    contradictions: &mut BTreeSet<(usize, usize)>,
) -> Check<BTreeMap<String, usize>> {
    let first: Vec<&Receipt> = receipts.iter().filter(|one| one.says["consignment"].is_null()).collect();
    let [first] = first[..] else { return Err("not one beginning".to_owned()) };
    demand(first.says["previous"].is_null(), "the beginning names one before it")?;
    if first.event() == "SubmissionRejection" {
        let alone = receipts.len() == 1 && late.is_empty() && list(document, "consignments")?.is_empty();
        demand(alone, "a refused submission has nothing further")?;
        return Ok(BTreeMap::from([("refused".to_owned(), 1)]));
    }
    demand(["SubmissionAcceptance", "ReceivedFromNonERDS"].contains(&first.event()), "begins with something else")?;
    let mut used = 1;
    let mut outcomes = BTreeMap::new();
    let named = list(document, "consignments")?;
    demand(!named.is_empty(), "no consignment is named")?;
    let ids: BTreeSet<&str> = named.iter().filter_map(|one| one["consignment"].as_str()).collect();
    demand(ids.len() == named.len(), "a consignment is named twice")?;
    for consigned in named {
        demand(list(&first.says, "consignments")?.contains(consigned), "the submission says otherwise")?;
        let own = |one: &&Receipt| one.says["consignment"] == consigned["consignment"];
        let (mut head, mut before) = (first, first);
        let mut chain = vec![first];
        loop {
            let next: Vec<&Receipt> =
                receipts.iter().filter(own).filter(|one| one.says["previous"] == head.name.as_str()).collect();
            match next[..] {
                [] => break,
                [next] => {
                    demand(may_follow(next, head), "an event that cannot come here")?;
                    let to = &next.says["recipient"];
                    demand(to.is_null() || *to == consigned["recipient"], "another recipient")?;
                    (before, head) = (head, next);
                    chain.push(next);
                    used += 1;
                }
                _ => return Err("the chain has a branch".to_owned()),
            }
        }
        let mut last = head.event();
        for one in late.iter().filter(own) {
            let goes_on = one.says["previous"] == head.name.as_str() && may_follow(one, head);
            demand(!goes_on, "what is called late continues the chain")?;
            if let Some(against) = contradicted(&chain, one) {
                let place = |of: &[Receipt], token: &str| of.iter().position(|one| one.token == token).unwrap();
                contradictions.insert((place(late, &one.token), place(receipts, &against.token)));
            }
            // The holder gave up before the next hop's acceptance counted.
            let instead = one.says["previous"] == before.name.as_str() && may_follow(one, before);
            if one.event() == "RelayFailure" && head.event() == "RelayAcceptance" && instead {
                last = "RelayFailure";
            }
        }
        *outcomes.entry(outcome(last).to_owned()).or_default() += 1;
    }
    demand(used == receipts.len(), "receipts that no chain leads to")?;
    let strays = late.iter().any(|one| !ids.contains(one.says["consignment"].as_str().unwrap_or("")));
    demand(!strays, "late receipts of other consignments")?;
    Ok(outcomes)
}

/// The receipt of the chain that a late one speaks against.
fn contradicted<'a>(chain: &[&'a Receipt], late: &Receipt) -> Option<&'a Receipt> {
    let ends = |one: &Receipt| {
        let event = one.event();
        event.ends_with("Failure")
            || event == "RelayRejection"
            || event == "ConsignmentRejection"
            || event == "ContentHandover"
            || event == "RelayToNonERDS" && one.says["outside"]["reports"] != true
    };
    let last = *chain.last()?;
    for pair in chain.windows(2) {
        let [here, next] = pair else { continue };
        if late.says["previous"] != here.name.as_str() {
            continue;
        }
        let answers = late.event() == "RelayAcceptance" || late.event() == "RelayRejection";
        let gave_up = next.event() == "RelayFailure" && next.says["hop"] == here.says["hop"];
        return if gave_up && answers && late.says["hop"] != here.says["hop"] { None } else { Some(next) };
    }
    if ends(last) && ends(late) {
        return Some(last);
    }
    // It names the last one, and cannot follow it.
    let named = late.says["previous"] == last.name.as_str();
    (named && !may_follow(late, last)).then_some(last)
}

fn outcome(last: &str) -> &str {
    match last {
        "ContentHandover" => "handed-over",
        "ConsignmentRejection" => "refused",
        "RelayRejection" => "rejected",
        "ContentConsignment" => "in-mailbox",
        "RelayToNonERDS" => "left-the-network",
        failure if failure.ends_with("Failure") => "failed",
        _ => "in-flight",
    }
}
