//! Writers, readers and inboxes on a simulated daemon, in virtual time.

mod crashes;
mod expiry;
mod inbox;
mod reading;
mod support;
mod timing;
mod writing;
