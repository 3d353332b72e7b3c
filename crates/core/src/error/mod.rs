//! How a call can fail, and whose fault it is.
//!
//! [`CallError`] is what callers get. Its [`fate`](CallError::fate) tells whether the daemon can
//! have acted on the request, its [`retry`](CallError::retry) what sense there is in asking again.

mod call;
mod codes;
mod invalid;
mod namespace;
mod told;

pub use call::{CallError, CloseReason, Fate, Retry};
pub use codes::{DaemonError, ReplicaError};
pub use invalid::InvalidRequest;
pub(crate) use namespace::{Ending, ending};
pub(crate) use told::Told;
