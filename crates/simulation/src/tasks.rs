//! What runs in a simulation: futures that are polled when they were woken, in a fixed order.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

/// Whether a task is to be polled.
pub(crate) struct Flag(AtomicBool);

impl Flag {
    /// A flag that is set, and the waker that sets it again.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let flag = Arc::new(Self(AtomicBool::new(true)));
        (flag.clone(), flag.into())
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

struct Task {
    future: Boxed,
    flag: Arc<Flag>,
    waker: Waker,
}

#[derive(Default)]
pub(crate) struct Tasks {
    running: RefCell<Vec<Task>>,
    /// Those that came while the others were polled.
    spawned: RefCell<Vec<Task>>,
}

impl Tasks {
    pub(crate) fn spawn(&self, future: Boxed) {
        let (flag, waker) = Flag::new();
        self.spawned.borrow_mut().push(Task { future, flag, waker });
    }

    /// Polls once what was woken; tells whether there was anything.
    pub(crate) fn poll(&self) -> bool {
        let mut running = self.running.borrow_mut();
        running.append(&mut self.spawned.borrow_mut());
        let mut polled = false;
        running.retain_mut(|task| {
            if !task.flag.take() {
                return true;
            }
            polled = true;
            task.future.as_mut().poll(&mut Context::from_waker(&task.waker)).is_pending()
        });
        polled
    }
}
