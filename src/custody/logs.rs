//! Whose log a key signs for: the hop says so under its certificate, and everything else about its log is verified by
//! that key alone.

use serde::{Deserialize, Serialize};

use lienthong_contract::{HopName, Instant};

use crate::ledger::{Origin, SignatureKind, SigningKey, VerifierKey};
use crate::receipts::jws::{open_statement, sign_statement};
use crate::receipts::{Error, HopKeys, Signer};
use crate::store::ledger::epoch_of;

/// The `typ` of a key statement.
pub const KEY_TYPE: &str = "lienthong-ledger-key+jwt";

/// The longest statement that is read: a certificate and its issuers are most of it.
pub const MAX_STATEMENT_BYTES: usize = 32 * 1024;

/// A hop's word for the key of its log, signed with the key of its receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyStatement {
    /// Version of this form: 1.
    pub v: u8,
    pub hop: HopName,
    /// Name of its log.
    pub origin: String,
    /// The key that signs the log's checkpoints, as a C2SP verifier key.
    pub vkey: String,
    /// The same key as it cosigns other logs' checkpoints.
    pub cosigner: String,
    pub time: Instant,
}

/// What a verified statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    pub hop: HopName,
    pub origin: Origin,
    /// Signs checkpoints.
    pub log: VerifierKey,
    /// Cosigns those of others.
    pub cosigner: VerifierKey,
    pub time: Instant,
}

impl KeyStatement {
    /// Signs the statement of this hop for its key, whose name is the log's.
    ///
    /// # Errors
    /// [`Error::CannotSign`].
    pub fn sign(hop: &HopName, key: &SigningKey, time: Instant, signer: &dyn Signer) -> Result<String, Error> {
        let cannot = |error: crate::ledger::Error| Error::CannotSign(error.to_string());
        let vkey = key.verifier(SignatureKind::Ed25519).map_err(cannot)?;
        let cosigner = key.verifier(SignatureKind::Cosignature).map_err(cannot)?;
        let origin = vkey.name().to_owned();
        let (vkey, cosigner) = (vkey.to_string(), cosigner.to_string());
        sign_statement(KEY_TYPE, &Self { v: 1, hop: hop.clone(), origin, vkey, cosigner, time }, signer)
    }

    /// Reads a statement and verifies that the hop it names signed it, for a log that bears its name.
    ///
    /// # Errors
    /// [`Error`], by the first fault.
    pub fn open(jws: &str, keys: &dyn HopKeys) -> Result<LogKey, Error> {
        if jws.len() > MAX_STATEMENT_BYTES {
            return Err(Error::Malformed("longer than a key statement may be"));
        }
        let said: Self = open_statement(KEY_TYPE, jws, keys, |said: &Self| (said.hop.clone(), said.time))?;
        if said.v != 1 {
            return Err(Error::Malformed("unknown version"));
        }
        if epoch_of(&said.hop, &said.origin).is_none() {
            return Err(Error::Malformed("its log is not called after its hop"));
        }
        let read = |text: &str, kind| {
            let key: VerifierKey = text.parse().ok()?;
            (key.kind() == kind && key.name() == said.origin).then_some(key)
        };
        let log = read(&said.vkey, SignatureKind::Ed25519).ok_or(Error::Malformed("vkey"))?;
        let cosigner = read(&said.cosigner, SignatureKind::Cosignature).ok_or(Error::Malformed("cosigner"))?;
        let origin = said.origin.parse().map_err(|_| Error::Malformed("origin"))?;
        Ok(LogKey { hop: said.hop, origin, log, cosigner, time: said.time })
    }
}
