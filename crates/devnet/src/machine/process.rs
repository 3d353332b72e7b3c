//! The daemon's process, and its way to the mix network (§3.5, §9.8).

use kpthin_core::Instant;
use kpthin_core::wire::InstanceToken;

use super::Devnet;
use super::event::Event;
use crate::pigeonhole::Entropy;

/// Whether the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// It ended without a word.
    Crashed,
    /// It said that it stops, and will be there again by itself.
    Returning,
    Running,
    ShutDown,
}

impl Devnet {
    /// Starts the daemon anew, also after [`shutdown`](Self::shutdown).
    ///
    /// All connections are dropped without a word, and with them sessions and operations; the instance token changes.
    /// The network goes on: boxes, couriers and epochs are kept, and so is whether there is a mixnet.
    pub fn restart(&mut self, now: Instant) {
        self.advance(now);
        self.start_anew();
        self.plan_disturbances();
        self.run();
    }

    pub(super) fn start_anew(&mut self) {
        self.stop();
        self.process = Process::Running;
        self.instance_token = InstanceToken::from(self.entropy.draw::<16>());
        self.await_document();
    }

    /// Stops the daemon: every connection is told and closed, later ones are closed at once (§3.5).
    pub fn shutdown(&mut self, now: Instant) {
        self.advance(now);
        self.stop_politely();
        self.process = Process::ShutDown;
        self.run();
    }

    pub(super) fn stop_politely(&mut self) {
        self.say_goodbye();
        self.process = Process::ShutDown;
        self.forget_sessions();
    }

    /// Whether the daemon runs: it was not [shut down](Self::shutdown) and has not crashed.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self.process, Process::Running)
    }

    /// Whether the daemon has crashed, as the reference does on a body of null.
    ///
    /// Its connections are gone, later ones are closed at once, and [`restart`](Self::restart) starts it again.
    #[must_use]
    pub const fn has_crashed(&self) -> bool {
        matches!(self.process, Process::Crashed)
    }

    /// Connects the daemon to the mix network or cuts it off, and tells the clients.
    ///
    /// While it is cut off, local calls work, mixnet requests wait, and replies under way arrive later. Connecting takes
    /// [`Timing::reconnect`](crate::Timing::reconnect).
    pub fn set_mixnet(&mut self, now: Instant, connected: bool) {
        self.advance(now);
        self.flapped_away = false;
        self.connect_mixnet(connected);
        self.run();
    }

    pub(super) fn connect_mixnet(&mut self, connected: bool) {
        let reconnect = self.config.timing.reconnect;
        if !connected || self.mixnet || reconnect.is_zero() {
            return self.set_mixnet_at_once(connected);
        }
        if self.reconnecting.is_some() {
            return;
        }
        // What was observed, whatever it is good for (§9.10).
        self.broadcast_status();
        self.broadcast_status();
        self.reconnecting = Some(self.schedule.add(self.now + reconnect, Event::MixnetBack));
    }

    pub(super) fn set_mixnet_at_once(&mut self, connected: bool) {
        if let Some(ticket) = self.reconnecting.take() {
            drop(self.schedule.remove(ticket));
        }
        self.mixnet = connected;
        self.broadcast_status();
        if connected {
            for event in std::mem::take(&mut self.held) {
                let _ = self.schedule.add(self.now, event);
            }
        }
    }
}
