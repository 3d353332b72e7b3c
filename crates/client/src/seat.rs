//! Where the driver is: how a command reaches it with as few wakes as possible.

use std::{
    mem,
    task::Waker,
    thread::{self, ThreadId},
};

/// ```text
///              polled                  nothing left to do
/// Unpolled --------------> Polling ------------------------> Parked
///                            ^  |                              |
///                   polled   |  | its turn is over     command |
///                            |  v                              |
///                           Woken <---------- Called <---------+
///                                  lets others go first
/// ```
/// From everywhere: it ends, and has left.
#[derive(Debug, Default)]
enum Stage {
    /// Woken by a command, and not yet running.
    Called,
    /// Ended, or dropped.
    Left,
    /// Waiting for its waker.
    Parked(Waker),
    /// Running; `dirty` if a command came since it last looked.
    Polling { dirty: bool },
    /// Never polled yet.
    #[default]
    Unpolled,
    /// Woken, and not yet running.
    Woken,
}

/// The driver's seat.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    stage: Stage,
    /// Who polled it last.
    thread: Option<ThreadId>,
}

impl Seat {
    /// Notes a command; the waker is to be woken once the lock is released.
    pub(crate) fn touch(&mut self) -> Option<Waker> {
        match &mut self.stage {
            Stage::Polling { dirty } => {
                *dirty = true;
                None
            }
            Stage::Called | Stage::Left | Stage::Unpolled | Stage::Woken => None,
            Stage::Parked(_) => self.replace(Stage::Called),
        }
    }

    /// Whether the driver should let tasks that are ready go first, once after a command woke it.
    ///
    /// What woke one caller has often woken many. If the driver ran right behind the first of them,
    /// it would write every request by itself instead of one batch.
    pub(crate) fn gives_way(&mut self) -> bool {
        let called = matches!(self.stage, Stage::Called);
        if called {
            self.stage = Stage::Woken;
        }
        called
    }

    /// The driver runs on this thread now; the waker is to be dropped once the lock is released.
    pub(crate) fn take(&mut self) -> Option<Waker> {
        self.thread = Some(thread::current().id());
        self.replace(Stage::Polling { dirty: false })
    }

    /// The driver wants to wait; `false` if a command came in between.
    pub(crate) fn park(&mut self, waker: &Waker) -> bool {
        if let Stage::Polling { dirty: dirty @ true } = &mut self.stage {
            *dirty = false;
            return false;
        }
        self.stage = Stage::Parked(waker.clone());
        true
    }

    /// The driver has woken itself.
    pub(crate) fn requeue(&mut self) {
        self.stage = Stage::Woken;
    }

    /// The driver has ended; the waker is to be woken once the lock is released.
    pub(crate) fn leave(&mut self) -> Option<Waker> {
        self.replace(Stage::Left)
    }

    pub(crate) const fn is_left(&self) -> bool {
        matches!(self.stage, Stage::Left)
    }

    /// Whether this thread polled the driver last.
    pub(crate) fn was_here(&self) -> bool {
        self.thread == Some(thread::current().id())
    }

    fn replace(&mut self, stage: Stage) -> Option<Waker> {
        match mem::replace(&mut self.stage, stage) {
            Stage::Parked(waker) => Some(waker),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_commands_wake_a_waiting_driver_once() {
        let mut seat = Seat::default();
        assert!(seat.touch().is_none(), "nobody has polled it yet");
        drop(seat.take());
        assert!(seat.park(Waker::noop()));
        assert!(seat.touch().is_some());
        assert!(seat.touch().is_none());
    }

    #[test]
    fn it_gives_way_once_after_a_command_and_never_after_anything_else() {
        let mut seat = Seat::default();
        assert!(!seat.gives_way());
        drop(seat.take());
        assert!(seat.park(Waker::noop()));
        assert!(!seat.gives_way(), "its transport has woken it");
        assert!(seat.touch().is_some());
        assert!(seat.gives_way());
        assert!(!seat.gives_way());
        drop(seat.take());
        seat.requeue();
        assert!(!seat.gives_way());
    }

    #[test]
    fn a_command_while_it_runs_keeps_it_from_waiting() {
        let mut seat = Seat::default();
        drop(seat.take());
        assert!(seat.touch().is_none());
        assert!(!seat.park(Waker::noop()));
        assert!(seat.park(Waker::noop()), "it has looked again");
    }

    #[test]
    fn the_thread_that_polled_last_is_known() {
        let mut seat = Seat::default();
        assert!(!seat.was_here());
        drop(seat.take());
        assert!(seat.was_here());
        thread::scope(|scope| assert!(!scope.spawn(|| seat.was_here()).join().unwrap()));
    }
}
