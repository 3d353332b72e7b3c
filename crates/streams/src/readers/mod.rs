//! Many readers on one flow: whose turn it is, and what there is to hand out.

mod flow;
mod schedule;
mod skip;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use kpthin_client::{CallError, Client, FlowKind};

use self::schedule::Schedule;
use crate::{
    engine::{self, Engine, Run},
    error::StreamError,
    reader::{Delivery, ReaderState},
    wait::{Waiters, wake},
};

/// What one reader hands out.
pub(crate) type Next<K> = (K, Result<Delivery, StreamError>);

/// What names a reader.
pub(crate) trait Key: Clone + Ord + Send + 'static {}

impl<K: Clone + Ord + Send + 'static> Key for K {}

/// What the handles and the flow share.
struct Inner<K> {
    schedule: Schedule<K>,
    engine: Engine,
    waiters: Waiters,
    /// Somebody waits: unwritten boxes are worth asking for.
    wanted: bool,
    /// No handle is left.
    abandoned: bool,
}

struct Shared<K>(Mutex<Inner<K>>);

impl<K> Shared<K> {
    /// Also after a panic: every change under the lock is complete or was not begun.
    fn lock(&self) -> MutexGuard<'_, Inner<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the flow that nobody waits any more.
struct Handle<K>(Arc<Shared<K>>);

impl<K> Drop for Handle<K> {
    fn drop(&mut self) {
        let waker = {
            let mut inner = self.0.lock();
            inner.abandoned = true;
            inner.engine.news()
        };
        wake(waker);
    }
}

/// A set of readers.
pub(crate) struct Readers<K> {
    client: Client,
    handle: Arc<Handle<K>>,
}

impl<K> Clone for Readers<K> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), handle: self.handle.clone() }
    }
}

impl<K: Key> Readers<K> {
    pub(crate) fn new(client: &Client) -> Self {
        let inner = Inner {
            schedule: Schedule::default(),
            engine: Engine::default(),
            waiters: Waiters::default(),
            wanted: false,
            abandoned: false,
        };
        let shared = Arc::new(Shared(Mutex::new(inner)));
        Self { client: client.clone(), handle: Arc::new(Handle(shared)) }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    fn shared(&self) -> &Arc<Shared<K>> {
        &self.handle.0
    }

    /// Changes something, and has the flow look at it.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Schedule<K>) -> T) -> T {
        let (result, waker) = {
            let mut inner = self.shared().lock();
            let result = change(&mut inner.schedule);
            (result, inner.engine.news())
        };
        wake(waker);
        result
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&Schedule<K>) -> T) -> T {
        look(&self.shared().lock().schedule)
    }

    pub(crate) fn state(&self, key: &K) -> Option<ReaderState> {
        self.look(|schedule| schedule.lookahead(key)?.state())
    }

    pub(crate) fn trouble(&self, key: &K) -> Option<CallError> {
        self.look(|schedule| schedule.lookahead(key)?.trouble().cloned())
    }

    /// Hands out what is next, of whichever reader, and has the flow run meanwhile.
    ///
    /// The error outside is that of all readers: nothing can be asked any more.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Result<Next<K>, StreamError>> {
        let (next, start, waker) = {
            let mut inner = self.shared().lock();
            let next = inner.schedule.take();
            inner.wanted = next.is_none();
            let start = if next.is_none() {
                inner.waiters.add(cx);
                inner.engine.start()
            } else {
                None
            };
            (next, start, inner.engine.news())
        };
        wake(waker);
        if let Some(run) = start {
            self.spawn(run)?;
        }
        next.map_or(Poll::Pending, |next| Poll::Ready(Ok(next)))
    }

    fn spawn(&self, run: Run) -> Result<(), CallError> {
        let shared = self.shared().clone();
        let spawned =
            engine::spawn(&self.client, FlowKind::Standing, |client| flow::run(client, shared, run));
        if spawned.is_err() {
            let _ = self.shared().lock().engine.end(run);
        }
        spawned
    }
}

impl<K> fmt::Debug for Readers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readers(..)")
    }
}
