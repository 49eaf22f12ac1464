//! One finding for each cause.
//!
//! The reader, the schemas and the rules look at a packet each for itself, so one missing element is noticed by two or
//! three of them. Here what has one cause (the same fault, of the same element, at the same place) becomes one finding:
//! the severest, with the most exact place, expectation and clause that any of them knew. Faults of different kinds
//! stay apart even in one element: a subject may be too long and carry a secrecy mark as well.
//!
//! Invariant: of what refuses, something that refuses is left, so the verdict never changes. Only a packet that has
//! findings comes here.

use lienthong_contract::{Finding, Kind};
use lienthong_schemas::findings as xsd;
use lienthong_schemas::words::{last, named, resembles};

use super::findings as rule;
use crate::edxml::findings as edx;

/// What is wrong with an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    Absent,
    Value,
    Name,
    Repeated,
    Prefix,
}

static NATURES: &[(Nature, &[&Kind])] = &[
    (
        Nature::Absent,
        &[&edx::MISSING, &edx::RECOMMENDED, &edx::ID_MADE, &xsd::MISSING, &xsd::EMPTY, &rule::RESPONSE_FOR_MISSING],
    ),
    (
        Nature::Value,
        &[
            &edx::BAD_DATE,
            &edx::BAD_NUMBER,
            &edx::ODD_CODE,
            &edx::ONE_DIGIT_DATE,
            &edx::UNLISTED_CODE,
            &edx::STATUS_PADDED,
            &edx::ODD_CONTENT_ID,
            &xsd::TOO_LONG,
            &xsd::BAD_DATE,
            &xsd::BAD_TIME,
            &xsd::BAD_NUMBER,
            &xsd::OUT_OF_RANGE,
            &xsd::NOT_LISTED,
            &xsd::BAD_FORM,
            &xsd::BAD_VALUE,
        ],
    ),
    (Nature::Name, &[&edx::UNKNOWN_ELEMENT, &edx::CORRECT_SPELLING, &xsd::UNEXPECTED]),
    (Nature::Repeated, &[&edx::REPEATED, &xsd::TOO_MANY]),
    (Nature::Prefix, &[&edx::UNDECLARED_PREFIX, &edx::PREFIX_ASSUMED, &xsd::UNDECLARED_PREFIX]),
];

/// Kinds of the reader that say less than the schema does of the same fault.
static VAGUE: &[&Kind] = &[&edx::RECOMMENDED, &edx::ODD_CODE, &edx::UNLISTED_CODE, &edx::UNKNOWN_ELEMENT];

/// What the schema says of a typed field that the reader takes for an absent one ("N/A" for a date).
static NOT_FILLED: &[&Kind] = &[&xsd::EMPTY, &xsd::BAD_DATE, &xsd::BAD_TIME, &xsd::BAD_NUMBER];

fn is(finding: &Finding, kind: &Kind) -> bool {
    finding.code == kind.code
}

fn among(finding: &Finding, kinds: &[&Kind]) -> bool {
    kinds.iter().any(|kind| is(finding, kind))
}

fn nature(finding: &Finding) -> Option<Nature> {
    NATURES.iter().find(|(_, kinds)| among(finding, kinds)).map(|(nature, _)| *nature)
}

fn of_schema(finding: &Finding) -> bool {
    finding.code.starts_with("LT-XSD-")
}

/// Leaves one finding for each cause, in the order in which the causes were first noticed, and names the field in the
/// titles of the reader's.
pub fn one_for_each_cause(findings: &mut Vec<Finding>) {
    let mut kept: Vec<Told> = Vec::with_capacity(findings.len());
    for mut finding in findings.drain(..) {
        if let Some(element) = &mut finding.element {
            under_its_own_parent(element);
        }
        let same = (kept.iter().enumerate())
            .filter(|(_, told)| told.has_cause_of(&finding))
            .max_by_key(|(_, told)| (told.finding.line, told.finding.column))
            .map(|(index, _)| index);
        match same.and_then(|index| kept.get_mut(index)) {
            Some(told) => told.take_in(finding),
            None => kept.push(Told { nature: nature(&finding), finding, filled: false }),
        }
    }
    findings.extend(kept.into_iter().map(Told::named));
}

/// The reader remarks at the header that a part beside it is missing.
fn under_its_own_parent(element: &mut String) {
    for part in ["TraceHeaderList", "AttachmentEncoded"] {
        if let Some(rest) = element.strip_prefix("MessageHeader/").filter(|rest| rest.starts_with(part)) {
            *element = rest.to_owned();
        }
    }
}

/// A finding that stands for its cause.
struct Told {
    finding: Finding,
    nature: Option<Nature>,
    /// The empty element behind a missing value was found.
    filled: bool,
}

impl Told {
    fn has_cause_of(&self, other: &Finding) -> bool {
        let (Some(one), Some(two)) = (self.nature, nature(other)) else { return false };
        // Two rooms look at one fault; one room tells two only if there are two.
        let rooms_differ = of_schema(&self.finding) != of_schema(other);
        let (path, other_path) = (short(&self.finding), short(other));
        let same_place = (self.finding.line, self.finding.column) == (other.line, other.column);
        match (one, two) {
            (Nature::Absent, Nature::Name) | (Nature::Name, Nature::Absent) => {
                parent(path) == parent(other_path) && resembles(last(path), last(other_path))
            }
            _ if !rooms_differ => false,
            (Nature::Absent, Nature::Absent | Nature::Value) if among(other, NOT_FILLED) => {
                let before = (self.finding.line, self.finding.column) <= (other.line, other.column);
                path == other_path && before && !self.filled
            }
            (Nature::Absent, Nature::Absent) => {
                related(path, other_path) && (same_place || is(&self.finding, &edx::RECOMMENDED))
            }
            (Nature::Value, Nature::Value) | (Nature::Repeated, Nature::Repeated) => path == other_path && same_place,
            (Nature::Name, Nature::Name) => last(path) == last(other_path) && same_place,
            (Nature::Prefix, Nature::Prefix) => self.finding.found == other.found,
            _ => false,
        }
    }

    /// Keeps the severer of both, or the one that says more, with what the other knows better.
    fn take_in(&mut self, other: Finding) {
        self.filled |= among(&other, NOT_FILLED);
        let slip =
            nature(&other) != self.nature && (is(&other, &xsd::UNEXPECTED) || is(&self.finding, &xsd::UNEXPECTED));
        let yields = among(&self.finding, VAGUE) && of_schema(&other);
        let other_wins = (other.severity, yields) > (self.finding.severity, false);
        let mut less = if other_wins { std::mem::replace(&mut self.finding, other) } else { other };
        if other_wins {
            self.nature = nature(&self.finding);
        }
        let kept = &mut self.finding;
        if slip && is(&less, &xsd::UNEXPECTED) {
            // What is missing stands there under another name.
            (kept.fix_vi, kept.fix_en) = (less.fix_vi.clone(), less.fix_en.clone());
        }
        if (less.line, less.column) > (kept.line, kept.column) {
            (kept.line, kept.column) = (less.line, less.column);
        }
        if kept.found.is_none() {
            kept.found = less.found.take();
        }
        if of_schema(&less) && !slip {
            // The number of the field, where the same regulation is behind both.
            if less
                .clause
                .as_deref()
                .is_some_and(|clause| clause.starts_with(kept.clause.as_deref().unwrap_or_default()))
            {
                kept.clause = less.clause;
            }
            // What is missing is better named by the reader, who may look for it deeper down.
            if nature(kept) == Some(Nature::Value) {
                kept.expected = less.expected.or(kept.expected.take());
            }
        }
    }

    fn named(self) -> Finding {
        let mut finding = self.finding;
        let of_reader = finding.code.starts_with("LT-EDX-");
        if let Some(element) = finding.element.as_deref().filter(|_| of_reader)
            && matches!(self.nature, Some(Nature::Absent | Nature::Value | Nature::Repeated))
            && finding.code != edx::ID_MADE.code
        {
            finding.title_vi = format!("{}: {}", finding.title_vi, named(element));
            finding.title_en = format!("{}: {}", finding.title_en, last(element));
        }
        finding
    }
}

/// The path without the wrappers that every packet has.
fn short(finding: &Finding) -> &str {
    let mut rest = finding.element.as_deref().unwrap_or_default();
    for wrapper in ["edXML/", "edXMLEnvelope/", "edXMLHeader/", "edXMLBody/"] {
        rest = rest.strip_prefix(wrapper).unwrap_or(rest);
    }
    rest
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// One path leads to the other: who misses `From/OrganId` may miss `From`.
fn related(one: &str, other: &str) -> bool {
    let leads =
        |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    leads(one, other) || leads(other, one)
}

#[cfg(test)]
mod tests;
