//! Encoding, as late as possible.

use alloc::vec::Vec;

use super::{
    CallId, LinkId, Machine,
    limits::HIGH_WATER_MARK,
    links::{Goodbye, Link, Token},
    locals::Target,
    seed::Purpose,
    slots::Stage,
    waits::{RENEWAL, UNSENT},
};
use crate::{
    Instant,
    error::CallError,
    frame::BODY_LEN_MAX,
    wire::{
        AnyRequest, Class, FrameTooLarge, PresentSessionToken, QueryId, Surb, SurbId, ThinClose,
        encode_request,
    },
};

impl Machine {
    /// Appends to `out` what may be written on `link` now, until it holds
    /// [`HIGH_WATER_MARK`] bytes; the last frame may reach over it.
    ///
    /// What is appended counts as written. `out` belongs to the link and must be discarded with
    /// it. Worth calling again whenever `out` has drained below the mark, and after every input,
    /// command and timeout. If it appended anything, drain again.
    pub fn poll_transmit(&mut self, now: Instant, link: LinkId, out: &mut Vec<u8>) {
        self.advance(now);
        if self.link.id() != Some(link) {
            return;
        }
        match &mut self.link {
            Link::Presenting { token: token @ Token::Unsent, .. } => {
                *token = Token::Sent;
                let client_instance_token = self.session.present();
                let request = PresentSessionToken { client_instance_token }.into();
                let _fits = encode_request(None, &request, out);
            }
            Link::Closing { goodbye: Goodbye::Due { .. }, .. } => {
                let _fits = encode_request(None, &ThinClose {}.into(), out);
                self.cut(link);
            }
            Link::Up { .. } => while out.len() < HIGH_WATER_MARK && self.write_next(link, out) {},
            Link::Closed
            | Link::Closing { .. }
            | Link::Connecting { .. }
            | Link::Down { .. }
            | Link::Ending { .. }
            | Link::Greeting { .. }
            | Link::Presenting { .. } => {}
        }
    }

    /// Writes one frame; returns whether there may be more.
    fn write_next(&mut self, link: LinkId, out: &mut Vec<u8>) -> bool {
        if let Some(frame) = self.cancels.pop() {
            let query = self.mint();
            let request = frame.request();
            let _fits = encode_request(Some(self.query_id(query)), &request, out);
            self.cancels.written(frame.key, query);
            self.locals.push(query, request.kind(), Target::Cancel(frame), self.now);
            if let Some(caller) = frame.caller {
                self.mark_written(caller, link);
            }
            return true;
        }
        let Some(call) = self.lanes.pop(self.suspects.may_write()) else {
            return false;
        };
        if !self.has_expired(call) {
            self.write_call(call, link, out);
        }
        true
    }

    /// Whether a call's deadline has passed; it is not written, and ends at the next timeout.
    fn has_expired(&self, call: CallId) -> bool {
        let deadline = self.slots.get(call).and_then(|slot| slot.deadline);
        deadline.is_some_and(|deadline| deadline <= self.now)
    }

    fn write_call(&mut self, call: CallId, link: LinkId, out: &mut Vec<u8>) {
        let Some(slot) = self.slots.get(call) else { return };
        let (class, queue) = (slot.class(), slot.queue);
        let query = match (class, slot.query) {
            (Class::Message, _) => None,
            // Sent again after a link was lost, it keeps its id.
            (_, Some(query)) => Some(query),
            (Class::Local | Class::Operation | Class::Session, None) => Some(self.mint()),
        };
        match query {
            Some(_) => self.slots.assign_query(call, query),
            None => self.assign_surb(call),
        }
        if let Err(error) = self.encode_call(call, query, out) {
            return self.finish(call, Err(error));
        }
        self.mark_written(call, link);
        self.lanes.occupy(queue, self.now, call);
        if self.is_suspect(call) {
            self.suspect_written(call);
        }
        match class {
            Class::Local | Class::Session => {
                if let (Some(query), Some(slot)) = (query, self.slots.get(call)) {
                    self.locals.push(query, slot.kind, Target::Call(call), self.now);
                }
            }
            Class::Operation => self.schedule_connected(call, RENEWAL),
            Class::Message => {
                // It is never sent twice, so nobody needs its content any more.
                self.slots.forget_request(call);
                self.schedule_connected(call, UNSENT);
            }
        }
    }

    fn encode_call(&self, call: CallId, query: Option<u64>, out: &mut Vec<u8>) -> Result<(), CallError> {
        let Some(request) = self.slots.get(call).and_then(|slot| slot.request.as_deref()) else {
            return Ok(());
        };
        encode_request(query.map(|query| self.query_id(query)), request, out)
            .map_err(|FrameTooLarge { len }| CallError::TooLarge { len, max: BODY_LEN_MAX })
    }

    /// Gives a message the SURB it is always sent with.
    fn assign_surb(&mut self, call: CallId) {
        let counter = self.mint();
        let surb = SurbId::from(self.seed.derive(Purpose::SurbId, counter));
        self.slots.assign_surb(call, surb);
        if let Some(AnyRequest::SendMessage(message)) =
            self.slots.get_mut(call).and_then(|slot| slot.request.as_deref_mut())
        {
            message.surb = Surb::Named(surb);
        }
    }

    fn mark_written(&mut self, call: CallId, link: LinkId) {
        self.slots.set_stage(call, Stage::Written { link, at: self.now });
        if let Some(slot) = self.slots.get_mut(call) {
            slot.writings = slot.writings.saturating_add(1);
        }
    }

    /// A query id: this machine's prefix, then a counter.
    pub(super) fn query_id(&self, counter: u64) -> QueryId {
        QueryId::from(((u128::from(self.query_prefix) << 64) | u128::from(counter)).to_be_bytes())
    }
}
