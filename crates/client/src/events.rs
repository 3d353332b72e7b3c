//! What happens to the link and the network, for those who want to know.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use kpthin_core::machine::Event;

use crate::{block::block_on, cell::remember, handle::Handle, shared::Shared};

/// Events kept for a subscriber that does not take them; at the limit the oldest goes, and one
/// [`Event::Lagged`] tells how many went.
pub(crate) const EVENTS_KEPT: usize = 256;

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Event>,
    missed: u64,
    waker: Option<Waker>,
}

impl Ring {
    fn push(&mut self, event: Event) {
        if self.events.len() == EVENTS_KEPT {
            self.events.pop_front();
            self.missed += 1;
        }
        self.events.push_back(event);
    }

    fn pop(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.missed) {
            0 => self.events.pop_front(),
            missed => Some(Event::Lagged { missed }),
        }
    }
}

/// All subscribers.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    rings: BTreeMap<u64, Ring>,
    next: u64,
    /// Nothing comes any more.
    ended: bool,
}

impl Subscribers {
    fn subscribe(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        self.rings.insert(id, Ring::default());
        id
    }

    pub(crate) fn emit(&mut self, event: &Event, wakers: &mut Vec<Waker>) {
        if self.ended {
            return;
        }
        for ring in self.rings.values_mut() {
            ring.push(event.clone());
            wakers.extend(ring.waker.take());
        }
    }

    /// Ends all streams behind what they hold.
    pub(crate) fn end(&mut self, wakers: &mut Vec<Waker>) {
        self.ended = true;
        wakers.extend(self.rings.values_mut().filter_map(|ring| ring.waker.take()));
    }
}

/// A subscription to what happens to the link and the network.
///
/// Await [`recv`](Self::recv), use it as a [`Stream`], or iterate over it on a plain thread with
/// [`into_blocking`](Self::into_blocking). It begins with what happens after it was made, and ends
/// when the client is stopped, without waiting for the daemon.
///
/// At most 256 events are kept. A subscriber that does not take them loses the oldest and learns
/// by one [`Event::Lagged`] how many; it never delays a reply.
#[derive(Debug)]
#[must_use = "events that nobody receives are only kept"]
pub struct Events {
    handle: Handle,
    id: u64,
}

impl Events {
    pub(crate) fn new(handle: Handle) -> Self {
        let id = handle.shared().lock().subscribers.subscribe();
        Self { handle, id }
    }

    /// The next event, `None` once the client is stopped.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    pub const fn recv(&mut self) -> Recv<'_> {
        Recv(self)
    }

    /// The events as an iterator for a plain thread.
    ///
    /// It also ends where waiting would hang, as [`Call::wait`](crate::Call::wait) explains.
    pub const fn into_blocking(self) -> BlockingEvents {
        BlockingEvents(self)
    }

    fn poll_recv(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.handle.shared().lock();
        let ended = state.subscribers.ended;
        let Some(ring) = state.subscribers.rings.get_mut(&self.id) else {
            return Poll::Ready(None);
        };
        if let Some(event) = ring.pop() {
            return Poll::Ready(Some(event));
        }
        if ended {
            return Poll::Ready(None);
        }
        let stale = remember(&mut ring.waker, cx);
        drop(state);
        drop(stale);
        Poll::Pending
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let ring = self.handle.shared().lock().subscribers.rings.remove(&self.id);
        drop(ring);
    }
}

/// The future of [`Events::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a>(&'a mut Events);

impl Future for Recv<'_> {
    type Output = Option<Event>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(cx)
    }
}

/// Events on a plain thread, made by [`Events::into_blocking`].
#[derive(Debug)]
#[must_use = "iterators do nothing unless consumed"]
pub struct BlockingEvents(Events);

impl Iterator for BlockingEvents {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let shared = self.0.handle.shared().clone();
        let shared: &Shared = &shared;
        block_on(Some(shared), &mut self.0.recv(), None).ok().flatten()
    }
}
