//! The session token, and what it is known to mean to the daemon.

use super::super::{
    between::{Residue, SessionFate},
    seed::{Purpose, Seed},
};
use crate::wire::{InstanceToken, SessionToken};

/// Whether the daemon can know the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presented {
    /// It was answered, by this daemon process.
    Accepted(InstanceToken),
    /// It is fresh.
    Never,
    /// It was written, but not answered.
    Written,
}

/// This machine's session with the daemon.
#[derive(Clone, Debug)]
pub(super) struct Session {
    token: SessionToken,
    minted: u64,
    presented: Presented,
    /// Whether the daemon may still have the last link on which a token was written.
    is_doubtful: bool,
    /// The daemon process of the last link that was up.
    last_instance: Option<InstanceToken>,
}

/// What the answer to a token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// Whether there was a link before.
    pub(super) again: bool,
    pub(super) same_daemon: bool,
    pub(super) fate: SessionFate,
    /// Whether the daemon may still have the link before this one.
    pub(super) is_doubtful: bool,
}

impl Session {
    pub(super) fn new(seed: &Seed) -> Self {
        Self {
            token: SessionToken::from(seed.derive(Purpose::SessionToken, 0)),
            minted: 1,
            presented: Presented::Never,
            is_doubtful: false,
            last_instance: None,
        }
    }

    /// The token to present.
    pub(super) fn present(&mut self) -> SessionToken {
        if self.presented == Presented::Never {
            self.presented = Presented::Written;
        }
        self.token.clone()
    }

    /// Takes note of the daemon's answer.
    pub(super) fn opened(&mut self, instance: InstanceToken, resumed: bool) -> Opened {
        let ours = self.presented == Presented::Accepted(instance);
        let opened = Opened {
            again: self.last_instance.is_some(),
            same_daemon: self.last_instance == Some(instance),
            fate: if resumed && ours { SessionFate::Resumed } else { SessionFate::Lost },
            is_doubtful: self.is_doubtful,
        };
        self.presented = Presented::Accepted(instance);
        self.last_instance = Some(instance);
        opened
    }

    /// Takes note of the end of a link on which the token was written, `noticed` by the daemon as far as can be seen.
    pub(super) const fn link_ended(&mut self, noticed: bool) {
        self.is_doubtful = !noticed;
    }

    /// Decides whether the next link presents the token again.
    ///
    /// If the daemon has not let go of the link before, the new one would be silenced with it (§3.8). Behind a forwarder that
    /// can't be seen, so it is done only if something is gained by it.
    pub(super) fn settle(&mut self, residue: Residue, seed: &Seed) {
        if self.presented != Presented::Never && (self.is_doubtful || !residue.worth_resuming) {
            self.renew(seed);
        }
    }

    /// Gives the session up.
    pub(super) fn renew(&mut self, seed: &Seed) {
        self.token = SessionToken::from(seed.derive(Purpose::SessionToken, self.minted));
        self.minted += 1;
        self.presented = Presented::Never;
    }
}

#[cfg(any(test, feature = "testing"))]
impl Session {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.name(self.token.as_bytes());
        match self.presented {
            Presented::Accepted(instance) => to.name(instance.as_bytes()),
            Presented::Never => to.tag("never presented"),
            Presented::Written => to.tag("written"),
        }
        to.number(u8::from(self.is_doubtful));
        to.option(self.last_instance, |to, instance| to.name(instance.as_bytes()));
    }
}
