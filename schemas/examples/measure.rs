//! Prints what compiling a schema and validating a packet cost on this machine, and what a packet would cost if no thread
//! kept its validator prepared:
//! `cargo run --release -p lienthong-schemas --example measure`.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use lienthong_schemas::{Catalogue, Limits, ValidatorPool};

const DOCUMENT: &[u8] = include_bytes!("../tests/packets/document-d1.edxml");
const DOT_NET: &[u8] = include_bytes!("../tests/packets/document-d2.edxml");
const STATUS: &[u8] = include_bytes!("../tests/packets/status-d1.edxml");
const RUNS: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let catalogue = Arc::new(Catalogue::builtin()?);
    println!("catalogue, every schema compiled once: {:?}", start.elapsed());
    let start = Instant::now();
    drop(catalogue.compile("edxml-document-2022-strict", Limits::default())?);
    println!("one schema: {:?}", start.elapsed());
    let pool = ValidatorPool::new(Arc::clone(&catalogue));
    pool.warm(1)?;
    let broken = String::from_utf8_lossy(DOCUMENT).replace("<edXML:Type>2<", "<edXML:Type>hai<");
    for (name, id, packet) in [
        ("document, tolerant", "edxml-document-2022-tolerant", DOCUMENT),
        ("document, strict", "edxml-document-2022-strict", DOCUMENT),
        ("document with a fault, strict", "edxml-document-2022-strict", broken.as_bytes()),
        (".NET document, tolerant", "edxml-document-2022-tolerant", DOT_NET),
        (".NET document, strict", "edxml-document-2022-strict", DOT_NET),
        ("status, tolerant", "edxml-status-tolerant", STATUS),
        ("status, strict", "edxml-status-2022-strict", STATUS),
    ] {
        let unprepared = catalogue.compile(id, Limits::default())?;
        let (mut times, mut anew) = (Vec::new(), Vec::new());
        let mut violations = 0;
        for _ in 0..RUNS {
            let start = Instant::now();
            violations = pool.validate(id, packet)?.len();
            times.push(start.elapsed());
            let start = Instant::now();
            unprepared.validate(packet)?;
            anew.push(start.elapsed());
        }
        times.sort_unstable();
        anew.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        let (best, median, slow) = (at(0), at(50), at(99));
        let anew = anew.get(anew.len() / 2).copied().unwrap_or_default();
        println!(
            "{name}: {} bytes, {violations} violations, best {best:?}, median {median:?}, p99 {slow:?}; \
             prepared anew: median {anew:?}",
            packet.len()
        );
    }
    println!("{:?}", pool.stats());
    Ok(())
}
