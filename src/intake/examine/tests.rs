//! Who may sign for whom, what another gateway could know, and how much is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use futures_util::stream;

use lienthong_contract::door::{Identity, Intake as _, Refusal, Submission};

use super::*;
use crate::edxml::model::Urgency;
use crate::intake::tests::World;
use crate::pki::tests::example;
use crate::routing::LinkRoute;
use crate::scene::{Letter, example_pdf};

/// Hands in a document of the closed `H47.90`, signed and brought by these.
async fn of_the_closed_agency(world: &World, number: u32, signer: &str, bearer: &str) -> Result<Submission, Refusal> {
    let letter = Letter {
        from: "H47.90",
        to: &["H37.90"],
        number,
        date: jiff::civil::date(2026, 9, 21),
        subject: "Về việc bàn giao",
        urgency: Urgency::Normal,
        attachment: &example_pdf(2000),
    };
    let example = example();
    let files = example.manifest.agency(signer).unwrap();
    let signer = crate::signing::load_signer(&files.sign_key, &files.sign_chain).unwrap();
    let packet = crate::signing::sign_bytes(&letter.packet().unwrap(), &signer).unwrap();
    let identity = Identity { agency: bearer.parse().unwrap(), credential: "c".to_owned(), door: "native".to_owned() };
    world.province.intake.submit(&identity, Box::pin(stream::iter([Ok(Bytes::from(packet))]))).await
}

#[tokio::test]
async fn a_successor_signs_and_hands_in_for_the_agency_it_took_over() {
    let world = World::new(None);
    let taken = of_the_closed_agency(&world, 1, "H37.91", "H37.91").await.unwrap();
    assert!(taken.findings.iter().any(|finding| finding.code == "LT-RUL-0026"), "{:?}", taken.findings);
    let receipt = crate::receipts::jws::read_unverified(&taken.receipt).unwrap().receipt;
    let checks = receipt.checks.clone().unwrap();
    assert_eq!((checks.transport, checks.packet_signature), (Fact::Valid, Fact::Valid));
    let codes = |refusal: Refusal| refusal.findings.into_iter().filter(Finding::refuses).map(|f| f.code).collect();
    let refused: Vec<String> = codes(of_the_closed_agency(&world, 2, "H37.90", "H37.91").await.unwrap_err());
    assert_eq!(refused, ["LT-INT-0005"]);
    let refused: Vec<String> = codes(of_the_closed_agency(&world, 3, "H37.91", "H37.90").await.unwrap_err());
    assert_eq!(refused, ["LT-RUL-0022"]);
    world.end().await;
}

#[tokio::test]
async fn a_packet_that_cannot_be_read_is_told_all_its_faults_at_once_and_each_once() {
    let world = World::new(None);
    let packet = world.packet(8, &["H37.91", "H37.999"]);
    let packet = String::from_utf8(packet).unwrap();
    let start = packet.find("<edXML:Subject>").unwrap();
    let end = packet.find("</edXML:Subject>").unwrap() + "</edXML:Subject>".len();
    let changed = format!("{}{}", &packet[..start], &packet[end..]);
    let changed = changed.replace("<edXML:Priority>0<", "<edXML:Priority>khẩn<");
    let refusal = world.hand_in(&world.province, "H37.90", changed.into_bytes()).await.unwrap_err();
    let refused: Vec<&str> = refusal.findings.iter().filter(|f| f.refuses()).map(|f| f.code.as_str()).collect();
    // No subject, a word for a number, a recipient nobody knows, and a signature of other bytes.
    assert_eq!(refused[..3], ["LT-EDX-0034", "LT-EDX-0036", "LT-RUL-0001"], "{refused:?}");
    assert!(refused.len() == 4 && refused[3].starts_with("LT-TRU-01"), "{refused:?}");
    let of_schema: Vec<_> = refusal.findings.iter().filter(|f| f.code.starts_with("LT-XSD")).collect();
    assert!(of_schema.is_empty(), "told a second time: {of_schema:?}");
    assert_eq!(refusal.findings.last().unwrap().code, "LT-RUL-0071");
    world.end().await;
}

#[test]
fn a_slip_below_an_agency_of_our_own_is_nobodys() {
    let agency = |code: &str, hop: &str| format!("[[agency]]\ncode = '{code}'\nname = 'x'\n{hop}\n");
    let directory = [
        agency("H37.90", "hop = 'province-a'\nold_code = '000.00.90.H37'"),
        agency("H37.91", "hop = 'province-a'"),
        agency("H37.91.07", "hop = 'district'"),
        agency("H38", ""),
        agency("G09.90", "hop = 'nation'"),
    ];
    let directory = Snapshot::from_toml(&directory.concat()).unwrap();
    let link = |peer: &str, prefixes: &[&str], default| LinkRoute {
        peer: peer.parse().unwrap(),
        prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
        hops: Vec::new(),
        default,
    };
    let links = vec![link("nation", &[], true), link("district", &["H37.91.05", "H37"], false)];
    let routes = Routes { hop: "province-a".parse().unwrap(), links, outlets: Vec::new() };
    for (code, expected) in [
        ("H37.91.000", false),
        ("000.12.90.H37", false),
        ("H37.90.01.02", false),
        // Branched off by a link, or below an agency that is served elsewhere.
        ("H37.91.05", true),
        ("H37.91.05.01", true),
        ("H37.91.07.01", true),
        ("H37.94", true),
        ("H38.01", true),
        ("G09.90.01", true),
        ("X01", true),
    ] {
        assert_eq!(routable(&directory, &routes, &code.parse().unwrap()), expected, "{code}");
    }
    let alone = Routes { links: Vec::new(), ..routes };
    assert!(!routable(&directory, &alone, &"X01".parse().unwrap()));
}

#[test]
fn of_very_many_findings_those_that_refuse_are_told_and_the_rest_counted() {
    let mut few = vec![Finding::of(&findings::SIGNATURE_NOT_COUNTED); MAX_FINDINGS];
    limit(&mut few);
    assert_eq!(few.len(), MAX_FINDINGS);
    let mut many = vec![Finding::of(&findings::SIGNATURE_NOT_COUNTED); 1000];
    many.push(Finding::of(&findings::SIGNER_OTHER));
    limit(&mut many);
    assert_eq!(many.len(), MAX_FINDINGS + 1);
    assert!(many[0].refuses());
    let last = many.last().unwrap();
    assert_eq!((last.code.as_str(), last.found.as_deref()), ("LT-INT-0016", Some("+ 801")));
}
