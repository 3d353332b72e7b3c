//! The driver's part in flows: it alone polls and drops their futures, without the lock.

use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Waker},
};

use kpthin_core::error::{CloseReason, Fate};

use crate::{
    flow::{Body, End, FlowId, FlowWaker},
    shared::Shared,
};

/// The futures of all flows, each with the waker that is its own.
#[derive(Default)]
pub(super) struct Polling(BTreeMap<FlowId, (Box<dyn Body>, Waker)>);

impl Polling {
    /// Does what there is to do once; tells whether there was anything.
    pub(super) fn poll(&mut self, shared: &Arc<Shared>, wakers: &mut Vec<Waker>) -> bool {
        let work = {
            let mut state = shared.lock();
            state.flows.take_work()
        };
        if work.is_empty() {
            return false;
        }
        for (id, body) in work.spawned {
            let waker = FlowWaker::waker(shared, id);
            self.0.insert(id, (body, waker));
        }
        for (id, end) in work.doomed {
            if let Some((body, _)) = self.0.get_mut(&id) {
                body.drop_future();
            }
            ended(shared, id, end);
        }
        for id in work.woken {
            if let Some((body, waker)) = self.0.get_mut(&id)
                && body.poll(&mut Context::from_waker(waker)).is_ready()
            {
                ended(shared, id, End::Finished);
            }
        }
        for (id, end, worst) in work.settled {
            if let Some((mut body, _)) = self.0.remove(&id) {
                wakers.extend(body.complete(end, worst));
            }
        }
        true
    }

    /// Drops all futures and ends their calls.
    pub(super) fn finish(&mut self, shared: &Arc<Shared>, reason: CloseReason, wakers: &mut Vec<Waker>) {
        let (spawned, worst) = shared.lock().flows.abandon();
        let polled = std::mem::take(&mut self.0).into_iter().map(|(id, (body, _))| (id, body));
        for (id, mut body) in polled.chain(spawned) {
            body.drop_future();
            let worst = worst.get(&id).copied().unwrap_or(Fate::MaybeExecuted);
            wakers.extend(body.complete(End::Closed(reason), worst));
        }
    }
}

/// Notes that a flow's future is gone, and takes its deadline away.
fn ended(shared: &Shared, id: FlowId, end: End) {
    let mut state = shared.lock();
    state.flows.ended(id, end);
    if let Some(timer) = state.flows.take_deadline(id) {
        state.machines.main.cancel_timer(timer);
        // A deadline holds no waker, so it may go under the lock.
        state.timers.remove(&timer);
    }
}
