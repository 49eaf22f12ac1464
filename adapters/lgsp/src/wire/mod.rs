//! What stands on the wire, without a wire. Pure.

pub mod answer;
pub mod row;
pub mod token;
