//! Counted shares of a client: the last one that goes begins its end.

use std::{sync::Arc, time::Duration};

use crate::{flow::FlowId, machines::Role, shared::Shared};

/// How long detached calls may go on once the last handle is gone.
const DETACHED_MAX: Duration = Duration::from_secs(30);

/// A counted share of the client: while there is one, the client goes on.
///
/// The handle that a flow gets is not counted, or a flow would keep itself going.
#[derive(Debug)]
pub(crate) struct Handle {
    shared: Arc<Shared>,
    flow: Option<FlowId>,
    /// Where its requests go.
    role: Role,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self::share(shared, None, Role::Main)
    }

    pub(crate) fn of_flow(shared: Arc<Shared>, flow: FlowId) -> Self {
        Self::share(shared, Some(flow), Role::Main)
    }

    fn share(shared: Arc<Shared>, flow: Option<FlowId>, role: Role) -> Self {
        if flow.is_none() {
            shared.add_handle();
        }
        Self { shared, flow, role }
    }

    /// The same share for another of the client's links.
    pub(crate) fn on(&self, role: Role) -> Self {
        Self::share(self.shared.clone(), self.flow, role)
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) const fn flow(&self) -> Option<FlowId> {
        self.flow
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.on(self.role)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.flow.is_none() && self.shared.remove_handle() {
            self.shared.command(|state, now| state.drain(now + DETACHED_MAX));
        }
    }
}
