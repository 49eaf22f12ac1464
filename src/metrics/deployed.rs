//! The rules and the dashboard under `deploy/` ask for metrics and labels that the gateway has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use super::{ALL, Family, Kind};

const RULES: &str = include_str!("../../deploy/prometheus/lienthong.rules.yml");
const DASHBOARD: &str = include_str!("../../deploy/grafana/lienthong.json");
const GUIDE: &str = include_str!("../../docs/observability.md");

/// Metrics that the dashboard does not show, because statements dropped matter only where days stay open, which it shows.
const NOT_SHOWN: [&str; 1] = ["lienthong_link_statements_dropped_total"];

/// Labels that Prometheus adds.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];

/// One metric in an expression, and the labels asked of it.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    name: &'a str,
    labels: Vec<&'a str>,
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    &text[..end]
}

/// Every metric of an expression whose name holds `lienthong`.
fn asked(expr: &str) -> Vec<Asked<'_>> {
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        rest = &rest[at..];
        let name = word(rest);
        rest = &rest[name.len()..];
        let matchers = rest.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        if let Some((_, after)) = matchers {
            rest = after;
        }
        if name.contains("lienthong") {
            let labels = matchers.map_or("", |(inside, _)| inside).split("\",").map(str::trim);
            let labels = labels.map(word).filter(|label| !label.is_empty()).collect();
            found.push(Asked { name, labels });
        }
        if let Some(text) = rest.strip_prefix('"') {
            rest = text.split_once('"').map_or("", |(_, after)| after);
        }
    }
    found
}

/// The labels that an expression groups by.
fn grouped(expr: &str) -> impl Iterator<Item = &str> {
    let lists = expr.split("by (").skip(1).filter_map(|text| text.split_once(')'));
    lists.flat_map(|(list, _)| list.split(',')).map(str::trim)
}

/// The family that a sample belongs to, and whether it is a bucket.
fn family(name: &str) -> Option<(&'static Family, bool)> {
    let of = |name: &str| ALL.iter().copied().find(|family| family.name == name);
    let of_histogram = |end: &str| {
        let family = of(name.strip_suffix(end)?)?;
        (family.kind == Kind::Histogram).then_some((family, end == "_bucket"))
    };
    let plain = of(name).filter(|family| family.kind != Kind::Histogram).map(|family| (family, false));
    plain.or_else(|| ["_bucket", "_sum", "_count"].into_iter().find_map(of_histogram))
}

/// What is wrong with an expression; `recorded` are the rules that record.
fn faults(expr: &str, recorded: &BTreeSet<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut known: BTreeSet<&str> = OF_PROMETHEUS.into();
    let metrics = asked(expr);
    for Asked { name, labels } in &metrics {
        let mut own: BTreeSet<&str> = OF_PROMETHEUS.into();
        match family(name) {
            Some((family, bucket)) => {
                own.extend(family.labels);
                own.extend(bucket.then_some("le"));
            }
            None if recorded.contains(name) => {}
            None => faults.push(format!("there is no metric {name}")),
        }
        faults
            .extend(labels.iter().filter(|label| !own.contains(*label)).map(|label| format!("{name} has no {label}")));
        known.extend(own);
    }
    faults.extend(grouped(expr).filter(|label| !known.contains(label)).map(|label| format!("nothing has {label}")));
    faults
}

/// The values of a key in the rules, each on one line.
fn values<'a>(key: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    RULES
        .lines()
        .filter_map(move |line| line.trim_start().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(": "))
}

/// Every expression of the dashboard's panels.
fn shown() -> Vec<String> {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_checker_sees_wrong_names_labels_and_groups() {
    let recorded = BTreeSet::from(["instance:lienthong_x:rate5m"]);
    for good in [
        "lienthong_ready == 0",
        "sum by (door, le, job) (rate(lienthong_intake_seconds_bucket{door!=\"canary\",le=\"+Inf\"}[5m]))",
        "instance:lienthong_x:rate5m > 1",
    ] {
        assert_eq!(faults(good, &recorded), Vec::<String>::new(), "{good}");
    }
    for (bad, what) in [
        ("lienthong_redy == 0", "there is no metric lienthong_redy"),
        ("lienthong_intake_seconds", "there is no metric lienthong_intake_seconds"),
        ("lienthong_ready{door=\"vxp\"}", "lienthong_ready has no door"),
        ("lienthong_waiting{kind=\"link\",lane=\"urgent\"}", "lienthong_waiting has no lane"),
        ("sum by (door) (lienthong_ready)", "nothing has door"),
        ("instance:lienthong_y:rate5m", "there is no metric instance:lienthong_y:rate5m"),
    ] {
        assert_eq!(faults(bad, &recorded), [what], "{bad}");
    }
}

#[test]
fn every_metric_and_label_of_the_rules_and_the_dashboard_exists() {
    let recorded: BTreeSet<&str> = values("record").collect();
    let rules: Vec<&str> = values("expr").collect();
    assert_eq!(rules.len(), recorded.len() + values("alert").count(), "each expression stands on one line");
    for expr in rules {
        assert_eq!(faults(expr, &recorded), Vec::<String>::new(), "{expr}");
    }
    let shown = shown();
    assert!(!shown.is_empty());
    for expr in &shown {
        assert_eq!(faults(expr, &recorded), Vec::<String>::new(), "{expr}");
        assert!(expr.contains("instance=~\"$instance\""), "the chosen gateway alone: {expr}");
    }
}

#[test]
fn every_metric_is_on_the_dashboard_or_is_left_out_on_purpose() {
    let shown = shown();
    let asked = shown.iter().flat_map(|expr| asked(expr));
    let mut there: BTreeSet<&str> = asked.filter_map(|one| family(one.name)).map(|(family, _)| family.name).collect();
    assert!(NOT_SHOWN.iter().all(|name| !there.contains(name)), "left out, and shown all the same");
    there.extend(NOT_SHOWN);
    let all: BTreeSet<&str> = ALL.iter().map(|family| family.name).collect();
    assert_eq!(there, all);
}

#[test]
fn every_alert_speaks_both_languages_and_has_its_part_of_the_guide() {
    let alerts: Vec<&str> = values("alert").collect();
    for (key, least) in [("summary_vi", 20), ("summary_en", 20), ("runbook", 20), ("labels", 10)] {
        let texts: Vec<&str> = values(key).filter(|text| text.len() > least).collect();
        assert_eq!(texts.len(), alerts.len(), "{key}");
    }
    for (alert, runbook) in alerts.iter().zip(values("runbook")) {
        assert_eq!(runbook, format!("docs/observability.md#{}", alert.to_lowercase()));
        assert!(GUIDE.lines().any(|line| line == format!("### {alert}")), "{alert} is not in the guide");
    }
}
