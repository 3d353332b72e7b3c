//! The flow that asks for boxes, for all readers of a set.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use kpthin_client::{Asked, Call, CallError, Client, Instant, Pause};

use super::{
    Key, Shared,
    schedule::{Ask, Ticket},
};
use crate::{engine::Run, wait::wake};

/// Asks until nobody waits and there is nothing to read ahead.
pub(super) async fn run<K: Key>(client: Client, shared: Arc<Shared<K>>, run: Run) -> Result<(), CallError> {
    let end = End { shared: &shared, run };
    let mut work = Work { asks: Vec::new(), pause: None };
    poll_fn(|cx| work.poll(cx, &client, &shared, run)).await;
    drop(end);
    Ok(())
}

/// Notes the end of the flow, also when it is dropped: whoever waits has to learn of it.
struct End<'a, K: Key> {
    shared: &'a Shared<K>,
    run: Run,
}

impl<K: Key> Drop for End<'_, K> {
    fn drop(&mut self) {
        let wakers = {
            let mut inner = self.shared.lock();
            if !inner.engine.end(self.run) {
                return;
            }
            inner.schedule.abandon();
            inner.waiters.take()
        };
        wake(wakers);
    }
}

struct Work<K> {
    asks: Vec<(Ticket<K>, Call<Asked>)>,
    pause: Option<(Instant, Pause)>,
}

impl<K: Key> Work<K> {
    fn poll(&mut self, cx: &mut Context<'_>, client: &Client, shared: &Shared<K>, run: Run) -> Poll<()> {
        loop {
            let now = client.now();
            let mut answers = Vec::new();
            let mut at = 0;
            while let Some((_, call)) = self.asks.get_mut(at) {
                match Pin::new(call).poll(cx) {
                    Poll::Pending => at += 1,
                    Poll::Ready(answer) => answers.push((self.asks.swap_remove(at).0, answer)),
                }
            }

            let mut stale = Vec::new();
            let (asks, wakers, due) = {
                let mut inner = shared.lock();
                for (ticket, answer) in answers {
                    inner.schedule.answer(now, &ticket, answer);
                }
                stale.extend(self.asks.extract_if(.., |(ticket, _)| !inner.schedule.is_current(ticket)));
                stale.iter().for_each(|_| inner.schedule.forget());
                let wakers = if inner.schedule.is_ready() { inner.waiters.take() } else { Vec::new() };
                let wanted = inner.wanted;
                let asks: Vec<_> = std::iter::from_fn(|| inner.schedule.next_ask(now, wanted)).collect();
                let idle = !wanted && asks.is_empty() && self.asks.is_empty();
                if (inner.abandoned || idle) && inner.engine.end(run) {
                    inner.schedule.abandon();
                    return Poll::Ready(());
                }
                inner.engine.sleeps(cx);
                (asks, wakers, inner.schedule.due(now).filter(|_| wanted))
            };
            // Dropping a call cancels it; that and the wakers are not for under the lock.
            drop(stale);
            wake(wakers);
            if !asks.is_empty() {
                self.asks.extend(asks.into_iter().map(|Ask { ticket, read_cap, index }| {
                    let call = client.ask(&read_cap, &index);
                    (ticket, call)
                }));
                continue;
            }
            if crate::engine::sleep(&mut self.pause, cx, client, now, due).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
