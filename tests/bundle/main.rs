//! The bundle from outside: what it proves, that no byte of it can change unnoticed, that it outlives certificates and
//! keys, and that a second verifier, which shares no code with the first, comes to the same answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, dead_code)]

mod independent;
mod pki;
mod sample;

use std::collections::BTreeMap;

use lienthong::bundle::{Answer, Bundle, Error, Input, Logged, make, make_with, print, verify, words};
use lienthong::receipts::{Event, Receipt, seal};
use lienthong_contract::Digest;
use serde_json::Value;

use pki::{DAY, Key, NOW, Pki};
use sample::{HOPS, PACKET, Sample, at, next};

/// Asks both verifiers, and makes sure that they agree. The second one has the root and nothing else.
fn judge(sample: &Sample, bundle: &[u8]) -> Answer {
    let answer = verify(bundle, &sample.anchors(), None);
    let other = independent::verify(bundle, &sample.pki.root_der());
    match other {
        Ok(other) => {
            assert_eq!(answer.verdict, "valid", "{:?} {:?}", answer.part, answer.reason);
            assert_eq!(other.outcomes, answer.outcomes.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect());
            assert_eq!((other.logged, other.witnessed), (answer.receipts_logged, answer.receipts_witnessed));
            let place = |part: &str| part.split(['[', ']']).nth(1).unwrap().parse::<usize>().unwrap();
            let pairs = answer.contradictions.iter().map(|found| (place(&found.part), place(&found.contradicts)));
            assert_eq!(other.contradictions, pairs.collect());
        }
        Err(fault) => assert_eq!(answer.verdict, "invalid", "the second verifier says: {fault:?}"),
    }
    answer
}

fn refused(sample: &Sample, input: Input) -> (String, String) {
    let answer = judge(sample, &sample.bundle_of(input));
    assert_eq!((answer.verdict, answer.outcome), ("invalid", "unproven"));
    assert!(answer.consignments.is_empty());
    (answer.part.unwrap(), answer.reason.unwrap())
}

#[test]
fn a_bundle_tells_what_became_of_each_consignment_and_who_vouches_for_it() {
    let sample = Sample::new();
    let answer = judge(&sample, &sample.bundle());
    assert_eq!((answer.verdict, answer.outcome), ("valid", "mixed"));
    assert_eq!(answer.outcomes, BTreeMap::from([("handed-over", 2), ("refused", 1)]));
    assert_eq!((answer.receipts, answer.receipts_verified), (10, 10));
    assert_eq!((answer.receipts_logged, answer.receipts_witnessed), (10, 10));
    assert_eq!((answer.consignments.len(), answer.consignments_submitted, answer.left_out()), (3, 3, None));
    assert!(answer.unwitnessed.is_empty() && answer.revocation_not_checked.is_empty(), "{answer:?}");
    let last = &answer.consignments[2].receipts[4];
    assert_eq!((last.event, last.hop.as_str()), (Event::ContentHandover, "province-b"));
    let witnesses: Vec<&str> = last.ledger.as_ref().unwrap().witnesses.iter().map(|one| one.hop.as_str()).collect();
    assert_eq!(witnesses, ["nation", "province-a"]);
    assert_eq!(answer.consignments[1].receipts[3].reason_en.as_deref(), Some("Sent to the wrong place"));
}

#[test]
fn what_was_put_in_is_read_back() {
    let sample = Sample::new();
    let packet = Some(PACKET.to_vec());
    let file = sample.bundle_of(Input { packet: packet.clone(), ..sample.input.clone() });
    let read = Bundle::read(&file).unwrap();
    assert_eq!((&read.document, &read.receipts, &read.late), (&sample.input.document, &sample.input.receipts, &vec![]));
    assert_eq!((&read.logs, &read.witnesses), (&sample.input.logs, &sample.input.witnesses));
    assert_eq!((&read.certificates, &read.crls), (&sample.input.certificates, &sample.input.crls));
    assert_eq!((read.taken, read.packet, read.hop.as_str()), (sample.input.taken, packet, HOPS[0]));
    assert!(judge(&sample, &file).packet_inside);
}

#[test]
fn the_packet_may_be_gone_and_another_one_is_noticed() {
    let sample = Sample::new();
    let file = sample.bundle();
    let with = |packet: &[u8]| verify(&file, &sample.anchors(), Some(Digest::of(packet)));
    assert_eq!((with(PACKET).verdict, with(PACKET).packet_matches), ("valid", Some(true)));
    let other = with(b"another");
    assert_eq!((other.verdict, other.part.as_deref(), other.packet_matches), ("invalid", Some("packet"), Some(false)));
    // What the receipts say of their own packet stays said.
    assert_eq!(other.consignments.len(), 3);
    let forged = Input { packet: Some(b"another".to_vec()), ..sample.input.clone() };
    assert!(make(forged, &HOPS[0].parse().unwrap(), &sample.keys[HOPS[0]], NOW).is_err());
}

#[test]
fn the_answer_can_be_printed_and_no_text_in_it_becomes_markup() {
    let sample = Sample::new();
    let good = judge(&sample, &sample.bundle());
    let bad = verify(b"{}", &sample.anchors(), None);
    let page = print::html(&good);
    assert!(page.contains("Về việc &lt;thí dụ&gt; &amp; &quot;kiểm thử&quot; đủ dấu"), "{page}");
    assert!(page.contains("Gửi nhầm &lt;nơi nhận&gt; &amp; &quot;thí dụ&quot;") && !page.contains("<thí dụ>"));
    assert!(page.contains("HỢP LỆ") && page.contains("nhân chứng") && page.contains(&good.bundle.to_string()));
    for forbidden in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert_eq!((page.matches("<figure>").count(), page.matches("<tr>").count()), (2, 12));
    assert!(print::html(&bad).contains("KHÔNG HỢP LỆ") && print::html(&bad).contains("container"));
    // The PDF's letters lead back to the text: every letter of the subject has its row in the table of letters.
    let pdf = print::pdf(&good).unwrap();
    assert!(pdf.starts_with(b"%PDF-1.") && pdf.ends_with(b"%%EOF"));
    let shown = String::from_utf8_lossy(&pdf);
    for letter in "Vềviệcthídụđủdấu".chars() {
        let row = format!("> <{:04X}>", letter as u32);
        assert!(shown.contains(&row), "{letter} {row}");
    }
    assert!(print::pdf(&bad).unwrap().len() > 30_000, "the font is inside");
}

/// Where every part stands in the file, found by its own text.
fn places(file: &[u8]) -> Vec<(String, std::ops::Range<usize>)> {
    let value: Value = serde_json::from_slice(file).unwrap();
    let text = std::str::from_utf8(file).unwrap();
    let mut places = Vec::new();
    let mut from = 0;
    let mut put = |name: String, part: &Value| {
        let part = part.to_string();
        let start = from + text[from..].find(&part).unwrap();
        from = start + part.len();
        places.push((name, start..from));
    };
    for (name, member) in value.as_object().unwrap() {
        match (name.as_str(), member) {
            ("format" | "v", _) => {}
            (_, Value::Array(items)) => {
                items.iter().enumerate().for_each(|(index, item)| put(format!("{name}[{index}]"), item));
            }
            _ => put(name.clone(), member),
        }
    }
    places
}

#[test]
fn the_schema_names_exactly_the_members_that_bundles_have() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/bundle.schema.json")).unwrap();
    let sample = Sample::new();
    let mut input = Input { packet: Some(PACKET.to_vec()), ..sample.input.clone() };
    input.late = vec![input.receipts.pop().unwrap()];
    let bundle: Value = serde_json::from_slice(&sample.bundle_of(input)).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let members = &schema["properties"];
    assert_eq!(names(members), names(&bundle));
    assert_eq!(names(&members["document"]["properties"]), names(&bundle["document"]));
    assert_eq!(names(&members["logs"]["items"]["properties"]), names(&bundle["logs"][0]));
    assert_eq!(names(&members["revocation"]["properties"]), names(&bundle["revocation"]));
    let logged = &schema["$defs"]["logged"]["properties"];
    assert_eq!(names(logged), names(&bundle["late"][0]));
    assert_eq!(names(&logged["entry"]["properties"]), names(&bundle["late"][0]["entry"]));
    let may_lack: Vec<String> = names(members).into_iter().filter(|name| name != "packet").collect();
    assert_eq!(schema["required"], serde_json::json!(may_lack));
}

/// Flips one bit of every `step`th byte; the part named must be the one that the byte stands in.
fn flip(file: &[u8], step: usize) {
    let places = places(file);
    let mut altered = file.to_vec();
    for at in (0..file.len()).step_by(step) {
        let place = places.iter().find(|(_, range)| range.contains(&at)).map_or("container", |(name, _)| name);
        // Each byte with one of the eight bits, so that every bit is flipped in every part.
        altered[at] ^= 1 << (at % 8);
        let fault = Bundle::read(&altered).unwrap_err();
        altered[at] = file[at];
        // A quote or comma at the edge of a part may read as the part's.
        let edge = place == "container";
        assert!(fault.part == place || edge, "byte {at} in {place}: {fault}");
    }
}

#[test]
fn every_flipped_byte_is_refused_with_its_part_named() {
    let sample = Sample::new();
    let packet = Some(PACKET.to_vec());
    // Every byte where every kind of part is there once, and some of every part of the whole.
    let mut small = Input { packet: packet.clone(), ..sample.input.clone() };
    small.receipts.truncate(1);
    small.logs.truncate(1);
    small.witnesses.remove(0);
    small.witnesses.truncate(1);
    small.document.consignments.truncate(1);
    small.crls.truncate(1);
    let small = sample.bundle_of(small);
    assert_eq!((judge(&sample, &small).verdict, places(&small).len()), ("valid", 2 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1));
    let (_, told) = judge(&sample, &small).left_out().unwrap();
    assert_eq!(told, "about 1 of 3 recipients only");
    flip(&small, 1);
    let file = sample.bundle_of(Input { packet, ..sample.input.clone() });
    assert_eq!(places(&file).len(), 2 + 2 + 1 + 3 + 1 + 10 + 1 + 1 + 3);
    flip(&file, 13);
    // The whole verdict, by both verifiers, and with the letters that base64 and digits can be mistaken for.
    let mut altered = file.clone();
    for (step, at) in (0..file.len()).step_by(97).enumerate() {
        let byte = [b'A', b'0', b'"', b'\\', b'\n', 0xff, b' ', b'}'][step % 8];
        if altered[at] != byte {
            altered[at] = byte;
            assert_eq!(judge(&sample, &altered).verdict, "invalid", "byte {at}");
            altered[at] = file[at];
        }
    }
}

#[test]
fn parts_cannot_be_left_out_added_or_moved() {
    let sample = Sample::new();
    let file = sample.bundle();
    let value: Value = serde_json::from_slice(&file).unwrap();
    for (name, lists) in [("receipts", 10), ("logs", 3), ("crls", 2), ("certificates", 2), ("witnesses", 3)] {
        let alter = |change: &dyn Fn(&mut Vec<Value>)| {
            let mut other = value.clone();
            change(other[name].as_array_mut().unwrap());
            judge(&sample, other.to_string().as_bytes())
        };
        let dropped = alter(&|items| drop(items.pop()));
        assert_eq!(dropped.part, Some(format!("{name}[{}]", lists - 1)));
        let added = alter(&|items| items.push(items[0].clone()));
        assert_eq!(added.part, Some(format!("{name}[{lists}]")));
        assert_eq!(alter(&|items| items.swap(0, 1)).part, Some(format!("{name}[0]")));
    }
}

#[test]
fn a_bundle_outlives_certificate_and_key() {
    let pki = Pki::new();
    // The first hop's certificate ended soon after; later a new key signed for it, and sealed the bundle.
    let keys: BTreeMap<String, Key> = HOPS
        .iter()
        .zip(3..)
        .map(|(hop, serial)| ((*hop).to_owned(), pki.hop(hop, serial, NOW.plus_millis(-DAY), NOW.plus_millis(DAY))))
        .collect();
    let sample = Sample::with(pki, keys);
    let later = NOW.plus_millis(700 * DAY);
    let new = sample.pki.hop(HOPS[0], 50, NOW.plus_millis(600 * DAY), NOW.plus_millis(900 * DAY));
    let file = make(sample.input.clone(), &HOPS[0].parse().unwrap(), &new, later).unwrap();
    let answer = judge(&sample, &file);
    assert_eq!((answer.verdict, answer.receipts_verified), ("valid", 10), "{:?}", answer.reason);
    // Sealed with the old key at a time at which it counted no more.
    let old = &sample.keys[HOPS[0]];
    let answer = judge(&sample, &make(sample.input.clone(), &HOPS[0].parse().unwrap(), old, later).unwrap());
    assert_eq!((answer.verdict, answer.part.as_deref()), ("invalid", Some("seal")));
    // Nor does the new one before its time.
    let answer = judge(&sample, &make(sample.input.clone(), &HOPS[0].parse().unwrap(), &new, at(3600)).unwrap());
    assert_eq!((answer.verdict, answer.part.as_deref()), ("invalid", Some("seal")));
}

#[test]
fn a_chain_goes_on_under_a_new_key() {
    let sample = Sample::new();
    let receipts = sample::receipts(&sample.keys);
    let new = sample.pki.usual("province-b", 51);
    let handover = next(Event::ContentHandover, &new, 2, &receipts[8], 7200);
    let mut input = sample.input.clone();
    input.receipts = receipts.iter().map(|one| Logged { entry: None, jws: one.jws.to_string() }).collect();
    input.receipts[9].jws = handover.jws.to_string();
    let answer = judge(&sample, &sample.bundle_of(input.clone()));
    assert_eq!((answer.verdict, answer.outcomes["handed-over"]), ("valid", 2), "{:?}", answer.reason);
    // The old certificate was revoked when the key was replaced: what it had signed stays good, what it signs is not.
    let serial = &sample.keys["province-b"].serial;
    input.crls = vec![sample.pki.crl(&[(serial, at(3700))]), sample.pki.root_crl()];
    assert_eq!(judge(&sample, &sample.bundle_of(input.clone())).verdict, "valid");
    let late = next(Event::ContentHandover, &sample.keys["province-b"], 2, &receipts[8], 7200);
    input.receipts[9].jws = late.jws.to_string();
    assert_eq!(refused(&sample, input).0, "receipts[9]");
}

#[test]
fn a_certificate_revoked_before_the_receipt_is_refused_and_one_revoked_after_it_is_not() {
    let sample = Sample::new();
    let serial = sample.keys["nation"].serial.clone();
    let revoked = |since| {
        let crls = vec![sample.pki.crl(&[(&serial, since)]), sample.pki.root_crl()];
        judge(&sample, &sample.bundle_of(Input { crls, ..sample.input.clone() }))
    };
    let before = revoked(at(-30));
    assert_eq!(before.verdict, "invalid");
    assert!(before.reason.as_ref().unwrap().contains("revoked"), "{:?}", before.reason);
    // Revoked between two receipts: the first counts, the one a few seconds later does not.
    let between = revoked(at(15));
    assert_eq!(between.part.as_deref(), Some("receipts[4]"), "{:?}", between.reason);
    let after = revoked(NOW.plus_millis(DAY / 2));
    assert_eq!((after.verdict, after.reason), ("valid", None));
    // Without lists it is said that nothing was checked.
    let answer = judge(&sample, &sample.bundle_of(Input { crls: vec![], ..sample.input.clone() }));
    assert_eq!((answer.verdict, answer.revocation_not_checked.len()), ("valid", 3));
}

#[test]
fn a_stranger_is_believed_nothing() {
    let (sample, stranger) = (Sample::new(), Sample::new());
    let answer = verify(&sample.bundle(), &stranger.anchors(), None);
    assert_eq!((answer.verdict, answer.part.as_deref()), ("invalid", Some("seal")));
    assert!(independent::verify(&sample.bundle(), &stranger.pki.root_der()).is_err());
    // One hop cannot speak for another, whoever sealed it.
    let mut input = sample.input.clone();
    let nation = &sample.keys["nation"];
    let impostor = Key { name: "province-b".to_owned(), ..sample.pki.usual("nation", 60) };
    let first = sample::submission(&sample.keys[HOPS[0]]);
    let relay = next(Event::RelayAcceptance, nation, 2, &first, 10);
    let forged = next(Event::RelayAcceptance, &impostor, 2, &relay, 20);
    input.receipts[0] = Logged { entry: None, jws: first.jws.to_string() };
    input.receipts.truncate(6);
    input.receipts.extend([relay, forged].map(|one| Logged { entry: None, jws: one.jws.to_string() }));
    assert_eq!(refused(&sample, input).0, "receipts[7]");
}

#[test]
fn receipts_must_form_one_chain_for_each_consignment() {
    let sample = Sample::new();
    let with = |change: &dyn Fn(&mut Input)| {
        let mut input = sample.input.clone();
        change(&mut input);
        refused(&sample, input)
    };
    // A link is missing; the beginning is missing; one is there twice.
    assert_eq!(with(&|input| drop(input.receipts.remove(7))).0, "receipts[7]");
    assert_eq!(with(&|input| drop(input.receipts.remove(0))).0, "receipts");
    assert_eq!(with(&|input| input.receipts.push(input.receipts[3].clone())).0, "receipts[10]");
    // A branch: two ends after one receipt, each signed by the hop that may say it.
    let receipts = sample::receipts(&sample.keys);
    let other_end = next(Event::ContentHandover, &sample.keys["nation"], 1, &receipts[4], 40);
    let logged = |one: &lienthong::receipts::Sealed| Logged { entry: None, jws: one.jws.to_string() };
    let mut input = sample.input.clone();
    input.receipts = receipts.iter().map(logged).collect();
    input.receipts.push(logged(&other_end));
    let (part, reason) = refused(&sample, input.clone());
    assert!(["receipts[5]", "receipts[10]"].contains(&part.as_str()), "{part}: {reason}");
    // The end hidden among the late ones.
    input.receipts.pop();
    let end = input.receipts.remove(9);
    input.late = vec![end];
    assert_eq!(refused(&sample, input).0, "late[0]");
    // A consignment that the bundle does not name; one that the submission does not.
    assert_eq!(with(&|input| drop(input.document.consignments.pop())).0, "receipts[6]");
    assert_eq!(with(&|input| input.document.consignments[0].recipient = sample::code("H01")).0, "document");
    assert_eq!(with(&|input| input.document.size += 1).0, "receipts[0]");
}

#[test]
fn an_open_consignment_is_in_flight_and_late_evidence_is_told_beside_it() {
    let sample = Sample::new();
    let receipts = sample::receipts(&sample.keys);
    let failure = next(Event::RelayFailure, &sample.keys["nation"], 2, &receipts[6], 30);
    let mut input = sample::input(&sample.pki, &sample.keys, &receipts);
    // The nation gave up; the acceptance of the province came too late.
    let late = input.receipts.remove(7);
    input.receipts.truncate(7);
    input.receipts.push(Logged { entry: None, jws: failure.jws.to_string() });
    input.late = vec![late];
    // Of the first consignment only the submission is known.
    input.receipts.drain(1..3);
    let answer = judge(&sample, &sample.bundle_of(input));
    assert_eq!(answer.outcomes, BTreeMap::from([("in-flight", 1), ("refused", 1), ("failed", 1)]));
    assert_eq!(answer.consignments[2].late[0].event, Event::RelayAcceptance);
    // The failure is in no ledger, which is said and is no fault.
    assert_eq!((answer.verdict, answer.unwitnessed), ("valid", vec!["receipts[5]".to_owned()]));
}

#[test]
fn what_the_holder_gave_up_has_failed_though_the_next_hop_had_accepted_it() {
    let sample = Sample::new();
    let receipts = sample::receipts(&sample.keys);
    let failure = next(Event::RelayFailure, &sample.keys["nation"], 2, &receipts[6], 30);
    let mut input = sample::input(&sample.pki, &sample.keys, &receipts);
    // As the province tells it: its own acceptance, and the failure that it was answered with.
    input.receipts.truncate(8);
    input.late = vec![Logged { entry: None, jws: failure.jws.to_string() }];
    let answer = judge(&sample, &sample.bundle_of(input));
    assert_eq!((answer.verdict, answer.consignments[2].outcome), ("valid", "failed"), "{:?}", answer.reason);
}

#[test]
fn what_contradicts_the_chain_is_told_beside_it_by_both_verifiers_and_spoils_nothing() {
    let sample = Sample::new();
    let receipts = sample::receipts(&sample.keys);
    let b = &sample.keys["province-b"];
    let logged = |one: &lienthong::receipts::Sealed| Logged { entry: None, jws: one.jws.to_string() };
    let judged = |count: usize, late: &[&lienthong::receipts::Sealed]| {
        let mut input = sample::input(&sample.pki, &sample.keys, &receipts);
        input.receipts.truncate(count);
        input.late = late.iter().map(|one| logged(one)).collect();
        let file = sample.bundle_of(input);
        let answer = judge(&sample, &file);
        assert_eq!(answer.verdict, "valid", "{:?} {:?}", answer.part, answer.reason);
        answer
    };
    let pairs = |answer: &Answer| -> Vec<(String, String)> {
        answer.contradictions.iter().map(|found| (found.part.clone(), found.contradicts.clone())).collect()
    };
    let pair = |late: usize, chain: usize| (format!("late[{late}]"), format!("receipts[{chain}]"));
    // Custody taken (8), laid into the mailbox (9 of 10 receipts), handed over: and afterwards otherwise.
    let left = next(Event::RelayToNonERDS, b, 2, &receipts[7], 50);
    let failed = next(Event::RelayFailure, b, 2, &receipts[9], 50);
    let given_back = next(Event::ConsignmentRejection, b, 2, &receipts[8], 50);
    let nowhere = next(Event::ContentHandoverFailure, b, 2, &left, 60);
    let answer = judged(10, &[&left, &failed, &given_back, &nowhere]);
    assert_eq!(answer.outcomes, BTreeMap::from([("handed-over", 2), ("refused", 1)]));
    assert_eq!(pairs(&answer), [pair(0, 8), pair(1, 9), pair(2, 9), pair(3, 9)]);
    let late = &answer.consignments[2].late;
    assert_eq!((late.len(), late[2].contradicts.as_deref()), (4, Some("receipts[9]")));
    let (vi, en) = words::of_contradiction(&answer.contradictions[2]);
    for words in [&vi, &en] {
        for named in ["province-b", "ConsignmentRejection", "late[2]", "ContentHandover", "receipts[9]"] {
            assert!(words.contains(named), "{named}: {words}");
        }
    }
    assert!(print::html(&answer).contains(&en) && print::pdf(&answer).is_ok());
    // Delivered although it had been given up: the one who gave up is believed, and both are told.
    let gave_up = next(Event::RelayFailure, &sample.keys["nation"], 2, &receipts[6], 30);
    let mut input = sample::input(&sample.pki, &sample.keys, &receipts);
    input.receipts.truncate(7);
    input.receipts.push(logged(&gave_up));
    input.late = receipts[7..].iter().map(logged).collect();
    let answer = judge(&sample, &sample.bundle_of(input));
    assert_eq!((answer.verdict, answer.consignments[2].outcome), ("valid", "failed"), "{:?}", answer.reason);
    assert_eq!(pairs(&answer), [pair(2, 7)]);
}

#[test]
fn what_left_the_network_is_told_as_that_and_what_became_of_it_on_the_word_of_the_system_outside() {
    let sample = Sample::new();
    let receipts = sample::receipts(&sample.keys);
    let b = &sample.keys["province-b"];
    let out = |event, before, outside| {
        let receipt = Receipt { outside, ..Receipt::clone(&next(event, b, 2, before, 50).receipt) };
        seal(receipt, b).unwrap()
    };
    let with = |more: &[&lienthong::receipts::Sealed]| {
        let mut input = sample::input(&sample.pki, &sample.keys, &receipts);
        input.receipts.truncate(8);
        input.receipts.extend(more.iter().map(|one| Logged { entry: None, jws: one.jws.to_string() }));
        input
    };
    let outcome = |more: &[&lienthong::receipts::Sealed]| {
        let answer = judge(&sample, &sample.bundle_of(with(more)));
        assert_eq!(answer.verdict, "valid", "{:?} {:?}", answer.part, answer.reason);
        let page = print::html(&answer);
        assert!(page.contains("axis") && page.contains("0123456789abcdef01234567"), "{page}");
        answer.consignments[2].outcome
    };
    let [silent, reports] =
        [false, true].map(|reports| out(Event::RelayToNonERDS, &receipts[7], Some(sample::outside(reports))));
    assert_eq!([outcome(&[&silent]), outcome(&[&reports])], ["left-the-network"; 2]);
    for (event, word) in [
        (Event::ContentHandover, "handed-over"),
        (Event::ConsignmentRejection, "refused"),
        (Event::ContentHandoverFailure, "failed"),
    ] {
        let told = out(event, &reports, Some(sample::outside(false)));
        assert_eq!(outcome(&[&reports, &told]), word);
        // On nobody's word, or after the last that is known: it proves nothing.
        refused(&sample, with(&[&reports, &out(event, &reports, None)]));
        let after_the_end = out(event, &silent, Some(sample::outside(false)));
        refused(&sample, with(&[&silent, &after_the_end]));
    }
    let failed = out(Event::RelayToNonERDSFailure, &receipts[7], Some(sample::outside(false)));
    assert_eq!(outcome(&[&failed]), "failed");
}

#[test]
fn a_refused_submission_is_proved_by_its_only_receipt() {
    let sample = Sample::new();
    let rejected = sample::rejection(&sample.keys[HOPS[0]]);
    let mut input = sample::input(&sample.pki, &sample.keys, std::slice::from_ref(&rejected));
    input.document.consignments.clear();
    input.document.document_id = None;
    let answer = judge(&sample, &sample.bundle_of(input.clone()));
    assert_eq!((answer.verdict, answer.outcome), ("valid", "refused"), "{:?}", answer.reason);
    assert_eq!((answer.receipts, answer.receipts_witnessed, answer.consignments_submitted), (1, 1, 0));
    assert_eq!(answer.consignments[0].receipts[0].reason.as_deref(), Some("Thiếu nơi nhận"));
    let page = print::html(&answer);
    assert!(page.contains("HỢP LỆ: từ chối tiếp nhận") && page.contains("refused at submission"), "{page}");
    // Nothing follows it, and nothing else begins.
    let accepted = sample::submission(&sample.keys[HOPS[0]]);
    let mut two = input.clone();
    two.receipts.push(Logged { entry: None, jws: accepted.jws.to_string() });
    refused(&sample, two);
    let mut named = input;
    named.document.consignments = sample.input.document.consignments.clone();
    refused(&sample, named);
}

#[test]
fn a_packet_is_written_as_it_is_read_and_only_if_it_is_the_one_and_fits() {
    let sample = Sample::new();
    let (hop, key) = (HOPS[0].parse().unwrap(), &sample.keys[HOPS[0]]);
    let with = |packet: &mut dyn std::io::Read| make_with(sample.input.clone(), Some(packet), &hop, key, at(3600));
    // One that gives a byte at a time makes the same file.
    struct Slow(&'static [u8]);
    impl std::io::Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            std::io::Read::read(&mut self.0, &mut buffer[..1])
        }
    }
    let file = with(&mut Slow(PACKET)).unwrap();
    let packet = Some(PACKET.to_vec());
    let whole = Bundle::read(&sample.bundle_of(Input { packet: packet.clone(), ..sample.input.clone() })).unwrap();
    assert_eq!(Bundle::read(&file).unwrap().packet, packet);
    assert_eq!(Bundle::read(&file).unwrap().receipts, whole.receipts);
    assert!(judge(&sample, &file).packet_inside);
    for other in [&PACKET[1..], b"", [PACKET, b"x"].concat().as_slice(), "x".repeat(PACKET.len()).as_bytes()] {
        let mut other = other;
        assert_eq!(with(&mut other), Err(Error::OtherPacket));
    }
    // Its length alone says that there is no room: nothing of it is read.
    struct Never;
    impl std::io::Read for Never {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("it is read")
        }
    }
    let mut large = sample.input.clone();
    large.document.size = 48 << 20;
    assert_eq!(make_with(large, Some(&mut Never), &hop, key, at(3600)), Err(Error::PacketTooLarge));
}

#[test]
fn a_ledger_is_believed_only_under_its_own_hops_key_and_with_a_proof_that_leads_to_its_root() {
    let sample = Sample::new();
    let with = |change: &dyn Fn(&mut Input)| {
        let mut input = sample.input.clone();
        change(&mut input);
        refused(&sample, input).0
    };
    let entry = |input: &mut Input, change: &dyn Fn(&mut lienthong::bundle::Entry)| {
        change(input.receipts[3].entry.as_mut().unwrap());
    };
    assert_eq!(with(&|input| entry(input, &|entry| entry.number += 1)), "receipts[3]");
    assert_eq!(with(&|input| entry(input, &|entry| drop(entry.proof.pop()))), "receipts[3]");
    assert_eq!(with(&|input| entry(input, &|entry| entry.proof.swap(0, 1))), "receipts[3]");
    assert_eq!(with(&|input| entry(input, &|entry| entry.size -= 1)), "receipts[3]");
    let elsewhere = sample.input.receipts[1].entry.clone();
    assert_eq!(with(&|input| input.receipts[3].entry = elsewhere.clone()), "receipts[3]");
    // A checkpoint altered, under another hop's key, or without its log's signature.
    let note = |input: &mut Input, change: &dyn Fn(&str) -> String| {
        input.logs[1].checkpoints[0] = change(&input.logs[1].checkpoints[0]);
    };
    assert_eq!(with(&|input| note(input, &|text| text.replacen("\n17\n", "\n18\n", 1))), "logs[1]");
    assert_eq!(with(&|input| input.logs[1].key = input.logs[0].key.clone()), "logs[1]");
    let without_first = |text: &str| {
        let (body, signatures) = text.split_once("\n\n").unwrap();
        format!("{body}\n\n{}", signatures.split_once('\n').unwrap().1)
    };
    assert_eq!(with(&|input| note(input, &without_first)), "logs[1]");
    // A cosigner's key that its hop did not state; a log that vouches for itself.
    let key = lienthong::ledger::SigningKey::from_seed("nation/lienthong-ledger/2", &[9; 32]).unwrap();
    let other = sample::statement(&sample.keys["nation"], &key);
    let mut input = sample.input.clone();
    input.witnesses = vec![other];
    let answer = judge(&sample, &sample.bundle_of(input));
    assert_eq!((answer.verdict, answer.receipts_logged, answer.receipts_witnessed), ("valid", 10, 0));
    // A hop that speaks in the name of another's ledger, under its own certificate.
    let stolen = lienthong::ledger::SigningKey::from_seed("province-b/lienthong-ledger/2", &[9; 32]).unwrap();
    let mut input = sample.input.clone();
    input.witnesses.push(sample::statement(&sample.keys["nation"], &stolen));
    let answer = judge(&sample, &sample.bundle_of(input));
    assert_eq!((answer.verdict, answer.part.as_deref()), ("invalid", Some("witnesses[3]")));
    let mut input = sample.input.clone();
    input.witnesses.truncate(1);
    let answer = judge(&sample, &sample.bundle_of(input));
    assert_eq!((answer.receipts_witnessed, answer.unwitnessed.len()), (7, 3), "its own word does not count");
}

#[test]
fn hostile_files_are_refused_cleanly() {
    let sample = Sample::new();
    let file = String::from_utf8(sample.bundle()).unwrap();
    let refused = |text: &str| {
        let answer = judge(&sample, text.as_bytes());
        assert_eq!(answer.verdict, "invalid", "{}", text.chars().take(80).collect::<String>());
        answer.part.unwrap()
    };
    assert_eq!(refused(""), "container");
    assert_eq!(refused("{}"), "container");
    assert_eq!(refused(&format!("{file} ")), "container");
    assert_eq!(refused(&file.replacen(':', ": ", 1)), "container");
    // Members twice, unknown, nested beyond measure; numbers and escapes in another form.
    assert_eq!(refused(&file.replacen("\"v\":1", "\"v\":1,\"v\":1", 1)), "container");
    assert_eq!(refused(&file.replacen("\"v\":1", "\"v\":1e0", 1)), "container");
    assert_eq!(refused(&file.replacen("\"format\"", "\"extra\":1,\"format\"", 1)), "container");
    assert_eq!(refused(&file.replacen("\"size\":", "\"size\":00", 1)), "document");
    assert_eq!(refused(&file.replacen("\"size\":", "\"size\":-", 1)), "document");
    assert_eq!(refused(&file.replacen("\"from\":", "\"from\":\"H01\",\"from\":", 1)), "document");
    assert_eq!(refused(&file.replacen("\\t", "\\u0009", 1)), "document");
    assert_eq!(refused(&file.replacen("ệ", "\\u1ec7", 1)), "document");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(refused(&file.replacen("\"document\":{", &format!("\"document\":{{\"a\":{deep},"), 1)), "document");
    assert_eq!(refused(&format!("{{\"certificates\":{deep}")), "certificates[0]");
    // More elements than there may be: certificates, receipts, hashes of a proof, lengths.
    let many = |count: usize| vec!["\"AA==\""; count].join(",");
    assert_eq!(refused(&format!("{{\"certificates\":[{}],", many(65))), "container");
    let receipts = |count: usize| file.replacen("\"receipts\":[", &format!("\"receipts\":[{},", many(count)), 1);
    assert_eq!(refused(&receipts(5000)), "container");
    let proof = file.replacen("\"proof\":[", &format!("\"proof\":[{},", many(9000)), 1);
    assert_eq!(refused(&proof), "receipts[0]");
    assert_eq!(refused(&format!("{{\"certificates\":[\"{}", "A".repeat(65 << 20))), "container");
    // Sealed as it should be, and wrong all the same.
    let with = |change: &dyn Fn(&mut Input)| {
        let mut input = sample.input.clone();
        change(&mut input);
        self::refused(&sample, input).0
    };
    assert_eq!(with(&|input| input.certificates[0] = b"no certificate".to_vec()), "certificates[0]");
    assert_eq!(with(&|input| input.crls[1] = b"no list".to_vec()), "crls[1]");
    assert_eq!(with(&|input| input.logs[2].origin = String::new()), "logs[2]");
    assert_eq!(with(&|input| input.witnesses[1] = "a.b.c".to_owned()), "witnesses[1]");
    assert_eq!(with(&|input| input.receipts[2].jws = "e30.e30.AA".to_owned()), "receipts[2]");
    assert_eq!(with(&|input| input.receipts[2].jws = input.logs[0].key.clone()), "receipts[2]");
}
