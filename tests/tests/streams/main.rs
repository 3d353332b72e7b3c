//! Writers, readers and inboxes on a simulated daemon, in virtual time.

mod copying;
mod courier;
mod crashes;
mod expiry;
mod faults;
mod inbox;
mod newer;
mod reading;
mod support;
mod timing;
mod vouchers;
mod writing;
