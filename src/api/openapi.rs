//! The description of the interface, OpenAPI 3.1.
//!
//! It is written by hand beside the handlers and served as it stands; tests hold it against the routes, the problems
//! and the JSON that the contract's types really become.

/// The document at `/v1/openapi.json`.
pub const DESCRIPTION: &str = include_str!("openapi.json");
