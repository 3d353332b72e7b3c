//! The link: dialling, the handshake, how it ends, and what becomes of calls then.

use alloc::{string::String, sync::Arc};
use core::time::Duration;

use super::{
    Budget, CallId, DisconnectCause, DisconnectMode, Event, HandshakeStep, LinkError, LinkId, LinkStatus,
    Machine, Output,
    cancels::{CancelFrame, Start},
    commands::cancelled,
    locals::Target,
    replay::{Replay, SessionFate, decide},
    seed::Purpose,
    slots::{Key, Owner, Stage},
    waits::{BACKOFF, BACKOFF_AFTER_DAEMON, BACKOFF_MAX, HEALTHY},
};
use crate::{
    Instant,
    error::{CallError, Fate},
    wire::SessionTokenReply,
};

/// Whether the session token was written on this link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Unsent,
    Sent,
}

/// Whether the close can still be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// It will be, unless the daemon takes nothing until then.
    Due { at_latest: Instant },
    /// It was, or must not be; the link is being cut.
    Said,
}

/// Whether what still arrives on a link that is being ended can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ears {
    Open,
    Shut,
}

/// The link and what holds in its phase.
///
/// ```text
///            Connect            connected        status, document        token reply
///   Down ───────────> Connecting ───────> Greeting ───────> Presenting ───────> Up
///    ^                    │ failed            │                  │              │
///    └────────────────────┴───────────────────┴──────────────────┴── ended <── Ending
///
///   close: from Up by way of Closing, from everywhere else at once ──> Closed
/// ```
#[derive(Clone, Debug)]
pub(super) enum Link {
    Closed,
    Closing {
        link: LinkId,
        goodbye: Goodbye,
    },
    Connecting {
        link: LinkId,
    },
    Down {
        retry_at: Instant,
    },
    /// This side ends the link, and waits for its driver to say that it is gone.
    Ending {
        link: LinkId,
        cause: LinkError,
        ears: Ears,
        presented: Token,
    },
    Greeting {
        link: LinkId,
        step: HandshakeStep,
        since: Instant,
    },
    Presenting {
        link: LinkId,
        token: Token,
        since: Instant,
    },
    Up {
        link: LinkId,
        since: Instant,
        last_reply: Option<Instant>,
    },
}

impl Link {
    pub(super) const fn status(&self) -> LinkStatus {
        match self {
            Self::Closed | Self::Closing { .. } => LinkStatus::Closed,
            Self::Connecting { .. } => LinkStatus::Connecting,
            Self::Down { .. } | Self::Ending { .. } => LinkStatus::Down,
            Self::Greeting { .. } | Self::Presenting { .. } => LinkStatus::Handshake,
            Self::Up { .. } => LinkStatus::Up,
        }
    }

    /// The link that input may come from, or that is being dialled.
    pub(super) const fn id(&self) -> Option<LinkId> {
        match self {
            Self::Closed | Self::Down { .. } => None,
            Self::Closing { link, .. }
            | Self::Connecting { link }
            | Self::Ending { link, .. }
            | Self::Greeting { link, .. }
            | Self::Presenting { link, .. }
            | Self::Up { link, .. } => Some(*link),
        }
    }

    pub(super) const fn is_up(&self) -> bool {
        matches!(self, Self::Up { .. })
    }

    /// Whether frames of this link are still worth reading.
    pub(super) fn hears(&self, from: LinkId) -> bool {
        let listening = match self {
            Self::Ending { ears, .. } => *ears == Ears::Open,
            Self::Greeting { .. } | Self::Presenting { .. } | Self::Up { .. } => true,
            Self::Closed | Self::Closing { .. } | Self::Connecting { .. } | Self::Down { .. } => false,
        };
        listening && self.id() == Some(from)
    }

    pub(super) const fn last_reply(&self) -> Option<Instant> {
        if let Self::Up { last_reply, .. } = self { *last_reply } else { None }
    }

    /// How far the handshake has come, and when its present wait began.
    pub(super) const fn handshake(&self) -> Option<(HandshakeStep, Instant)> {
        match self {
            Self::Greeting { step, since, .. } => Some((*step, *since)),
            Self::Presenting { since, .. } => Some((HandshakeStep::Session, *since)),
            Self::Closed
            | Self::Closing { .. }
            | Self::Connecting { .. }
            | Self::Down { .. }
            | Self::Ending { .. }
            | Self::Up { .. } => None,
        }
    }

    /// Whether the session token was written on this link.
    pub(super) const fn presented(&self) -> Token {
        match self {
            Self::Presenting { token, .. } => *token,
            Self::Ending { presented, .. } => *presented,
            Self::Closing { .. } | Self::Up { .. } => Token::Sent,
            Self::Closed | Self::Connecting { .. } | Self::Down { .. } | Self::Greeting { .. } => {
                Token::Unsent
            }
        }
    }
}

impl Machine {
    pub(super) fn connect(&mut self) {
        let link = LinkId(self.mint());
        self.link = Link::Connecting { link };
        self.outputs.push_back(Output::Connect(link));
    }

    /// Says that the dial asked for by [`Output::Connect`] has succeeded.
    pub fn handle_connected(&mut self, now: Instant, link: LinkId) {
        self.advance(now);
        if matches!(self.link, Link::Connecting { link: dialled } if dialled == link) {
            self.budget = Budget::new(self.now);
            self.buffer.clear();
            self.link = Link::Greeting { link, step: HandshakeStep::Status, since: self.now };
        }
    }

    /// Says that the dial has failed; `cause` is the text for people.
    pub fn handle_connect_failed(&mut self, now: Instant, link: LinkId, cause: &str) {
        self.advance(now);
        if matches!(self.link, Link::Connecting { link: dialled } if dialled == link) {
            self.down(LinkError::Connect(Arc::from(cause)), BACKOFF);
        }
    }

    /// Says that a link is gone: by itself, or because [`Output::Disconnect`] asked for it.
    pub fn handle_disconnected(&mut self, now: Instant, link: LinkId, cause: DisconnectCause) {
        self.advance(now);
        if self.link.id() != Some(link) {
            return;
        }
        let handshake = self.link.handshake();
        let farewell = self.farewell == Some(link);
        if self.link.is_up() && !farewell && cause.daemon_noticed() {
            self.judge(link);
        }
        if self.link.presented() == Token::Sent {
            self.session.link_ended(&cause, &self.seed);
        }
        if matches!(self.link, Link::Closing { .. }) {
            return self.closed();
        }
        if let Link::Ending { cause, .. } = &self.link {
            return self.down(cause.clone(), BACKOFF);
        }
        let pause = if cause.daemon_noticed() { BACKOFF_AFTER_DAEMON } else { BACKOFF };
        let why = match handshake {
            _ if farewell => LinkError::Shutdown,
            Some((step, _)) => LinkError::Handshake { step, cause },
            None => LinkError::Ended(cause),
        };
        self.down(why, pause);
    }

    /// Ends the link from this side, and lets it drain.
    pub(super) fn end_link(&mut self, cause: LinkError, ears: Ears) {
        let Some(link) = self.link.id() else { return };
        self.outputs.push_back(Output::Disconnect(link, DisconnectMode::Drain));
        self.run_clocks(false);
        self.note_health();
        self.link = Link::Ending { link, cause, ears, presented: self.link.presented() };
    }

    /// The same for a handshake that can't go on.
    pub(super) fn refuse_handshake(&mut self, step: HandshakeStep, problem: String) {
        self.end_link(LinkError::HandshakeRefused { step, problem }, Ears::Shut);
    }

    /// There is no link any more: settles what belonged to it and waits before the next attempt.
    fn down(&mut self, cause: LinkError, pause: Duration) {
        self.note_health();
        let retry_in = self.backoff(pause);
        self.run_clocks(false);
        self.buffer.clear();
        self.lanes.link_ended();
        self.suspects.link_ended();
        self.link = Link::Down { retry_at: self.now + retry_in };
        self.settle_cancels();
        self.settle_abandoned();
        self.event(Event::LinkDown { cause, retry_in: Some(retry_in) });
    }

    /// A link that lasted ends a row of failures.
    fn note_health(&mut self) {
        if let Link::Up { since, .. } = self.link
            && self.now.saturating_since(since) >= HEALTHY
        {
            self.failures = 0;
        }
    }

    /// The pause before the next attempt: doubled with every failure in a row, +-20 %.
    fn backoff(&mut self, pause: Duration) -> Duration {
        let doubled = pause.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let counter = self.mint();
        let [random] = self.seed.derive(Purpose::Jitter, counter);
        doubled.mul_f64(0.8 + 0.4 * f64::from(random) / 255.0)
    }

    /// Explicit cancels are answered by the end of the link; their frames follow on the next one
    /// if a start of that key was written.
    fn settle_cancels(&mut self) {
        let mut callers = self.cancels.link_ended();
        for target in self.locals.link_ended() {
            let Target::Cancel(frame) = target else { continue };
            callers.extend(frame.caller);
            if frame.start == Start::Written {
                self.cancels.push(CancelFrame::of(frame.key));
            }
        }
        for call in callers {
            let Some(slot) = self.remove(call) else { continue };
            if let (Owner::Caller, Some(key)) = (slot.owner(), slot.request.as_deref().and_then(Key::of)) {
                self.complete(call, Ok(cancelled(key)));
            }
        }
    }

    /// Abandoned calls end with their link; operations among them have their cancel sent again.
    fn settle_abandoned(&mut self) {
        for call in self.slots.ids() {
            match self.slots.get(call) {
                Some(slot) if slot.owner() == Owner::Abandoned => {
                    if let Some(key) = slot.key {
                        self.cancels.push(CancelFrame::of(key));
                    }
                    let _was = self.remove(call);
                }
                // Its key is free now.
                Some(slot) if slot.stage() == Stage::Held => self.enqueue(call),
                Some(_) | None => {}
            }
        }
    }

    /// Lets a call wait for its turn.
    pub(super) fn enqueue(&mut self, call: CallId) {
        let suspect = self.is_suspect(call);
        self.slots.set_stage(call, Stage::Queued);
        let Some(slot) = self.slots.get(call) else { return };
        let (queue, order) = (slot.queue, slot.order);
        self.lanes.remove(queue, order);
        if suspect {
            self.lanes.push_suspect(queue, order, call);
        } else {
            self.lanes.push(queue, order, call);
        }
    }

    /// The handshake is complete: decides about every call, and lets requests go out.
    pub(super) fn up(&mut self, reply: &SessionTokenReply) {
        let (Link::Presenting { link, .. }, Some(instance)) = (&self.link, self.peer.instance) else {
            return;
        };
        self.link = Link::Up { link: *link, since: self.now, last_reply: None };
        let opened = self.session.opened(instance, reply.resumed);
        self.run_clocks(true);
        let (replayed, failed) = self.replay(opened.fate);
        self.event(Event::LinkUp);
        if opened.again {
            self.event(Event::Reconnected {
                same_daemon: opened.same_daemon,
                resumed: opened.fate == SessionFate::Resumed,
                replayed,
                failed,
            });
        }
    }

    fn replay(&mut self, session: SessionFate) -> (usize, usize) {
        let (mut replayed, mut failed) = (0, 0);
        for call in self.slots.ids() {
            let Some(slot) = self.slots.get(call) else { continue };
            match decide(slot.class(), slot.writings > 0, session) {
                Replay::Send | Replay::KeepWaiting => continue,
                Replay::SendAgain => self.enqueue(call),
                Replay::CancelThenStart => self.start_again(call),
                Replay::Fail => {
                    failed += 1;
                    self.complete(call, Err(CallError::LinkLost(Fate::MaybeExecuted)));
                    let _was = self.remove(call);
                    continue;
                }
            }
            replayed += 1;
        }
        (replayed, failed)
    }

    /// Has an operation cancelled once by its key, and started again under a new id.
    pub(super) fn start_again(&mut self, call: CallId) {
        self.slots.assign_query(call, None);
        if let Some(key) = self.slots.get(call).and_then(|slot| slot.key) {
            self.cancels.push(CancelFrame::of(key));
        }
        self.enqueue(call);
    }

    /// Lets the clocks that need a link run or stand.
    pub(super) fn run_clocks(&mut self, up: bool) {
        self.up_clock.run(self.now, up);
        self.connected_clock.run(self.now, up && self.peer.mixnet);
    }
}

#[cfg(any(test, feature = "testing"))]
impl LinkId {
    pub(super) fn tell(self, to: &mut crate::testing::Fingerprint) {
        to.name(&[&b"link"[..], &self.0.to_be_bytes()].concat());
    }
}

#[cfg(any(test, feature = "testing"))]
impl Link {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.option(self.id(), |to, link| link.tell(to));
        to.tag(&alloc::format!("{:?} {:?}", self.status(), self.presented()));
        match self {
            Self::Closed | Self::Connecting { .. } => {}
            Self::Closing { goodbye: Goodbye::Due { at_latest }, .. } => to.time(*at_latest),
            Self::Closing { goodbye: Goodbye::Said, .. } => to.tag("said"),
            // How long the pause is follows from the failures, but for its jitter.
            Self::Down { retry_at } => to.age(*retry_at, Duration::from_nanos(1)),
            Self::Ending { cause, ears, .. } => to.tag(&alloc::format!("{cause} {ears:?}")),
            Self::Greeting { step, since, .. } => {
                to.tag(&alloc::format!("{step:?}"));
                to.time(*since);
            }
            Self::Presenting { since, .. } => to.time(*since),
            Self::Up { since, last_reply, .. } => {
                to.age(*since, HEALTHY);
                to.option(*last_reply, |to, at| to.age(at, super::waits::SUSPICION));
            }
        }
    }
}
