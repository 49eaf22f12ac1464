//! Agency codes as they are written in packets.
//!
//! Two forms circulate side by side: the old one of QCVN 102:2016 (`000.00.01.H27`, four groups, most general last)
//! and the new one of QĐ 20/2020/QĐ-TTg (`H27.01`, most general first, at most 35 characters). Live data also holds
//! shapes that match neither, so a code is a checked *string*; what agency it means is the directory's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

/// The longest code the regulation allows (SĐ1:2022 QCVN 102).
pub const MAX_CODE_CHARS: usize = 35;

/// An agency code in comparable spelling: trimmed, NFC, upper-case. It is known to no directory by itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgencyCode(String);

/// Why a text cannot be an agency code at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotACode {
    #[error("an agency code is empty, or the literal text null")]
    Empty,
    #[error("an agency code has at most {MAX_CODE_CHARS} characters")]
    TooLong,
    #[error("an agency code holds only letters, digits, '.', ':', '-' and '_'")]
    BadCharacter,
}

impl AgencyCode {
    /// Reads a code in any spelling. `null` and the empty text, which defective senders write, are refused.
    ///
    /// # Errors
    /// [`NotACode`], by its first fault.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let code: String = text.trim().nfc().flat_map(char::to_uppercase).collect();
        if code.is_empty() || code == "NULL" {
            return Err(NotACode::Empty);
        }
        if code.chars().count() > MAX_CODE_CHARS {
            return Err(NotACode::TooLong);
        }
        if !code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_')) {
            return Err(NotACode::BadCharacter);
        }
        Ok(Self(code))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when the code has the old form `NNN.NN.NN.LNN` of QCVN 102:2016.
    #[must_use]
    pub fn is_old_form(&self) -> bool {
        let groups: Vec<&str> = self.0.split('.').collect();
        let digits = |group: &str, len: usize| group.len() == len && group.bytes().all(|b| b.is_ascii_digit());
        match groups.as_slice() {
            [four, three, two, one] => digits(four, 3) && digits(three, 2) && digits(two, 2) && is_level_one(one),
            _ => false,
        }
    }

    /// The new form that arithmetic gives for an old-form code: groups reversed, zero groups dropped from the low
    /// end, zero groups in between kept. A code in any other form is returned as it is. The directory's own pairs
    /// come before this rule.
    #[must_use]
    pub fn to_new_form(&self) -> Self {
        if !self.is_old_form() {
            return self.clone();
        }
        let mut groups: Vec<&str> = self.0.split('.').rev().collect();
        while groups.len() > 1 && groups.last().is_some_and(|group| group.bytes().all(|b| b == b'0')) {
            groups.pop();
        }
        Self(groups.join("."))
    }

    /// True when `prefix` is this code or one of its ancestors in the new form: `H27` covers `H27.01`, not `H271`.
    #[must_use]
    pub fn is_under(&self, prefix: &Self) -> bool {
        self.0.strip_prefix(prefix.0.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// A level-1 group: one letter and two digits.
fn is_level_one(group: &str) -> bool {
    matches!(group.as_bytes(), [letter, tens, ones]
        if letter.is_ascii_uppercase() && tens.is_ascii_digit() && ones.is_ascii_digit())
}

impl fmt::Display for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AgencyCode {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        Self::parse(text)
    }
}

impl Serialize for AgencyCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgencyCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_form(text: &str) -> String {
        AgencyCode::parse(text).map(|code| code.to_new_form().to_string()).unwrap_or_default()
    }

    #[test]
    fn old_codes_turn_round_and_keep_their_zeros() {
        for (old, new) in [
            ("000.00.00.G22", "G22"),
            ("000.00.01.H27", "H27.01"),
            ("000.00.13.H53", "H53.13"),
            ("000.05.12.H53", "H53.12.05"),
            ("001.05.12.H53", "H53.12.05.001"),
            ("000.05.00.H53", "H53.00.05"),
            ("H55.242", "H55.242"),
            ("999.010.01.H22", "999.010.01.H22"),
            (" h27.01 ", "H27.01"),
        ] {
            assert_eq!(new_form(old), new, "{old}");
        }
    }

    #[test]
    fn a_prefix_covers_whole_groups_only() {
        let code = |text| AgencyCode::parse(text).ok();
        let under = |a, b| code(a).zip(code(b)).is_some_and(|(a, b)| a.is_under(&b));
        assert!(under("H27.01", "H27"));
        assert!(under("H27", "H27"));
        assert!(!under("H271", "H27"));
        assert!(!under("H27", "H27.01"));
    }

    #[test]
    fn null_and_empty_are_no_codes() {
        assert_eq!(AgencyCode::parse("null"), Err(NotACode::Empty));
        assert_eq!(AgencyCode::parse("  "), Err(NotACode::Empty));
        assert_eq!(AgencyCode::parse(&"A".repeat(36)), Err(NotACode::TooLong));
        assert_eq!(AgencyCode::parse("H27/01"), Err(NotACode::BadCharacter));
    }
}
