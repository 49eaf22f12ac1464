//! The packet against the XML Schemas of QCVN 102:2016.
//!
//! Receivers of this field accept more than the schema prints, so two of its readings are used: what breaks the
//! *tolerant* one is refused, what breaks only the *strict* one is remarked. An operator who wants the regulation to
//! the letter has the strict one refuse. Only the skeleton is validated; places are those of the whole packet.
//!
//! Failure story: a validator that cannot answer refuses the packet for now, as our fault: nothing counts as checked
//! that was not.

use jiff::civil::Date;
use lienthong_contract::{Finding, Severity};
use lienthong_schemas::findings::UNEXPECTED;
use lienthong_schemas::{Day, PacketKind, Profile, ValidatorPool, error_to_finding, to_finding};

use super::findings::SCHEMA_UNAVAILABLE;
use crate::edxml::Split;

/// Remarks of the strict schema that are told of one packet; the first ones tell the sender what software to mend.
const MAX_REMARKS: usize = 30;

/// What happens to a packet that only a conformant system's schema finds fault with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// Nothing; the strict schema is not asked.
    Tolerant,
    /// It is taken with warnings.
    #[default]
    Advise,
    /// It is refused.
    Strict,
}

/// The compiled schemas and how to use them.
#[derive(Debug, Clone, Copy)]
pub struct Schemas<'a> {
    pub pool: &'a ValidatorPool,
    pub strictness: Strictness,
}

impl Schemas<'_> {
    /// Validates a packet against the schemas in force on a day.
    #[must_use]
    pub fn check(&self, split: &Split, kind: PacketKind, on: Date) -> Vec<Finding> {
        match self.strictness {
            Strictness::Tolerant => self.violations(split, kind, Profile::Tolerant, on),
            Strictness::Strict => self.violations(split, kind, Profile::Strict, on),
            Strictness::Advise => self.advise(split, kind, on),
        }
    }

    /// The strict schema first: a packet it has no fault to find with needs no second look.
    fn advise(&self, split: &Split, kind: PacketKind, on: Date) -> Vec<Finding> {
        let strict = self.violations(split, kind, Profile::Strict, on);
        if strict.is_empty() {
            return strict;
        }
        let mut findings = self.violations(split, kind, Profile::Tolerant, on);
        let told = |remark: &Finding| {
            findings.iter().any(|other| other.line == remark.line && other.element == remark.element)
        };
        // A signature in a status packet is what every signing client writes: nobody is to mend it.
        let usual = |remark: &Finding| {
            kind == PacketKind::Status && remark.code == UNEXPECTED.code && remark.found.as_deref() == Some("Signature")
        };
        let remarks: Vec<Finding> = strict.into_iter().filter(|remark| !told(remark) && !usual(remark)).collect();
        findings.extend(remarks.into_iter().take(MAX_REMARKS).map(|mut remark| {
            remark.severity = Severity::Warning;
            remark.vxp = 0;
            remark
        }));
        findings
    }

    fn violations(&self, split: &Split, kind: PacketKind, profile: Profile, on: Date) -> Vec<Finding> {
        let entry = day(on).and_then(|on| self.pool.catalogue().select(kind, profile, on));
        let Some(entry) = entry else {
            return vec![Finding::of(&SCHEMA_UNAVAILABLE).expected(format!("{kind:?} {profile:?} {on}"))];
        };
        match self.pool.validate(&entry.id, &split.skeleton.bytes) {
            Ok(violations) => {
                let mut places = split.skeleton.places();
                let placed = |violation| {
                    let finding = to_finding(violation, entry);
                    let (line, column) = places.place(violation.offset);
                    finding.at(line, column)
                };
                violations.iter().map(placed).collect()
            }
            Err(error) => {
                let ours = || Finding::of(&SCHEMA_UNAVAILABLE).expected(error.to_string());
                vec![error_to_finding(&error).unwrap_or_else(ours)]
            }
        }
    }
}

fn day(date: Date) -> Option<Day> {
    let number = |part: i8| u8::try_from(part).ok();
    Day::new(u16::try_from(date.year()).ok()?, number(date.month())?, number(date.day())?).ok()
}
