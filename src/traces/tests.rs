#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use lienthong_contract::Instant as Moment;
use lienthong_contract::door::{Refusal, RefusalCause};

use super::*;
use crate::link::SinkError;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Moment {
        Moment::from_millis(1_700_000_000_000)
    }
}

/// What is put down can be taken at the other end.
fn open(ratio: f64, room: usize) -> (Traces, mpsc::Receiver<Span>) {
    let (waiting, taking) = mpsc::channel(room);
    let (hop, share) = ("province-a".parse().unwrap(), Share::of(ratio));
    let inner = Inner { hop, clock: Arc::new(Still), share, waiting, counts: Arc::default() };
    (Traces(Some(Arc::new(inner))), taking)
}

fn seen(doc_id: DocId) -> Seen {
    Seen { doc_id, from: "nation".parse().unwrap(), size: 7, consignments: 1 }
}

#[test]
fn a_share_of_all_documents_is_taken_the_same_at_every_hop() {
    let ids: Vec<TraceId> = (0..4000).map(|_| TraceId::of(DocId::fresh())).collect();
    let taken = |ratio: f64| ids.iter().filter(|id| Share::of(ratio).takes(**id)).count();
    assert_eq!((taken(0.0), taken(1.0)), (0, 4000));
    let quarter = taken(0.25);
    assert!((700..1300).contains(&quarter), "{quarter}");
    // Whoever takes a quarter takes nothing that a half would not.
    assert!(ids.iter().all(|id| !Share::of(0.25).takes(*id) || Share::of(0.5).takes(*id)));
}

#[test]
fn where_no_collector_is_set_nothing_is_measured() {
    let traces = Traces::default();
    assert!(traces.watch().is_none() && traces.departs(DocId::fresh()).is_none() && traces.counts().is_none());
}

#[test]
fn what_goes_wrong_is_kept_whatever_the_share_and_the_rest_is_not() {
    let (traces, mut taking) = open(0.0, 10);
    let (doc_id, peer) = (DocId::fresh(), "nation".parse().unwrap());
    let context = traces.departs(doc_id).unwrap();
    assert!(!context.sampled);
    traces.published(traces.watch(), (Some(context), doc_id), (&peer, 7, false), None);
    assert!(taking.try_recv().is_err());
    traces.published(traces.watch(), (Some(context), doc_id), (&peer, 7, false), Some("LT-LNK-0002"));
    traces.received(traces.watch(), Some(&seen(doc_id)), None, &Err(SinkError::Retry { why: String::new() }));
    let refusal = |cause| Err(Refusal { cause, findings: Vec::new(), receipt: None });
    traces.handed_in(traces.watch(), "vxp", &refusal(RefusalCause::BadPacket));
    traces.handed_in(traces.watch(), "vxp", &refusal(RefusalCause::Unavailable));
    let faults = std::iter::from_fn(|| taking.try_recv().ok()).map(|span| span.fault.unwrap());
    assert_eq!(faults.collect::<Vec<_>>(), ["LT-LNK-0002", "retry", "unavailable"]);
}

#[test]
fn a_claim_about_another_trace_is_no_parent() {
    let (traces, mut taking) = open(1.0, 10);
    let (doc_id, other) = (DocId::fresh(), DocId::fresh());
    let own = traces.departs(doc_id).unwrap();
    for (came, parent) in [(Some(own), Some(own.span)), (traces.departs(other), None), (None, None)] {
        traces.received(traces.watch(), Some(&seen(doc_id)), came, &Ok(()));
        let span = taking.try_recv().unwrap();
        assert_eq!((span.parent, span.context.trace), (parent, TraceId::of(doc_id)));
        // By whichever way it came, what follows finds it.
        traces.receipt_stored(traces.watch(), (doc_id, "RelayAcceptance", &"nation".parse().unwrap()));
        assert_eq!(taking.try_recv().unwrap().parent, Some(span.context.span));
    }
    // What was not taken is no entry.
    traces.received(traces.watch(), Some(&seen(doc_id)), Some(own), &Err(SinkError::Retry { why: String::new() }));
    let vain = taking.try_recv().unwrap();
    traces.receipt_stored(traces.watch(), (doc_id, "RelayAcceptance", &"nation".parse().unwrap()));
    assert_ne!(taking.try_recv().unwrap().parent, Some(vain.context.span));
    // Of what was not verified nothing is told.
    traces.received(traces.watch(), None, Some(own), &Err(SinkError::Poison { why: String::new() }));
    assert!(taking.try_recv().is_err());
}

#[test]
fn what_does_not_fit_is_dropped_and_counted() {
    let (traces, taking) = open(1.0, 2);
    let hop = "nation".parse().unwrap();
    for _ in 0..5 {
        traces.receipt_stored(traces.watch(), (DocId::fresh(), "RelayAcceptance", &hop));
    }
    assert_eq!(traces.counts().unwrap().dropped.load(Ordering::Relaxed), 3);
    drop(taking);
}

#[test]
fn a_span_says_in_otlp_when_it_was_and_what_went_wrong() {
    let (traces, mut taking) = open(1.0, 2);
    let (doc_id, peer) = ("0193560a-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap(), "nation".parse().unwrap());
    traces.published(traces.watch(), (traces.departs(doc_id), doc_id), (&peer, 7, true), Some("LT-LNK-0002"));
    let request = otlp::request("province-a", &[taking.try_recv().unwrap()]);
    let span = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], "0193560a1c2d7e3f8a4b5c6d7e8f9a0b");
    assert_eq!((&span["kind"], &span["status"]["code"]), (&4.into(), &2.into()));
    assert_eq!(span["startTimeUnixNano"], "1700000000000000000");
    assert!(span["endTimeUnixNano"].as_str() >= span["startTimeUnixNano"].as_str());
    let about = span["attributes"].as_array().unwrap();
    assert!(about.contains(&serde_json::json!({ "key": "error.type", "value": { "stringValue": "LT-LNK-0002" } })));
    assert!(about.contains(&serde_json::json!({ "key": "lienthong.again", "value": { "boolValue": true } })));
}

#[test]
fn a_collector_may_take_a_part() {
    for (answer, count) in [
        ("{}", 0),
        ("", 0),
        ("{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"x\"}}", 3),
        ("{\"partialSuccess\":{\"rejectedSpans\":2}}", 2),
        ("{\"partialSuccess\":{\"rejectedSpans\":-2}}", 0),
        ("[1", 0),
    ] {
        assert_eq!(otlp::rejected(answer.as_bytes()), count, "{answer}");
    }
}
