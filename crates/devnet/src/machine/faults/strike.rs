//! When a fault strikes.

use std::time::Duration;

use kpthin_core::Instant;

use super::super::event::Event;
use super::super::{Devnet, Process};
use super::Faults;
use crate::pigeonhole::Entropy;
use crate::pigeonhole::messages::ReplyInnerMessage;
use crate::pigeonhole::replica::Outages;

/// How long a daemon is away that said it stops.
const AWAY: Duration = Duration::from_secs(1);
/// What happens again and again does so no more often, or the daemon would do nothing else.
const PERIOD_MIN: Duration = Duration::from_millis(1);
/// A packet takes no longer than this.
const LATENCY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

impl Devnet {
    /// Has things go wrong from now on; [`Faults::default`] ends that.
    ///
    /// What a fault has done already stays: packets are lost, and connections are cut. A mix network that it took away
    /// comes back.
    pub fn set_faults(&mut self, now: Instant, faults: Faults) {
        self.advance(now);
        let had_document = self.has_document();
        self.faults = faults;
        if self.faults.flapping.is_zero() && std::mem::take(&mut self.flapped_away) {
            self.connect_mixnet(true);
        }
        self.network.replicas.set_outages(Outages {
            down: self.faults.replicas_down.clone(),
            partitioned: self.faults.partitioned.clone(),
            full: self.faults.storage_full.clone(),
        });
        self.plan_disturbances();
        if self.has_document() && !had_document {
            self.publish_first_document();
        }
        self.run();
    }

    /// What goes wrong at present.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Whether a fault that has this share strikes now.
    ///
    /// Draws only where there is a choice, so that a network without faults is the same as ever.
    pub(in super::super) fn strikes(&mut self, share: f64) -> bool {
        let strikes = share > 0.0
            && f64::from(u32::from_le_bytes(self.fault_entropy.draw())) < share * f64::from(u32::MAX);
        self.traffic.faults += u64::from(strikes);
        strikes
    }

    /// Whether a fault that is on or off is on; it then counts as having struck.
    pub(in super::super) const fn strikes_if(&mut self, on: bool) -> bool {
        self.traffic.faults += if on { 1 } else { 0 };
        on
    }

    /// How much longer this packet, or this reply, takes.
    pub(in super::super) fn delay(&mut self) -> Duration {
        let most = self.faults.latency.min(LATENCY_MAX);
        if !self.strikes_if(!most.is_zero()) {
            return Duration::ZERO;
        }
        most.mul_f64(f64::from(u32::from_le_bytes(self.fault_entropy.draw())) / f64::from(u32::MAX))
    }

    /// Damages what a replica answered.
    pub(in super::super) fn damage(&mut self, reply: &mut ReplyInnerMessage) {
        let ReplyInnerMessage::Read(_, sealed) = reply else { return };
        if self.strikes(self.faults.corrupt_box)
            && let Some(byte) = sealed.ciphertext.first_mut()
        {
            *byte ^= 1;
        }
        if self.strikes(self.faults.wrong_signature)
            && let Some(byte) = sealed.signature.first_mut()
        {
            *byte ^= 1;
        }
    }

    pub(in super::super) fn plan_disturbances(&mut self) {
        self.schedule.retain(|event| !matches!(event, Event::Flap | Event::Restart | Event::ShutDown));
        for (every, event) in [
            (self.faults.flapping, Event::Flap),
            (self.faults.restarts, Event::Restart),
            (self.faults.shutdowns, Event::ShutDown),
        ] {
            if !every.is_zero() {
                let _ = self.schedule.add(self.now + every.max(PERIOD_MIN), event);
            }
        }
        // A daemon that is to come back does so, whatever is planned from now on.
        if self.process == Process::Returning {
            let _ = self.schedule.add(self.now + AWAY, Event::Restart);
        }
    }

    pub(in super::super) fn flap(&mut self) {
        let _ = self.strikes_if(true);
        let _ = self.schedule.add(self.now + self.faults.flapping.max(PERIOD_MIN), Event::Flap);
        self.flapped_away = self.mixnet;
        self.connect_mixnet(!self.mixnet);
    }

    /// Starts the daemon anew, unless somebody has shut it down or it has crashed.
    pub(in super::super) fn restart_by_itself(&mut self) {
        if !self.faults.restarts.is_zero() {
            let _ = self.schedule.add(self.now + self.faults.restarts.max(PERIOD_MIN), Event::Restart);
        }
        if matches!(self.process, Process::Returning | Process::Running) {
            let _ = self.strikes_if(true);
            self.start_anew();
        }
    }

    pub(in super::super) fn shut_down_by_itself(&mut self) {
        let _ = self.schedule.add(self.now + self.faults.shutdowns.max(PERIOD_MIN), Event::ShutDown);
        if self.process == Process::Running {
            let _ = self.strikes_if(true);
            self.stop_politely();
            self.process = Process::Returning;
            let _ = self.schedule.add(self.now + AWAY, Event::Restart);
        }
    }

    /// Ends the process at once, as a body of null does to the reference.
    pub(in super::super) fn crash(&mut self) {
        let _ = self.strikes_if(true);
        self.stop();
        self.process = Process::Crashed;
    }
}
