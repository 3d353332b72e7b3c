//! How a thread tells the driver that there is news.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Waker},
};

/// Wakes whoever listened last; also when one of its clones is dropped, for a thread's end is news.
#[derive(Clone, Default)]
pub(crate) struct Wakeup(Arc<Mutex<Option<Waker>>>);

impl Wakeup {
    /// To be called before looking for news, so that none is missed.
    pub(crate) fn listen(&self, cx: &Context<'_>) {
        let stale = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(cx.waker().clone());
        drop(stale);
    }

    pub(crate) fn wake(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Wakeup {
    fn drop(&mut self) {
        self.wake();
    }
}
