//! One entry per call that has not ended on the wire, and how to find it.

use alloc::{boxed::Box, collections::BTreeMap};
use core::time::Duration;

use super::{CallId, LinkId, lanes::Queue};
use crate::{
    Instant,
    error::Fate,
    wire::{AnyRequest, Class, EnvelopeHash, RequestKind, Surb, SurbId, WriteCapHash},
};

/// What an operation is known by at the daemon; one key, one live call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Copy(WriteCapHash),
    Envelope(EnvelopeHash),
}

impl Key {
    /// The key that a request starts, or cancels.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other request has a key")]
    pub(super) fn of(request: &AnyRequest) -> Option<Self> {
        match request {
            AnyRequest::StartResendingEncryptedMessage(start) => Some(Self::Envelope(start.envelope_hash)),
            AnyRequest::CancelResendingEncryptedMessage(cancel) => Some(Self::Envelope(cancel.envelope_hash)),
            AnyRequest::StartResendingCopyCommand(start) => {
                Some(Self::Copy(WriteCapHash::of(&start.write_cap)))
            }
            AnyRequest::CancelResendingCopyCommand(cancel) => Some(Self::Copy(cancel.write_cap_hash)),
            _ => None,
        }
    }
}

/// Who still waits for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The caller has its result; the slot only waits for the daemon's.
    Abandoned,
    Caller,
}

/// How far the request has come.
///
/// ```text
/// Held ──> Queued ──> Written ──> (ended)
///             ^          │  ^
///             │          v  │ a result after all
///             └── Withdrawing
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
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
            Self::Held | Self::Queued => None,
            Self::Withdrawing { link, at } | Self::Written { link, at } => Some((link, at)),
        }
    }

    const fn is_unwritten(self) -> bool {
        matches!(self, Self::Held | Self::Queued)
    }
}

/// Whether a call counts against the limit of outstanding ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A caller's own call, which counts.
    Call,
    /// A step of something that was admitted as a whole, and does not.
    Step,
}

/// What ends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The call ends with the message's reply.
    Reply,
    /// The call ends when the message has left.
    Sent,
}

/// One call that has not ended on the wire.
///
/// Its owner and its stage change by way of [`Slots`], which counts them.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) kind: RequestKind,
    /// `None` once it will not be written again. In a box, because slots are moved within their map
    /// whenever one before them goes.
    pub(super) request: Option<Box<AnyRequest>>,
    pub(super) size: usize,
    pub(super) queue: Queue,
    /// Its turn among those that wait; smaller goes first.
    pub(super) order: u64,
    pub(super) key: Option<Key>,
    origin: Origin,
    owner: Owner,
    stage: Stage,
    pub(super) deadline: Option<Instant>,
    /// The counter in its query id.
    pub(super) query: Option<u64>,
    pub(super) surb: Option<SurbId>,
    pub(super) wanted: Wanted,
    /// Times it was written, on any link.
    pub(super) writings: u32,
    /// Links in a row that ended soon after it was written.
    pub(super) suspicion: u8,
    /// Its place on the agenda of connected time.
    pub(super) due_connected: Option<Duration>,
    /// Its place on the agenda of time with a link.
    pub(super) due_up: Option<Duration>,
}

impl Slot {
    /// A call that waits to be written.
    pub(super) fn new(
        request: AnyRequest,
        size: usize,
        order: u64,
        key: Option<Key>,
        origin: Origin,
    ) -> Self {
        Self {
            kind: request.kind(),
            queue: Queue::of(&request),
            wanted: if matches!(&request, AnyRequest::SendMessage(message) if message.surb == Surb::None) {
                Wanted::Sent
            } else {
                Wanted::Reply
            },
            request: Some(Box::new(request)),
            size,
            order,
            key,
            origin,
            owner: Owner::Caller,
            stage: Stage::Queued,
            deadline: None,
            query: None,
            surb: None,
            writings: 0,
            suspicion: 0,
            due_connected: None,
            due_up: None,
        }
    }

    pub(super) const fn owner(&self) -> Owner {
        self.owner
    }

    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    pub(super) const fn class(&self) -> Class {
        self.kind.class()
    }

    /// What the daemon can have done, as far as this side knows.
    pub(super) const fn fate(&self) -> Fate {
        if self.writings == 0 { Fate::NotSent } else { Fate::MaybeExecuted }
    }
}

/// All slots, with the ids replies find them by.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    slots: BTreeMap<CallId, Slot>,
    queries: BTreeMap<u64, CallId>,
    surbs: BTreeMap<SurbId, CallId>,
    held_bytes: usize,
    abandoned: usize,
    steps: usize,
    unwritten: usize,
}

impl Slots {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many calls count against the limit.
    pub(super) fn counted(&self) -> usize {
        self.slots.len() - self.steps
    }

    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// How many calls have a caller waiting.
    pub(super) fn owned(&self) -> usize {
        self.slots.len() - self.abandoned
    }

    /// How many calls wait to be written.
    pub(super) const fn unwritten(&self) -> usize {
        self.unwritten
    }

    pub(super) fn ids(&self) -> alloc::vec::Vec<CallId> {
        self.slots.keys().copied().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Slot)> {
        self.slots.iter().map(|(call, slot)| (*call, slot))
    }

    pub(super) fn get(&self, call: CallId) -> Option<&Slot> {
        self.slots.get(&call)
    }

    pub(super) fn get_mut(&mut self, call: CallId) -> Option<&mut Slot> {
        self.slots.get_mut(&call)
    }

    pub(super) fn insert(&mut self, call: CallId, slot: Slot) {
        self.held_bytes += slot.size;
        self.unwritten += usize::from(slot.stage.is_unwritten());
        self.steps += usize::from(slot.origin == Origin::Step);
        let _none = self.slots.insert(call, slot);
    }

    pub(super) fn set_stage(&mut self, call: CallId, stage: Stage) {
        if let Some(slot) = self.slots.get_mut(&call) {
            self.unwritten -= usize::from(slot.stage.is_unwritten());
            self.unwritten += usize::from(stage.is_unwritten());
            slot.stage = stage;
        }
    }

    /// Leaves a call that was written without its caller; it will not be written again.
    pub(super) fn disown(&mut self, call: CallId) {
        let Some(slot) = self.slots.get_mut(&call) else { return };
        self.abandoned += usize::from(slot.owner == Owner::Caller);
        slot.owner = Owner::Abandoned;
        if let Stage::Withdrawing { link, at } = slot.stage {
            slot.stage = Stage::Written { link, at };
        }
        self.forget_request(call);
    }

    /// Removes a slot and everything that leads to it.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Slot> {
        let slot = self.slots.remove(&call)?;
        self.held_bytes -= slot.size;
        self.unwritten -= usize::from(slot.stage.is_unwritten());
        self.abandoned -= usize::from(slot.owner == Owner::Abandoned);
        self.steps -= usize::from(slot.origin == Origin::Step);
        self.unlink(slot.query, slot.surb);
        Some(slot)
    }

    /// Frees the request of a call that will not be written again.
    pub(super) fn forget_request(&mut self, call: CallId) {
        if let Some(slot) = self.slots.get_mut(&call) {
            self.held_bytes -= core::mem::take(&mut slot.size);
            slot.request = None;
        }
    }

    /// Gives a call the id its reply will be known by; an older one becomes a stray's.
    pub(super) fn assign_query(&mut self, call: CallId, query: Option<u64>) {
        let Some(slot) = self.slots.get_mut(&call) else { return };
        let old = core::mem::replace(&mut slot.query, query);
        self.unlink(old, None);
        if let Some(query) = query {
            let _none = self.queries.insert(query, call);
        }
    }

    /// The same for a message.
    pub(super) fn assign_surb(&mut self, call: CallId, surb: SurbId) {
        let Some(slot) = self.slots.get_mut(&call) else { return };
        let old = slot.surb.replace(surb);
        self.unlink(None, old);
        let _none = self.surbs.insert(surb, call);
    }

    fn unlink(&mut self, query: Option<u64>, surb: Option<SurbId>) {
        if let Some(query) = query {
            let _was = self.queries.remove(&query);
        }
        if let Some(surb) = surb {
            let _was = self.surbs.remove(&surb);
        }
    }

    pub(super) fn by_query(&self, query: u64) -> Option<CallId> {
        self.queries.get(&query).copied()
    }

    pub(super) fn by_surb(&self, surb: &SurbId) -> Option<CallId> {
        self.surbs.get(surb).copied()
    }
}

#[cfg(any(test, feature = "testing"))]
impl Key {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        match self {
            Self::Copy(hash) => to.name(hash.as_bytes()),
            Self::Envelope(hash) => to.name(hash.as_bytes()),
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Slots {
    pub(super) fn tell(
        &self,
        to: &mut crate::testing::Fingerprint,
        query: impl Fn(u64) -> alloc::vec::Vec<u8>,
    ) {
        to.list(&self.slots, |to, (call, slot)| {
            call.tell(to);
            to.tag(slot.kind.name());
            to.tag(&alloc::format!("{:?} {:?} {:?} {:?}", slot.queue, slot.origin, slot.owner, slot.wanted));
            to.option(slot.request.as_deref(), |to, request| {
                let mut bytes = alloc::vec::Vec::new();
                let fits = crate::wire::encode_request(None, request, &mut bytes);
                to.number(u8::from(fits.is_ok()));
                to.frames(&bytes);
            });
            to.option(slot.key.as_ref(), |to, key| key.tell(to));
            match slot.stage {
                Stage::Held => to.tag("held"),
                Stage::Queued => to.tag("queued"),
                Stage::Withdrawing { .. } => to.tag("withdrawing"),
                Stage::Written { .. } => to.tag("written"),
            }
            to.option(slot.stage.on_link(), |to, (link, at)| {
                link.tell(to);
                to.age(at, super::limits::POLLING_TURN);
            });
            to.option(slot.deadline, crate::testing::Fingerprint::time);
            to.option(slot.query, |to, counter| to.name(&query(counter)));
            to.option(slot.surb, |to, surb| to.name(surb.as_bytes()));
            // Only whether it was written once, or more often, makes a difference.
            to.number(slot.writings.min(2));
            to.number(slot.suspicion);
            to.number(u8::from(slot.due_connected.is_some()));
            to.number(u8::from(slot.due_up.is_some()));
        });
    }
}
