//! Facts about the machine the server would run on, as plain data that rules are written against.
//!
//! Nothing here judges: each module looks (at files, sockets, limits) and says what it saw, so that a
//! rule is a pure function and its tests build the facts by hand.

pub mod accounts;
pub mod bind;
pub mod limits;
pub mod tls;
