//! The far end of a client's link: a daemon that knows no protocol but its frames.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use kpthin_core::{
    frame::FrameBuffer,
    pki::{DocumentContent, MixDescriptor, Parameter},
    testing,
    wire::{
        AnyReply, AnyRequest, AnyResponse, CancelReply, EncryptReply, FailureDetail, IndexReply,
        KeypairReply, MessageBoxIndex, NewPkiDocument, QueryId, ReadCap, ReplyFailure, ReplyFrame,
        RequestFrame, ResendingReply, WriteCap,
    },
};

use crate::Duplex;

/// What is between the client and its peer.
struct Wire {
    to_peer: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// What each direction holds at most.
    capacity: usize,
    /// What one read or write moves at most.
    chunk: usize,
    client_shut: bool,
    client_dropped: bool,
    peer_shut: bool,
    peer_reset: bool,
    write_broken: bool,
    writes: usize,
    read_waker: Option<Waker>,
    write_waker: Option<Waker>,
}

/// The client's end.
pub(super) struct Line(Arc<Mutex<Wire>>);

impl Duplex for Line {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut wire = self.0.lock().unwrap();
        let len = buffer.len().min(wire.chunk).min(wire.to_client.len());
        if len > 0 {
            return Poll::Ready(wire.to_client.read(&mut buffer[..len]));
        }
        if wire.peer_reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if wire.peer_shut {
            return Poll::Ready(Ok(0));
        }
        wire.read_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut wire = self.0.lock().unwrap();
        if wire.peer_reset || wire.write_broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let len = bytes.len().min(wire.chunk).min(wire.capacity - wire.to_peer.len());
        if len == 0 {
            wire.write_waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        wire.to_peer.extend(&bytes[..len]);
        wire.writes += 1;
        Poll::Ready(Ok(len))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().unwrap().client_shut = true;
        Poll::Ready(Ok(()))
    }
}

/// Both ends of a new line.
pub(super) fn line() -> (Line, Peer) {
    let wire = Arc::new(Mutex::new(Wire {
        to_peer: VecDeque::new(),
        to_client: VecDeque::new(),
        capacity: usize::MAX,
        chunk: usize::MAX,
        client_shut: false,
        client_dropped: false,
        peer_shut: false,
        peer_reset: false,
        write_broken: false,
        writes: 0,
        read_waker: None,
        write_waker: None,
    }));
    (Line(wire.clone()), Peer { wire, frames: FrameBuffer::default() })
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.lock().unwrap().client_dropped = true;
    }
}

/// The daemon's end, which knows no protocol but its frames.
pub(super) struct Peer {
    wire: Arc<Mutex<Wire>>,
    frames: FrameBuffer,
}

impl Peer {
    fn wake(&self, change: impl FnOnce(&mut Wire)) {
        let wakers = {
            let mut wire = self.wire.lock().unwrap();
            change(&mut wire);
            [wire.read_waker.take(), wire.write_waker.take()]
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn send(&self, response: &AnyResponse) {
        let bytes = testing::frame(response);
        self.wake(|wire| wire.to_client.extend(bytes));
    }

    /// What was sent to the client and it has not read.
    pub(super) fn sent(&self) -> Vec<u8> {
        self.wire.lock().unwrap().to_client.drain(..).collect()
    }

    /// What the client has sent since the last look.
    pub(super) fn requests(&mut self) -> Vec<RequestFrame> {
        let mut bytes = Vec::new();
        self.wake(|wire| bytes.extend(wire.to_peer.drain(..)));
        self.frames.push(&bytes);
        testing::requests(&mut self.frames)
    }

    /// The one request that the client has sent since the last look.
    pub(super) fn request(&mut self) -> RequestFrame {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub(super) fn status(&self, is_connected: bool) {
        self.send(&testing::status([5; 16].into(), is_connected));
    }

    pub(super) fn document(&self, document: Option<&DocumentContent>) {
        let payload = document.map(|document| document.encode().into());
        self.send(&AnyResponse::NewPkiDocument(NewPkiDocument { payload }));
    }

    pub(super) fn session(&self, resumed: bool) {
        self.send(&testing::session(resumed));
    }

    pub(super) fn reply(&self, query_id: Option<QueryId>, reply: AnyReply) {
        let kind = reply.kind();
        self.send(&AnyResponse::Reply(ReplyFrame { query_id, kind, result: Ok(reply) }));
    }

    pub(super) fn fail(&self, request: &RequestFrame, failure: ReplyFailure) {
        let (query_id, kind) = (request.query_id, request.request.kind());
        self.send(&AnyResponse::Reply(ReplyFrame { query_id, kind, result: Err(failure) }));
    }

    /// Refuses the start of an operation.
    pub(super) fn refuse(&self, start: &RequestFrame, error_code: u8) {
        let courier_identity_hash = Some([7; 32].into());
        let detail = FailureDetail::Courier { courier_identity_hash, courier_queue_id: None };
        self.fail(start, ReplyFailure { error_code, detail });
    }

    /// Answers a request as a daemon would that has a fast network.
    pub(super) fn answer(&self, request: &RequestFrame) {
        let reply = match &request.request {
            AnyRequest::NewKeypair(_) => AnyReply::NewKeypair(keypair()),
            AnyRequest::EncryptRead(encrypt) => {
                AnyReply::EncryptRead(envelope(&encrypt.message_box_index, request))
            }
            AnyRequest::EncryptWrite(encrypt) => {
                AnyReply::EncryptWrite(envelope(&encrypt.message_box_index, request))
            }
            AnyRequest::StartResendingEncryptedMessage(start) => {
                let plaintext = start.access.is_read().then(|| "content".into());
                AnyReply::StartResendingEncryptedMessage(ResendingReply {
                    plaintext,
                    courier_identity_hash: Some([7; 32].into()),
                    courier_queue_id: None,
                })
            }
            AnyRequest::CancelResendingEncryptedMessage(_) => {
                AnyReply::CancelResendingEncryptedMessage(CancelReply {})
            }
            AnyRequest::NextMessageBoxIndex(next) => {
                let counter = next.message_box_index.counter();
                AnyReply::NextMessageBoxIndex(IndexReply { next_message_box_index: index(counter + 1) })
            }
            other => panic!("no answer to {other:?}"),
        };
        self.reply(request.query_id, reply);
    }

    pub(super) fn close(&self) {
        self.wake(|wire| wire.peer_shut = true);
    }

    pub(super) fn reset(&self) {
        self.wake(|wire| wire.peer_reset = true);
    }

    pub(super) fn break_writes(&self) {
        self.wake(|wire| wire.write_broken = true);
    }

    pub(super) fn limit(&self, chunk: usize, capacity: usize) {
        self.wake(|wire| {
            wire.chunk = chunk;
            wire.capacity = capacity;
        });
    }

    pub(super) fn is_shut(&self) -> bool {
        self.wire.lock().unwrap().client_shut
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.wire.lock().unwrap().client_dropped
    }

    pub(super) fn writes(&self) -> usize {
        self.wire.lock().unwrap().writes
    }
}

pub(super) fn index(counter: u64) -> MessageBoxIndex {
    let mut bytes = [9; 104];
    bytes[..8].copy_from_slice(&counter.to_le_bytes());
    bytes.into()
}

pub(super) fn keypair() -> KeypairReply {
    KeypairReply { write_cap: write_cap(), read_cap: read_cap(), first_message_index: index(17) }
}

/// A capability from box 0 on.
pub(super) fn write_cap() -> WriteCap {
    let mut bytes = [1; 168];
    bytes[64..].copy_from_slice(index(0).as_bytes());
    bytes.into()
}

pub(super) fn read_cap() -> ReadCap {
    let mut bytes = [2; 136];
    bytes[32..].copy_from_slice(index(0).as_bytes());
    bytes.into()
}

/// An envelope whose hash is the request's query id, so that no two are the same.
fn envelope(at: &MessageBoxIndex, request: &RequestFrame) -> EncryptReply {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(request.query_id.unwrap().as_bytes());
    EncryptReply {
        message_ciphertext: [vec![0], vec![3; 1999]].concat().into(),
        envelope_descriptor: vec![4; 201].into(),
        envelope_hash: hash.into(),
        next_message_box_index: index(at.counter() + 1),
    }
}

/// A document with couriers and an echo service.
pub(super) fn document(epoch: u64) -> DocumentContent {
    let node = |name: &str, key: u8, capabilities: &[&str]| {
        let endpoint = |capability: &str| {
            let parameters = [("endpoint".to_owned(), Parameter::from(format!("+{capability}").as_str()))];
            (capability.to_owned(), parameters.into())
        };
        MixDescriptor {
            name: name.to_owned(),
            identity_key: vec![key; 32].into(),
            is_service_node: true,
            kaetzchen: capabilities.iter().map(|capability| endpoint(capability)).collect(),
            ..MixDescriptor::default()
        }
        .into()
    };
    DocumentContent {
        epoch,
        version: "v1".to_owned(),
        service_nodes: vec![node("one", 1, &["courier", "echo"]), node("two", 2, &["courier"])],
        ..DocumentContent::default()
    }
}
