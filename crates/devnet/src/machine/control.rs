//! What a test does to the daemon, and what faults do to it by themselves.

use kpthin_core::Instant;
use kpthin_core::wire::{AnyResponse, Shutdown};

use super::connections::{Crash, EndReason};
use super::process::{Due, State};
use super::{Devnet, lend, status};
use crate::faults::Faults;
use crate::pigeonhole::replica::Outages;

impl Devnet {
    /// Starts the daemon anew, also after [`shutdown`](Self::shutdown).
    ///
    /// All connections are dropped without a word, and with them sessions and operations; the instance token changes.
    /// The network goes on: boxes, couriers, packets and epochs are kept, and so is whether there is a mixnet.
    pub fn restart(&mut self, now: Instant) {
        self.advance(now);
        self.start_anew();
        self.process.plan_faults(lend!(self));
        self.run();
    }

    fn start_anew(&mut self) {
        self.stop(&EndReason::Restarted);
        self.process.restart(lend!(self));
        self.tell_nobody();
    }

    /// What new connections are told, when there are no others.
    fn tell_nobody(&mut self) {
        let status = status(&self.announced, &self.process, &self.network);
        self.connections.set_status(lend!(self), status, |_, _| false);
        self.announce_document();
    }

    /// Stops the daemon: every connection is told and closed, later ones are closed at once (§3.5).
    pub fn shutdown(&mut self, now: Instant) {
        self.advance(now);
        self.stop_politely();
        self.run();
    }

    fn stop_politely(&mut self) {
        for conn in self.connections.all() {
            self.connections.send(lend!(self), conn, &AnyResponse::Shutdown(Shutdown {}));
            self.connections.leave(conn, EndReason::ShutDown);
        }
        self.process.state = State::ShutDown;
        for app in self.sessions.all() {
            self.forget_session(app);
        }
    }

    /// Forgets everything that dies with the daemon's process.
    fn stop(&mut self, reason: &EndReason) {
        for conn in self.connections.all() {
            self.drop_connection(conn, reason.clone());
        }
        self.sessions.restart();
        self.operations.restart();
    }

    /// Ends the process at once, as some requests do to the reference.
    pub(super) fn crash_on(&mut self, crash: Crash) {
        self.injector.count(true);
        self.stop(&EndReason::Crashed(crash));
        self.process.state = State::Crashed(crash);
    }

    /// Whether the daemon runs: it was not [shut down](Self::shutdown) and has not crashed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// What the daemon has crashed on, if it has, as the reference does on a body of null.
    ///
    /// Its connections are gone, later ones are closed at once, and [`restart`](Self::restart) starts it again.
    #[must_use]
    pub const fn crash(&self) -> Option<Crash> {
        match self.process.state {
            State::Crashed(crash) => Some(crash),
            _ => None,
        }
    }

    /// Connects the daemon to the mix network or cuts it off, and tells the clients.
    ///
    /// While it is cut off, local calls work, mixnet requests wait, and replies under way arrive later. Connecting takes
    /// [`Timing::reconnect`](crate::Timing::reconnect).
    pub fn set_mixnet(&mut self, now: Instant, connected: bool) {
        self.advance(now);
        self.network.set_connected(lend!(self), connected);
        self.run();
    }

    /// Begins the next epoch before its time, with its document.
    pub fn advance_epoch(&mut self, now: Instant) {
        self.advance(now);
        self.network.advance_epoch(self.now);
        self.run();
    }

    /// Has things go wrong from now on; [`Faults::default`] ends that.
    ///
    /// What a fault has done already stays: packets are lost, and connections are cut. A mix network that it took away
    /// comes back.
    pub fn set_faults(&mut self, now: Instant, faults: Faults) {
        self.advance(now);
        let had_document = self.has_document();
        self.network.replicas.set_outages(Outages {
            down: faults.replicas_down.clone(),
            partitioned: faults.partitioned.clone(),
            full: faults.storage_full.clone(),
        });
        self.injector.set(faults);
        if self.injector.faults().flapping.is_zero() {
            self.network.end_flapping(lend!(self));
        }
        self.process.plan_faults(lend!(self));
        if self.has_document() != had_document {
            self.announce_document();
        }
        self.run();
    }

    /// What goes wrong at present.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        self.injector.faults()
    }

    /// Does what is due to the process.
    pub(super) fn handle_process(&mut self, due: Due) {
        match due {
            Due::Crash => {
                if self.process.is_running() {
                    self.crash_on(Crash::MissingSurb);
                }
            }
            Due::Document => self.announce_document(),
            Due::Flap => {
                self.injector.count(true);
                self.network.flap(lend!(self));
            }
            // Unless somebody has shut it down or it has crashed.
            Due::Restart => {
                if matches!(self.process.state, State::Returning | State::Running) {
                    self.injector.count(true);
                    self.start_anew();
                }
            }
            Due::ShutDown => {
                if self.process.is_running() {
                    self.injector.count(true);
                    self.stop_politely();
                    self.process.return_soon(lend!(self));
                }
            }
        }
    }
}
