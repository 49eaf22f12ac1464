//! The verifier and the signer against independent programs (`xmllint`, `xmlsec1`) and against attacks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod hostile;
mod oracle_c14n;
mod oracle_xmlsec;
mod profile;
mod spliced;
mod support;
