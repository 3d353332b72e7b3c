//! One call that has not ended on the wire.

use alloc::{boxed::Box, collections::VecDeque};
use core::time::Duration;

use super::{super::LinkId, key::Key, lanes::Queue};
use crate::{
    Instant,
    error::Fate,
    wire::{AnyRequest, Class, RequestKind, Surb, SurbId},
};

/// How far the request has come.
///
/// ```text
/// Held ──> Queued ──> Written ──> (ended)
///             ^ ^        │ ^ │       ^
///             │ │        v │ └> Abandoned
///             │ └ Withdrawing ───────^
///             └── Fenced <── Written
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The caller has its result; what was written on this link only waits for the daemon's.
    Abandoned { link: LinkId, at: Instant },
    /// An earlier start of it may still be at work, or have left a result. It waits for the answer to its cancel, which
    /// comes behind both, before it is started again.
    Fenced {
        /// The counter in the cancel's query id, once that is written.
        cancel: Option<u64>,
    },
    /// Its key is being cancelled; it must not be written before that is over.
    Held,
    /// It waits in its queue.
    Queued,
    /// It is being taken back, to be written again later.
    Withdrawing { link: LinkId, at: Instant },
    /// It was written on this link and is not answered.
    Written { link: LinkId, at: Instant },
}

impl Stage {
    /// The link the request is outstanding on, and since when.
    pub(super) const fn on_link(self) -> Option<(LinkId, Instant)> {
        match self {
            Self::Fenced { .. } | Self::Held | Self::Queued => None,
            Self::Abandoned { link, at } | Self::Withdrawing { link, at } | Self::Written { link, at } => {
                Some((link, at))
            }
        }
    }

    pub(super) const fn is_unwritten(self) -> bool {
        matches!(self, Self::Fenced { .. } | Self::Held | Self::Queued)
    }

    /// Whether nobody waits for the call any more.
    pub(super) const fn is_abandoned(self) -> bool {
        matches!(self, Self::Abandoned { .. })
    }
}

/// Whether a call counts against the limit of outstanding ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Origin {
    /// A caller's own call, which counts.
    Call,
    /// A step of something that was admitted as a whole, and does not.
    Step,
}

/// What ends a message's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndsWith {
    /// The message's reply.
    Reply,
    /// That the message has left.
    Sent,
}

/// What only calls of one class have.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Answered by the daemon alone.
    Local {
        /// The counter in its query id.
        query: Option<u64>,
        /// Whether a link was replaced already because this was not answered on it.
        was_silent: bool,
    },
    /// Waits for a message of its own in the mix network.
    Message {
        surb: Option<SurbId>,
        ends_with: EndsWith,
        /// Once it has left: its place on the agenda of time with a link.
        left: Option<Duration>,
    },
    /// Sent again and again by the daemon, until it succeeds or is cancelled.
    Operation {
        key: Key,
        /// The counter in its query id.
        query: Option<u64>,
        /// Those of earlier starts, under which a result may still come; the latest at the back.
        retired: VecDeque<u64>,
        /// How often an old cancel of ours ended it, and it was started again for that.
        undone: u8,
        /// The link on which it was renewed last.
        renewed_on: Option<LinkId>,
    },
}

/// One call that has not ended on the wire.
///
/// Its stage and its ids change by way of the table, which counts and finds them.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) request_kind: RequestKind,
    pub(super) kind: Kind,
    /// `None` once it will not be written again. In a box, because calls are moved within their table.
    pub(super) request: Option<Box<AnyRequest>>,
    pub(super) size: usize,
    pub(super) queue: Queue,
    /// Its turn among those that wait; smaller goes first.
    pub(super) order: u64,
    pub(super) origin: Origin,
    pub(super) stage: Stage,
    pub(super) deadline: Option<Instant>,
    /// Times it was written, on any link.
    pub(super) writings: u32,
    /// Links in a row that ended soon after it was written.
    pub(super) suspicion: u8,
    /// Its place on the agenda of connected time.
    pub(super) due_connected: Option<Duration>,
}

impl Call {
    /// A call that waits to be written.
    pub(super) fn new(request: AnyRequest, size: usize, order: u64, origin: Origin) -> Self {
        let queue = Queue::of(&request);
        let kind = match (Key::of(&request), &request) {
            (Some(key), _) if queue != Queue::Cancel => {
                Kind::Operation { key, query: None, retired: VecDeque::new(), undone: 0, renewed_on: None }
            }
            (_, AnyRequest::SendMessage(message)) => {
                let ends_with = if message.surb == Surb::None { EndsWith::Sent } else { EndsWith::Reply };
                Kind::Message { surb: None, ends_with, left: None }
            }
            _ => Kind::Local { query: None, was_silent: false },
        };
        Self {
            request_kind: request.kind(),
            kind,
            queue,
            request: Some(Box::new(request)),
            size,
            order,
            origin,
            stage: Stage::Queued,
            deadline: None,
            writings: 0,
            suspicion: 0,
            due_connected: None,
        }
    }

    pub(super) const fn class(&self) -> Class {
        self.request_kind.class()
    }

    /// What the daemon knows it by, if it is an operation.
    pub(super) const fn key(&self) -> Option<Key> {
        if let Kind::Operation { key, .. } = self.kind { Some(key) } else { None }
    }

    /// The counter in its query id.
    pub(super) const fn query(&self) -> Option<u64> {
        match self.kind {
            Kind::Local { query, .. } | Kind::Operation { query, .. } => query,
            Kind::Message { .. } => None,
        }
    }

    pub(super) const fn surb(&self) -> Option<SurbId> {
        if let Kind::Message { surb, .. } = self.kind { surb } else { None }
    }

    /// Whether it is a message that has left for the mix network.
    pub(super) const fn has_left(&self) -> bool {
        matches!(self.kind, Kind::Message { left: Some(_), .. })
    }

    /// What the daemon can have done, as far as this side knows.
    pub(super) const fn fate(&self) -> Fate {
        if self.writings == 0 { Fate::NotSent } else { Fate::MaybeExecuted }
    }

    /// The link it is outstanding on, and since when.
    pub(super) const fn on_link(&self) -> Option<(LinkId, Instant)> {
        self.stage.on_link()
    }

    /// Whether somebody waits for it.
    pub(super) const fn is_owned(&self) -> bool {
        !self.stage.is_abandoned()
    }
}

#[cfg(any(test, feature = "testing"))]
impl super::super::CallId {
    pub(super) fn tell(self, to: &mut crate::testing::Fingerprint) {
        to.name(&[&b"call"[..], &self.0.to_be_bytes()].concat());
    }
}
