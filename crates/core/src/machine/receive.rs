//! Every frame that comes, in every phase, and the replies among them.

use alloc::string::ToString;
use core::mem;

use super::{
    CallId, HandshakeStep, LinkError, LinkId, Machine,
    links::{Ears, Link},
    locals::Target,
    slots::{Key, Owner, Stage},
};
use crate::{
    Instant,
    error::{CallError, Ending, ending},
    wire::{AnyReply, AnyResponse, DecodeError, EventKind, FailureDetail, QueryId, ReplyFrame, RequestKind},
};

/// Whether a frame achieved anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Made,
    None,
}

impl Machine {
    /// Hands over bytes received on a link; those of an older link are ignored.
    ///
    /// The bytes may be cut anywhere. Hand over what is readable before
    /// [`handle_timeout`](Self::handle_timeout), so that an answer that is here wins.
    pub fn handle_input(&mut self, now: Instant, link: LinkId, bytes: &[u8]) {
        self.advance(now);
        if !self.link.hears(link) {
            return;
        }
        let mut buffer = mem::take(&mut self.buffer);
        buffer.push(bytes);
        while self.link.hears(link) {
            match buffer.next_frame() {
                Ok(Some(body)) => self.frame(body),
                Ok(None) => break,
                Err(error) => self.drop_link(LinkError::Overlong(error)),
            }
        }
        self.buffer = buffer;
    }

    fn frame(&mut self, body: &[u8]) {
        let progress = match AnyResponse::decode(body) {
            Ok(Some(response)) => self.response(response),
            Ok(None) => Progress::None,
            Err(DecodeError::Cbor(error)) => return self.drop_link(LinkError::BadFrame(error)),
            Err(error @ DecodeError::Member { .. }) => self.undecodable(&error),
        };
        if progress == Progress::None && !self.budget.spend(self.now) {
            self.drop_link(LinkError::Misbehaving);
        }
    }

    /// Ends the link over bytes that can't be followed; what still arrives is not read.
    fn drop_link(&mut self, cause: LinkError) {
        if let Link::Ending { ears, .. } = &mut self.link {
            // It is being ended already, for a reason that came first.
            *ears = Ears::Shut;
        } else {
            self.end_link(cause, Ears::Shut);
        }
    }

    /// A well-formed frame with a member that can't be used fails its call, not the link.
    fn undecodable(&mut self, error: &DecodeError) -> Progress {
        let DecodeError::Member { message, query_id, .. } = error else { return Progress::None };
        if let Some((step, _)) = self.link.handshake()
            && matches!(
                (step, EventKind::from_name(message)),
                (HandshakeStep::Status, Some(EventKind::ConnectionStatus))
                    | (HandshakeStep::Document, Some(EventKind::NewPkiDocument))
                    | (HandshakeStep::Session, Some(EventKind::SessionToken))
            )
        {
            self.refuse_handshake(step, error.to_string());
            return Progress::Made;
        }
        let Some(query) = query_id.as_ref().and_then(|id| self.query_counter(id)) else {
            return Progress::None;
        };
        self.found(query, |_, _| Err(CallError::Undecodable))
    }

    fn response(&mut self, response: AnyResponse) -> Progress {
        match response {
            AnyResponse::ConnectionStatus(status) => self.status_event(status),
            AnyResponse::NewPkiDocument(event) => self.document_event(&event),
            AnyResponse::SessionToken(reply) => self.session_reply(&reply),
            AnyResponse::Shutdown(_) => self.shutdown_event(),
            AnyResponse::MessageSent(event) => self.message_sent(event),
            AnyResponse::MessageReply(event) => self.message_reply(event),
            AnyResponse::MessageIdGarbageCollected(_) => Progress::None,
            AnyResponse::Reply(reply) => self.reply(reply),
        }
    }

    fn reply(&mut self, reply: ReplyFrame) -> Progress {
        if names_courier(&reply) {
            let _changed = self.set_mixnet(true);
        }
        let Some(query) = reply.query_id.as_ref().and_then(|id| self.query_counter(id)) else {
            return Progress::None;
        };
        self.found(query, |kind, replayed| outcome(kind, reply, replayed))
    }

    /// Ends what was asked under `query` with an outcome, which follows from the kind of request
    /// and from whether it was written more than once.
    fn found(
        &mut self,
        query: u64,
        outcome: impl FnOnce(RequestKind, bool) -> Result<AnyReply, CallError>,
    ) -> Progress {
        let target = self.locals.answered(query, self.now);
        if let Some(Target::Cancel(frame)) = target {
            self.note_reply();
            self.cancels.answered(frame.key, query, self.now);
            if let Some(call) = frame.caller {
                self.finish(call, outcome(frame.kind(), false));
            }
            return Progress::Made;
        }
        let Some((call, slot)) =
            self.slots.by_query(query).and_then(|call| Some((call, self.slots.get(call)?)))
        else {
            return Progress::None;
        };
        let (kind, replayed, stage) = (slot.kind, slot.writings > 1, slot.stage());
        self.note_reply();
        match outcome(kind, replayed) {
            Err(CallError::CancelledElsewhere) if matches!(stage, Stage::Withdrawing { .. }) => {
                self.withdrawn(call);
            }
            result => self.finish(call, result),
        }
        Progress::Made
    }

    /// The daemon is done with a call: its caller hears of it, and its slot goes.
    pub(super) fn finish(&mut self, call: CallId, result: Result<AnyReply, CallError>) {
        self.release_place(call);
        if !self.is_abandoned(call) {
            self.complete(call, result);
        }
        let Some(slot) = self.drop_slot(call) else { return };
        if let Some(key) = slot.key {
            self.cancels.clear_live(key, call);
            self.free_key(key, call);
        }
    }

    /// A start that was being cancelled is settled: what its key held back may go.
    pub(super) fn free_key(&mut self, key: Key, start: CallId) {
        if let Some(held) = self.cancels.finish(key, start)
            && self.slots.get(held).is_some_and(|slot| slot.stage() == Stage::Held)
        {
            self.enqueue(held);
        }
    }

    /// Ends an operation's way back: it waits for its turn again, at the end.
    pub(super) fn withdrawn(&mut self, call: CallId) {
        self.release_place(call);
        self.slots.assign_query(call, None);
        let order = self.mint();
        let Some(slot) = self.slots.get_mut(call) else { return };
        slot.order = order;
        self.connected_clock.unschedule(slot.due_connected.take(), call);
        let key = slot.key;
        self.enqueue(call);
        if let Some(key) = key {
            let _itself = self.cancels.finish(key, call);
        }
    }

    /// Gives back the place that an outstanding call holds on this link.
    pub(super) fn release_place(&mut self, call: CallId) {
        let Some(slot) = self.slots.get(call) else { return };
        let Some((link, at)) = slot.stage().on_link() else { return };
        // A message gave its place back at its sent event.
        if self.link.id() == Some(link) && slot.due_up.is_none() {
            self.lanes.release(slot.queue, at, self.now, call);
        }
    }

    pub(super) fn is_abandoned(&self, call: CallId) -> bool {
        self.slots.get(call).is_none_or(|slot| slot.owner() == Owner::Abandoned)
    }

    /// The counter in a query id, if the id is one of this machine's.
    fn query_counter(&self, id: &QueryId) -> Option<u64> {
        // Another prefix leaves more than a counter.
        u64::try_from(u128::from_be_bytes(*id.as_bytes()) ^ (u128::from(self.query_prefix) << 64)).ok()
    }

    pub(super) fn note_reply(&mut self) {
        if let Link::Up { last_reply, .. } = &mut self.link {
            *last_reply = Some(self.now);
        }
    }
}

/// What a reply means for a request of `kind`, `replayed` if it was written more than once.
fn outcome(kind: RequestKind, reply: ReplyFrame, replayed: bool) -> Result<AnyReply, CallError> {
    match reply.result {
        _ if reply.kind != kind => Err(CallError::Undecodable),
        Ok(body) => Ok(body),
        Err(failure) => Err(match ending(kind, &failure, replayed) {
            Ending::Cancelled => CallError::CancelledElsewhere,
            Ending::Failed(error) => error,
        }),
    }
}

/// Whether a reply says that an envelope has reached a courier, or at least been on its way.
fn names_courier(reply: &ReplyFrame) -> bool {
    match &reply.result {
        Ok(AnyReply::StartResendingEncryptedMessage(reply)) => reply.courier_identity_hash.is_some(),
        Ok(_) => false,
        // A cancelled start names its courier without having reached it.
        Err(failure) => {
            failure.error_code != 24
                && matches!(failure.detail, FailureDetail::Courier { courier_identity_hash: Some(_), .. })
        }
    }
}
