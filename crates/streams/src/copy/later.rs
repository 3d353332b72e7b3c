//! Calls that a daemon can't do yet.

use std::time::Duration;

use kpthin_client::{Call, CallError, Client, DaemonError};

/// The first pause; the next ones are twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a pause lasts at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Refusals after which the last one is reported: about two minutes of pauses.
const REFUSALS_MAX: u32 = 8;

/// Makes a call, and makes it again while the daemon has no document or no keys of replicas.
pub(super) async fn once_possible<T>(client: &Client, call: impl Fn() -> Call<T>) -> Result<T, CallError> {
    let mut pause = PAUSE;
    for _ in 0..REFUSALS_MAX {
        match call().await {
            // Older daemons say 4 to a copy command as well (M3).
            Err(CallError::Unavailable(_) | CallError::Daemon(DaemonError::InternalError)) => {
                client.pause(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            result => return result,
        }
    }
    call().await
}
