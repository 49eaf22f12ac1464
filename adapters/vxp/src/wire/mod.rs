//! What stands on the wire, without a wire: signatures, the form of bodies, times and answers. Pure.
//!
//! Both sides are here: what a server checks, and what a client has to make.

pub mod answer;
pub mod body;
pub mod client;
pub mod fetched;
pub mod hash;
pub mod rows;
pub mod sign;
pub mod stamp;
