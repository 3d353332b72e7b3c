//! An embedded stand-in for the Katzenpost client daemon, for development and tests; it gives no anonymity.

pub(crate) mod pigeonhole;
