//! Secrets that callers show as they are, instead of signing with them.

use lienthong_contract::system::{Secret, System};

/// What is signed to compare two secrets: the texts themselves are never compared.
const PROBE: &[u8] = b"lienthong: the same secret?";

/// Whether this is one of the system's secrets; in a time that tells neither which, nor whether there is such a system.
#[must_use]
pub fn is_shown(system: Option<&System>, shown: &str) -> bool {
    let tag = Secret::new(shown.as_bytes()).sign(PROBE);
    match system {
        Some(system) => !shown.is_empty() && system.signed(PROBE, tag.as_ref()),
        None => {
            let _ = Secret::new(b"nobody's").verifies(PROBE, tag.as_ref());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_of_the_system_counts_and_either_of_two_does() {
        let secrets = ["one", "two"].map(|secret| Secret::new(secret.as_bytes())).to_vec();
        let system = System { id: "s".to_owned(), secrets, agencies: Vec::new(), networks: Vec::new() };
        assert!(is_shown(Some(&system), "one") && is_shown(Some(&system), "two"));
        for wrong in ["", "on", "one ", "ONE", "nobody's"] {
            assert!(!is_shown(Some(&system), wrong), "{wrong}");
        }
        assert!(!is_shown(None, "one") && !is_shown(None, "nobody's"));
    }
}
