//! Encoding, as late as possible.

use alloc::vec::Vec;
use core::time::Duration;

use super::{
    super::{
        CallId,
        context::Context,
        limits::HIGH_WATER_MARK,
        seed::Purpose,
        waits::{RENEWAL, RENEWAL_DOUBTFUL, UNSENT},
    },
    Calls,
    call::{Kind, Stage},
    locals::Target,
};
use crate::{
    error::CallError,
    frame::BODY_LEN_MAX,
    wire::{
        AnyRequest, CancelResendingEncryptedMessage, Class, EnvelopeHash, FrameTooLarge, QueryId, Surb,
        SurbId, encode_request, encode_short_request,
    },
};

impl Calls {
    /// Appends what may be written now, until `out` holds [`HIGH_WATER_MARK`] bytes.
    pub(in super::super) fn transmit(&mut self, cx: &mut Context, out: &mut Vec<u8>) {
        while out.len() < HIGH_WATER_MARK && self.write_next(cx, out) {}
    }

    /// Writes one frame; returns whether there may be more.
    fn write_next(&mut self, cx: &mut Context, out: &mut Vec<u8>) -> bool {
        if !self.is_open() {
            return false;
        }
        let waited = self.wire.as_ref().is_some_and(|wire| self.waits(wire));
        let more = self.write_frame(cx, out);
        if !waited && let Some(wire) = &mut self.wire {
            // From now on there is something to wait for.
            wire.probe.begin_quiet(cx.now());
        }
        more
    }

    fn write_frame(&mut self, cx: &mut Context, out: &mut Vec<u8>) -> bool {
        if let Some(frame) = self.cancels.pop() {
            let query = self.mint();
            let request = frame.request();
            encode_short_request(Some(self.query_id(query)), &request, out);
            if let Some(wire) = &mut self.wire {
                wire.cancelling.written(frame.key, query);
                wire.locals.push(query, request.kind(), Target::Cancel(frame), cx.now());
            }
            self.fence_written(frame.key, query);
            if let Some(caller) = frame.caller {
                self.mark_written(cx, caller);
            }
            return true;
        }
        if self.write_probe(cx, out) {
            return true;
        }
        let Some(wire) = &self.wire else { return false };
        let Some(id) = self.lanes.pop(&wire.places, wire.suspect.may_write()) else { return false };
        if !self.has_expired(cx, id) {
            self.write_call(cx, id, out);
        }
        true
    }

    /// Asks whether the link still carries anything, if that is in doubt.
    fn write_probe(&mut self, cx: &Context, out: &mut Vec<u8>) -> bool {
        if !self.wire.as_ref().is_some_and(|wire| wire.probe.is_wanted()) {
            return false;
        }
        let query = self.mint();
        let [half, other] =
            [2 * query, 2 * query + 1].map(|counter| self.seed.derive::<16>(Purpose::Probe, counter));
        let mut key = [0; 32];
        key.iter_mut().zip(half.into_iter().chain(other)).for_each(|(to, from)| *to = from);
        let request = CancelResendingEncryptedMessage { envelope_hash: EnvelopeHash::from(key) }.into();
        encode_short_request(Some(self.query_id(query)), &request, out);
        let slowest = self.slowest;
        if let Some(wire) = &mut self.wire {
            wire.probe.written(query, wire.locals.ahead(slowest), cx.now());
            wire.locals.push(query, request.kind(), Target::Probe, cx.now());
        }
        true
    }

    /// Whether a call's deadline has passed; it is not written, and ends at the next timeout.
    fn has_expired(&self, cx: &Context, id: CallId) -> bool {
        let deadline = self.table.get(id).and_then(|call| call.deadline);
        deadline.is_some_and(|deadline| deadline <= cx.now())
    }

    fn write_call(&mut self, cx: &mut Context, id: CallId, out: &mut Vec<u8>) {
        let Some(call) = self.table.get(id) else { return };
        let (class, queue, kind) = (call.class(), call.queue, call.request_kind);
        let query = match (class, call.query()) {
            (Class::Message, _) => None,
            // Sent again after a link was lost, it keeps its id.
            (_, Some(query)) => Some(query),
            (Class::Local | Class::Operation | Class::Session, None) => Some(self.mint()),
        };
        match query {
            Some(query) => self.table.set_query(id, query),
            None => self.assign_surb(id),
        }
        if let Err(error) = self.encode_call(id, query, out) {
            return self.end(cx, id, Err(error));
        }
        self.mark_written(cx, id);
        let is_suspect = self.is_suspect(id);
        if let Some(wire) = &mut self.wire {
            wire.places.occupy(queue, cx.now(), id);
            if is_suspect {
                wire.suspect.written(id, cx.now());
            }
            if let (Class::Local | Class::Session, Some(query)) = (class, query) {
                wire.locals.push(query, kind, Target::Call(id), cx.now());
            }
        }
        match class {
            Class::Local | Class::Session => {}
            Class::Operation => self.schedule_connected(cx, id, self.renewal(id)),
            Class::Message => {
                // It is never sent twice, so nobody needs its content any more.
                self.table.free_request(id);
                self.schedule_connected(cx, id, UNSENT);
            }
        }
    }

    /// How long an operation may be without result before it is renewed.
    ///
    /// Where the daemon may still have the link before, it may also have taken the result away with that one. And a cancel
    /// that it may read yet would end this start, and be answered to the session that is gone.
    fn renewal(&self, id: CallId) -> Duration {
        let (Some(wire), Some(call)) = (&self.wire, self.table.get(id)) else { return RENEWAL };
        match &call.kind {
            Kind::Operation { key, renewed_on, .. }
                if *renewed_on != Some(wire.id)
                    && (wire.is_doubtful || self.unanswered_cancels.contains(key)) =>
            {
                RENEWAL_DOUBTFUL
            }
            Kind::Local { .. } | Kind::Message { .. } | Kind::Operation { .. } => RENEWAL,
        }
    }

    fn encode_call(&self, id: CallId, query: Option<u64>, out: &mut Vec<u8>) -> Result<(), CallError> {
        let Some(request) = self.table.get(id).and_then(|call| call.request.as_deref()) else {
            return Ok(());
        };
        encode_request(query.map(|query| self.query_id(query)), request, out)
            .map_err(|FrameTooLarge { len }| CallError::TooLarge { len, max: BODY_LEN_MAX })
    }

    /// Gives a message the SURB it is always sent with.
    fn assign_surb(&mut self, id: CallId) {
        let counter = self.mint();
        let surb = SurbId::from(self.seed.derive(Purpose::SurbId, counter));
        self.table.set_surb(id, surb);
        if let Some(AnyRequest::SendMessage(message)) =
            self.table.get_mut(id).and_then(|call| call.request.as_deref_mut())
        {
            message.surb = Surb::Named(surb);
        }
    }

    fn mark_written(&mut self, cx: &Context, id: CallId) {
        let Some(link) = self.wire.as_ref().map(|wire| wire.id) else { return };
        self.table.set_stage(id, Stage::Written { link, at: cx.now() });
        if let Some(call) = self.table.get_mut(id) {
            call.writings = call.writings.saturating_add(1);
        }
    }

    /// A query id: this machine's prefix, then a counter.
    pub(super) fn query_id(&self, counter: u64) -> QueryId {
        QueryId::from(((u128::from(self.query_prefix) << 64) | u128::from(counter)).to_be_bytes())
    }

    /// The counter in a query id, if the id is one of this machine's.
    pub(super) fn query_counter(&self, id: &QueryId) -> Option<u64> {
        // Another prefix leaves more than a counter.
        u64::try_from(u128::from_be_bytes(*id.as_bytes()) ^ (u128::from(self.query_prefix) << 64)).ok()
    }
}
