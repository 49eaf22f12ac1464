//! A packet of 300 MB crosses two hops while each gateway's memory stays flat.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use lienthong::client::Packet;
use lienthong::scene::SENDER;
use lienthong::signing::{load_signer, sign_file};
use lienthong_contract::Digest;
use lienthong_contract::digest::Hasher;
use lienthong_contract::door::ConsignmentState;
use support::alone;
use support::letters::letter;
use support::world::{Setup, World, arrived, traced};

const PACKET_BYTES: usize = 300 << 20;
/// Three bytes become four characters.
const PIECE: usize = 48 << 10;
const MOST_MEMORY: u64 = 256 << 20;
/// Stands in the attachment until the long one is written in its place.
const PLACE: &[u8] = b"%PDF-1.4 the long attachment stands here";

/// Writes a packet of this size; never more than a piece of it is in memory.
fn write_packet(path: &Path, to: &[&str]) {
    let packet = letter(SENDER, to, 1, PLACE).packet().unwrap();
    let place = base64_simd::STANDARD.encode_to_string(PLACE);
    let at = packet.windows(place.len()).position(|window| window == place.as_bytes()).unwrap();
    let mut out = BufWriter::new(File::create(path).unwrap());
    out.write_all(&packet[..at]).unwrap();
    // Not compressible, always the same: xorshift.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut piece = vec![0; PIECE];
    for written in 0..PACKET_BYTES / (PIECE / 3 * 4) {
        for eight in piece.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            eight.copy_from_slice(&state.to_le_bytes());
        }
        if written == 0 {
            piece[..9].copy_from_slice(b"%PDF-1.4\n");
        }
        out.write_all(base64_simd::STANDARD.encode_to_string(&piece).as_bytes()).unwrap();
    }
    out.write_all(&packet[at + place.len()..]).unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
}

fn digest_of(path: &Path) -> Digest {
    let (mut file, mut hasher, mut piece) = (File::open(path).unwrap(), Hasher::default(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece).unwrap() {
            0 => return hasher.finish(),
            count => hasher.update(&piece[..count]),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_300_mb_crosses_two_hops_in_flat_memory() {
    let _turn = alone();
    let world = World::start(Setup::default()).await;
    let sender = world.agency(SENDER, "province-a", 1);
    let recipient = world.agency("H49.90", "province-b", 1);
    let (unsigned, signed) = (world.folder.path().join("unsigned.edxml"), world.folder.path().join("signed.edxml"));
    write_packet(&unsigned, &["H49.90"]);
    let signer = load_signer(&sender.files.sign_key, &sender.files.sign_chain).unwrap();
    sign_file(&unsigned, &signed, &signer).unwrap();
    std::fs::remove_file(&unsigned).unwrap();
    let (size, digest) = (std::fs::metadata(&signed).unwrap().len(), digest_of(&signed));
    assert!(size > PACKET_BYTES as u64 - (1 << 20), "{size}");

    let submission = sender.client.submit(&Packet::File(signed), None).await.unwrap();
    assert_eq!(submission.digest, digest);
    let item = arrived(&recipient, submission.doc_id).await;
    let fetched = recipient.client.content(item.id, &mut tokio::io::sink()).await.unwrap();
    assert_eq!((fetched.digest, fetched.size), (digest, size));

    let trace = traced(&sender, submission.doc_id, "the last receipt is back", |trace| {
        trace.consignments[0].state == ConsignmentState::Consigned
    })
    .await;
    assert_eq!(world.verified(&trace, &trace.consignments[0]).len(), 4);
    for (hop, gateway) in &world.gateways {
        let peak = gateway.peak_memory();
        println!("{hop}: peak {} MB", peak >> 20);
        assert!(peak < MOST_MEMORY, "{hop} took {} MB", peak >> 20);
    }
}
