//! Signed documents, one or thousands.

use bytes::Bytes;
use lienthong::client::Packet;
use lienthong::clock::SystemClock;
use lienthong::edxml::model::Urgency;
use lienthong::pki::AgencyFiles;
use lienthong::scene::{Letter, example_pdf};
use lienthong::signing::{load_signer, sign_bytes};
use lienthong_contract::{Clock, Digest};

/// A signed packet.
#[derive(Debug, Clone)]
pub struct Signed {
    pub bytes: Bytes,
    pub digest: Digest,
}

impl Signed {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { digest: Digest::of(&bytes), bytes: bytes.into() }
    }

    pub fn packet(&self) -> Packet {
        Packet::Bytes(self.bytes.clone())
    }
}

/// A letter of today; the test changes what it is about.
pub fn letter<'a>(from: &'a str, to: &'a [&'a str], number: u32, attachment: &'a [u8]) -> Letter<'a> {
    Letter {
        from,
        to,
        number,
        date: SystemClock.now().in_vietnam().date(),
        subject: "Về việc liên thông văn bản điện tử (thí dụ)",
        urgency: Urgency::Normal,
        attachment,
    }
}

/// Signs a packet with the signing key of these files.
pub fn sign(packet: &[u8], files: &AgencyFiles) -> Signed {
    let signer = load_signer(&files.sign_key, &files.sign_chain).unwrap();
    Signed::new(sign_bytes(packet, &signer).unwrap())
}

/// So many signed letters of about 10 KB, numbered from `first`.
pub fn many(files: &AgencyFiles, to: &[&str], first: u32, count: u32) -> Vec<Signed> {
    let pdf = example_pdf(6 * 1024);
    let half = first + count / 2;
    let some = |numbers: std::ops::Range<u32>| {
        numbers.map(|number| sign(&letter(&files.code, to, number, &pdf).packet().unwrap(), files)).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(|| some(half..first + count));
        let mut signed = some(first..half);
        signed.extend(second.join().unwrap());
        signed
    })
}
