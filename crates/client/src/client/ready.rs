//! Waiting for the network.

use kpthin_core::machine::Status;

use super::{Client, steps::next};
use crate::{call::Call, flow::FlowKind};

impl Client {
    /// Waits until a call could reach the mix network: the link is up, the daemon is connected, and
    /// there is a document.
    pub fn wait_until_ready(&self) -> Call<Status> {
        self.flow(FlowKind::Standing, |client| async move { Ok(ready(&client).await) })
    }
}

pub(crate) async fn ready(client: &Client) -> Status {
    loop {
        let changed = client.status_changed();
        let status = client.status();
        if status.is_connected() {
            return status;
        }
        next(changed, &status).await;
    }
}
