//! Listens on the wire and checks what must hold for every conversation.

use std::{collections::BTreeMap, time::Duration};

use kpthin_core::{
    Instant,
    frame::FrameBuffer,
    machine::{LinkId, limits},
    testing::requests,
    wire::{
        AnyRequest, AnyResponse, QueryId, ReplyFrame, RequestFrame, RequestKind, Surb, SurbId, WriteCapHash,
    },
};

/// One request frame that the machine has written.
#[derive(Clone, Debug)]
pub struct Written {
    /// When.
    pub at: Instant,
    /// On which link.
    pub link: LinkId,
    /// The frame.
    pub frame: RequestFrame,
}

/// What a mixnet request is answered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Query(QueryId),
    Surb(SurbId),
}

/// A mixnet request that was written on this link and is not finished.
#[derive(Clone, Copy, Debug)]
struct Pending {
    at: Instant,
    key: Option<[u8; 32]>,
    copy: bool,
    polls: bool,
}

/// After this the machine may have given up an abandoned request's place.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// Everything that passed, and the limits it has to keep.
#[derive(Debug, Default)]
pub struct Tap {
    /// What the machine wrote, in order.
    pub written: Vec<Written>,
    /// What reached the machine, in order.
    pub received: Vec<(Instant, AnyResponse)>,
    times: BTreeMap<Vec<u8>, usize>,
    up: FrameBuffer,
    down: FrameBuffer,
    /// The daemon's bytes made no sense; nothing more can be told from them.
    down_lost: bool,
    opened: bool,
    pending: BTreeMap<Id, Pending>,
    cancels: BTreeMap<QueryId, [u8; 32]>,
}

impl Tap {
    /// Whether this very request was ever written, on any link.
    #[must_use]
    pub fn has_written(&self, request: &AnyRequest) -> bool {
        self.times_written(request) > 0
    }

    /// How often this very request was written; a message's surb id does not count.
    #[must_use]
    pub fn times_written(&self, request: &AnyRequest) -> usize {
        self.times.get(&plain(request)).copied().unwrap_or(0)
    }

    /// The frames of one kind, in the order of their writing.
    pub fn of_kind(&self, kind: RequestKind) -> impl Iterator<Item = &Written> {
        self.written.iter().filter(move |written| written.frame.request.kind() == kind)
    }

    /// Mixnet requests that were written on this link and are not finished.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn link_began(&mut self) {
        self.up.clear();
        self.down.clear();
        self.down_lost = false;
        self.opened = false;
        self.pending.clear();
        self.cancels.clear();
    }

    /// Reads what the machine appended to the driver's buffer.
    pub(crate) fn wrote(&mut self, now: Instant, link: LinkId, bytes: &[u8]) {
        self.up.push(bytes);
        for frame in requests(&mut self.up) {
            self.check(now, &frame);
            *self.times.entry(plain(&frame.request)).or_default() += 1;
            self.written.push(Written { at: now, link, frame });
        }
        assert_eq!(self.up.pending_len(), 0, "only whole frames are appended");
    }

    fn check(&mut self, now: Instant, frame: &RequestFrame) {
        match &frame.request {
            AnyRequest::SessionToken(_) => return,
            request => assert!(self.opened, "{:?} before the session's reply", request.kind()),
        }
        self.pending.retain(|_, pending| now.saturating_since(pending.at) < FORGOTTEN);
        match &frame.request {
            AnyRequest::StartResendingEncryptedMessage(start) => self.insert(
                frame,
                Pending {
                    at: now,
                    key: Some(*start.envelope_hash.as_bytes()),
                    copy: false,
                    polls: start.access.is_read() && !start.no_retry_on_box_id_not_found,
                },
            ),
            AnyRequest::StartResendingCopyCommand(start) => self.insert(
                frame,
                Pending {
                    at: now,
                    key: Some(*WriteCapHash::of(&start.write_cap).as_bytes()),
                    copy: true,
                    polls: false,
                },
            ),
            AnyRequest::SendMessage(_) => {
                self.insert(frame, Pending { at: now, key: None, copy: false, polls: false });
            }
            AnyRequest::CancelResendingEncryptedMessage(cancel) => {
                self.cancel(frame, *cancel.envelope_hash.as_bytes());
            }
            AnyRequest::CancelResendingCopyCommand(cancel) => {
                self.cancel(frame, *cancel.write_cap_hash.as_bytes());
            }
            _ => {}
        }
    }

    fn insert(&mut self, frame: &RequestFrame, pending: Pending) {
        let id = match &frame.request {
            AnyRequest::SendMessage(send) => Id::Surb(send.surb.id().expect("a message has a surb (Q-21)")),
            _ => Id::Query(frame.query_id.expect("a query id (§4.0)")),
        };
        assert!(self.pending.insert(id, pending).is_none(), "an id was used twice");
        let count = |of: fn(&Pending) -> bool| self.pending.values().filter(|pending| of(pending)).count();
        assert!(count(|_| true) <= limits::MIXNET_WINDOW, "the mixnet window is exceeded");
        assert!(count(|pending| pending.copy) <= limits::COPIES_MAX, "too many copies");
        assert!(count(|pending| pending.polls) <= limits::POLLING_READS_MAX, "too many polling reads");
    }

    fn cancel(&mut self, frame: &RequestFrame, key: [u8; 32]) {
        if let Some(query) = frame.query_id {
            self.cancels.insert(query, key);
        }
    }

    /// Reads what is handed to the machine.
    pub(crate) fn received(&mut self, now: Instant, bytes: &[u8]) {
        if self.down_lost {
            return;
        }
        self.down.push(bytes);
        loop {
            match self.down.next_frame().map(|body| body.map(AnyResponse::decode)) {
                Ok(None) => return,
                Ok(Some(Ok(Some(response)))) => {
                    self.finish(&response);
                    self.received.push((now, response));
                }
                Ok(Some(_)) => {}
                Err(_) => {
                    self.down_lost = true;
                    return;
                }
            }
        }
    }

    fn finish(&mut self, response: &AnyResponse) {
        match response {
            AnyResponse::SessionToken(_) => self.opened = true,
            AnyResponse::MessageSent(sent) => {
                self.pending.retain(|id, _| sent.surbid.map(Id::Surb) != Some(*id));
            }
            AnyResponse::MessageReply(reply) => {
                self.pending.retain(|id, _| reply.surbid.map(Id::Surb) != Some(*id));
            }
            AnyResponse::Reply(ReplyFrame { query_id: Some(query), .. }) => {
                self.pending.remove(&Id::Query(*query));
                if let Some(key) = self.cancels.remove(query) {
                    self.pending.retain(|_, pending| pending.key != Some(key));
                }
            }
            _ => {}
        }
    }
}

/// A request as bytes, without what the machine adds to it, and with its capabilities where the machine has them begin.
pub(crate) fn plain(request: &AnyRequest) -> Vec<u8> {
    let mut request = kpthin_core::testing::as_written(request);
    if let AnyRequest::SendMessage(send) = &mut request {
        send.surb = Surb::Unnamed;
    }
    let mut bytes = Vec::new();
    RequestFrame { query_id: None, request }.encode(&mut bytes).expect("it was short enough before");
    bytes
}
