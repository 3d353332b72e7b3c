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
enum DriverStage {
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

/// What the driver is doing, so that a command wakes it only if it has to.
#[derive(Debug, Default)]
pub(crate) struct DriverState {
    stage: DriverStage,
    /// Who polled it last.
    thread: Option<ThreadId>,
}

impl DriverState {
    /// Notes a command; the waker is to be woken once the lock is released.
    pub(crate) fn touch(&mut self) -> Option<Waker> {
        match &mut self.stage {
            DriverStage::Polling { dirty } => {
                *dirty = true;
                None
            }
            DriverStage::Called | DriverStage::Left | DriverStage::Unpolled | DriverStage::Woken => None,
            DriverStage::Parked(_) => self.replace(DriverStage::Called),
        }
    }

    /// Whether the driver should let tasks that are ready go first, once after a command woke it.
    ///
    /// What woke one caller has often woken many. If the driver ran right behind the first of them,
    /// it would write every request by itself instead of one batch.
    pub(crate) fn gives_way(&mut self) -> bool {
        let called = matches!(self.stage, DriverStage::Called);
        if called {
            self.stage = DriverStage::Woken;
        }
        called
    }

    /// The driver runs on this thread now; the waker is to be dropped once the lock is released.
    pub(crate) fn take(&mut self) -> Option<Waker> {
        self.thread = Some(thread::current().id());
        self.replace(DriverStage::Polling { dirty: false })
    }

    /// The driver wants to wait; `false` if a command came in between.
    pub(crate) fn park(&mut self, waker: &Waker) -> bool {
        if let DriverStage::Polling { dirty: dirty @ true } = &mut self.stage {
            *dirty = false;
            return false;
        }
        self.stage = DriverStage::Parked(waker.clone());
        true
    }

    /// The driver has woken itself.
    pub(crate) fn requeue(&mut self) {
        self.stage = DriverStage::Woken;
    }

    /// The driver has ended; the waker is to be woken once the lock is released.
    pub(crate) fn leave(&mut self) -> Option<Waker> {
        self.replace(DriverStage::Left)
    }

    pub(crate) const fn is_left(&self) -> bool {
        matches!(self.stage, DriverStage::Left)
    }

    /// Whether this thread polled the driver last.
    pub(crate) fn was_here(&self) -> bool {
        self.thread == Some(thread::current().id())
    }

    fn replace(&mut self, stage: DriverStage) -> Option<Waker> {
        match mem::replace(&mut self.stage, stage) {
            DriverStage::Parked(waker) => Some(waker),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_commands_wake_a_waiting_driver_once() {
        let mut driver = DriverState::default();
        assert!(driver.touch().is_none(), "nobody has polled it yet");
        drop(driver.take());
        assert!(driver.park(Waker::noop()));
        assert!(driver.touch().is_some());
        assert!(driver.touch().is_none());
    }

    #[test]
    fn it_gives_way_once_after_a_command_and_never_after_anything_else() {
        let mut driver = DriverState::default();
        assert!(!driver.gives_way());
        drop(driver.take());
        assert!(driver.park(Waker::noop()));
        assert!(!driver.gives_way(), "its transport has woken it");
        assert!(driver.touch().is_some());
        assert!(driver.gives_way());
        assert!(!driver.gives_way());
        drop(driver.take());
        driver.requeue();
        assert!(!driver.gives_way());
    }

    #[test]
    fn a_command_while_it_runs_keeps_it_from_waiting() {
        let mut driver = DriverState::default();
        drop(driver.take());
        assert!(driver.touch().is_none());
        assert!(!driver.park(Waker::noop()));
        assert!(driver.park(Waker::noop()), "it has looked again");
    }

    #[test]
    fn the_thread_that_polled_last_is_known() {
        let mut driver = DriverState::default();
        assert!(!driver.was_here());
        drop(driver.take());
        assert!(driver.was_here());
        thread::scope(|scope| assert!(!scope.spawn(|| driver.was_here()).join().unwrap()));
    }
}
