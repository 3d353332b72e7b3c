//! What passes between the rooms: each hands out what it wants done, and here that is given to whom it concerns.

use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, AppId, CancelReply, EnvelopeHash, Lane, QueryId, ReplyFailure,
    ReplyFrame, RequestKind,
};

use super::connections::{Crash, EndReason, LocalCall, Task};
use super::operations::Effect;
use super::refusal::failure;
use super::sessions::{Enqueued, Happened, Mixnet, Oddity, Queued, Turn};
use super::{ConnId, Devnet, lend};
use crate::frames::Incoming;
use crate::network::{Arrival, Packet};

impl Devnet {
    /// Does one thing that some room wants done; tells whether there was any.
    pub(super) fn route(&mut self) -> bool {
        if let Some(effect) = self.operations.poll() {
            self.handle_effect(effect);
        } else if let Some(arrival) = self.network.poll() {
            self.handle_arrival(arrival);
        } else if let Some(task) = self.connections.poll(lend!(self)) {
            self.handle_task(task);
        } else {
            return false;
        }
        true
    }

    fn handle_task(&mut self, task: Task) {
        match task {
            Task::Crash => self.crash_on(Crash::Null),
            Task::Empty { conn, app } => {
                // It costs the reference a packet (§1.3).
                if self.config.quirks.empty_frames_cost {
                    self.enqueue(conn, app, Mixnet::Nothing);
                }
            }
            Task::Ended { conn, app } => self.deregister(app, conn),
            Task::Incomplete { conn, app, kind, query_id } => {
                self.handle_incomplete(conn, app, kind, query_id)
            }
            Task::LocalDone(LocalCall { app, query_id, job }) => {
                if self.injector.strikes(|faults| faults.unanswered_local) {
                    return;
                }
                let (kind, ready) = (job.kind(), self.has_document());
                let result = self.local.carry_out(lend!(self), &self.network, ready, job);
                self.answer(app, query_id, kind, result);
            }
            Task::Refuse { app, kind, query_id } => {
                self.answer(app, query_id, kind, Err(failure(kind, DaemonError::InvalidRequest)));
            }
            Task::Request { conn, app, incoming } => self.handle_request(conn, app, *incoming),
        }
    }

    fn handle_request(&mut self, conn: ConnId, app: AppId, incoming: Incoming) {
        let Incoming { query_id, request, gaps } = incoming;
        match request {
            AnyRequest::SessionToken(request) => {
                self.present_token(conn, request.client_instance_token.to_bytes());
            }
            AnyRequest::ThinClose(_) => self.close_session(conn),
            AnyRequest::SendMessage(request) => {
                let oddity = Oddity { payload_len: request.payload.len(), gaps };
                self.enqueue(conn, app, Mixnet::Message(Box::new(request), oddity));
            }
            AnyRequest::StartResendingEncryptedMessage(request) => {
                self.enqueue(conn, app, Mixnet::Start(query_id, Box::new(request), gaps));
            }
            AnyRequest::StartResendingCopyCommand(request) => {
                self.enqueue(conn, app, Mixnet::Copy(query_id, Box::new(request)));
            }
            AnyRequest::CancelResendingEncryptedMessage(request) => {
                self.cancel(app, query_id, request.envelope_hash);
            }
            AnyRequest::CancelResendingCopyCommand(request) => {
                self.cancel_copy(app, query_id, EnvelopeHash::from(*request.write_cap_hash.as_bytes()));
            }
            local => {
                let ready = self.has_document();
                let env = lend!(self);
                let job = self.local.prepare(env, ready, local);
                self.connections.work(env, conn, app, query_id, job);
            }
        }
    }

    /// Refuses a request that lacks something, when and where it would have been carried out.
    fn handle_incomplete(&mut self, conn: ConnId, app: AppId, kind: RequestKind, query_id: Option<QueryId>) {
        match kind.lane() {
            Lane::Cancel => {
                if !self.injector.strikes(|faults| faults.unanswered_local) {
                    self.answer(app, query_id, kind, Err(failure(kind, DaemonError::InvalidRequest)));
                }
            }
            Lane::Mixnet => self.enqueue(conn, app, Mixnet::Incomplete(kind, query_id)),
            Lane::Create | Lane::Quick | Lane::Session | Lane::Slow => {
                let job = self.local.refuse(kind);
                self.connections.work(lend!(self), conn, app, query_id, job);
            }
        }
    }

    fn enqueue(&mut self, conn: ConnId, app: AppId, request: Mixnet) {
        match self.sessions.enqueue(lend!(self), Queued { conn, app, request }) {
            Enqueued::Blocks(queued) => self.connections.block(queued),
            Enqueued::Refused(Queued { app, request, .. }) => self.refuse_queued(app, request),
            Enqueued::Waits => {}
        }
    }

    fn refuse_queued(&mut self, app: AppId, request: Mixnet) {
        let (kind, query_id) = match request {
            Mixnet::Copy(query_id, _) => (RequestKind::StartResendingCopyCommand, query_id),
            Mixnet::Incomplete(kind, query_id) => (kind, query_id),
            Mixnet::Start(query_id, ..) => (RequestKind::StartResendingEncryptedMessage, query_id),
            Mixnet::Message(request, oddity) => {
                return self.report_sent(app, &request, oddity, Err("too many messages".to_owned()));
            }
            Mixnet::Nothing => return,
        };
        self.answer(app, query_id, kind, Err(failure(kind, DaemonError::InternalError)));
    }

    /// Something has happened to a session by itself, or it is its turn.
    pub(super) fn handle_happened(&mut self, happened: Happened) {
        match happened {
            Happened::Expired(app) => self.forget_session(app),
            Happened::Turn(Turn::Release(queued)) => {
                self.packets += 1;
                let conn = queued.conn;
                self.release(queued.app, queued.request);
                if let Some(queued) = self.connections.unblock(conn) {
                    self.sessions.push_queued(queued);
                }
            }
            Happened::Turn(Turn::Resend(op)) => {
                self.packets += 1;
                let packet = self.operations.packet(lend!(self), op);
                packet.into_iter().for_each(|packet| self.network.send(lend!(self), packet));
            }
        }
    }

    fn release(&mut self, app: AppId, request: Mixnet) {
        let env = lend!(self);
        let (kind, query_id, started) = match request {
            Mixnet::Copy(query_id, request) => {
                let started = self.operations.start_copy(env, &self.network, app, query_id, &request);
                (RequestKind::StartResendingCopyCommand, query_id, started)
            }
            Mixnet::Incomplete(kind, query_id) => (kind, query_id, Err(DaemonError::InvalidRequest)),
            Mixnet::Start(query_id, request, gaps) => {
                let started = self.operations.start(env, &self.network, app, query_id, *request, gaps);
                (RequestKind::StartResendingEncryptedMessage, query_id, started)
            }
            Mixnet::Message(request, oddity) => return self.send_message(app, *request, oddity),
            Mixnet::Nothing => return,
        };
        match started {
            Ok(packet) => self.send(packet),
            Err(error) => self.answer(app, query_id, kind, Err(failure(kind, error))),
        }
    }

    fn send(&mut self, packet: Packet) {
        self.network.send(lend!(self), packet);
    }

    fn handle_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { app, query_id, kind, result } => {
                self.answer(app, Some(query_id), kind, *result);
            }
            Effect::Queue(app, op) => self.sessions.queue_resend(app, op),
            Effect::Unqueue(app, op) => self.sessions.unqueue_resend(app, op),
        }
    }

    fn handle_arrival(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Epoch => self.announce_document(),
            Arrival::Message { app, reply, .. } => self.deliver(app, AnyResponse::MessageReply(*reply)),
            Arrival::Reply(op, reply) => {
                let away = self.operations.owner(op).is_none_or(|app| self.sessions.is_away(app));
                self.operations.handle_reply(lend!(self), &self.network, op, *reply, away);
            }
            Arrival::Status => self.announce_status(),
        }
    }

    /// Cancels by key: the start is answered first, then the cancel, which always succeeds (§9.5).
    fn cancel(&mut self, app: AppId, query_id: Option<QueryId>, hash: EnvelopeHash) {
        let reply = AnyReply::CancelResendingEncryptedMessage(CancelReply {});
        self.cancel_started(app, query_id, hash, RequestKind::StartResendingEncryptedMessage, reply);
    }

    fn cancel_copy(&mut self, app: AppId, query_id: Option<QueryId>, hash: EnvelopeHash) {
        let reply = AnyReply::CancelResendingCopyCommand(CancelReply {});
        self.cancel_started(app, query_id, hash, RequestKind::StartResendingCopyCommand, reply);
    }

    fn cancel_started(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        hash: EnvelopeHash,
        started: RequestKind,
        reply: AnyReply,
    ) {
        if self.injector.strikes(|faults| faults.unanswered_local) {
            return;
        }
        let kind = reply.kind();
        if query_id.is_none() {
            return self.answer(app, query_id, kind, Err(failure(kind, DaemonError::InvalidRequest)));
        }
        let env = lend!(self);
        self.operations.cancel(env, &self.network, app, hash, started);
        let queued = self.sessions.cancel_queued(env, app, hash, started);
        while let Some(effect) = self.operations.poll() {
            self.handle_effect(effect);
        }
        for query_id in queued {
            let cancelled = failure(started, DaemonError::StartResendingCancelled);
            self.answer(app, query_id, started, Err(cancelled));
        }
        self.answer(app, query_id, kind, Ok(reply));
    }

    /// Answers a request with its result.
    pub(super) fn answer(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        kind: RequestKind,
        result: Result<AnyReply, ReplyFailure>,
    ) {
        self.deliver(app, AnyResponse::Reply(ReplyFrame { query_id, kind, result }));
    }

    /// Sends a response to the connection that is registered for a session, keeps it, or loses it.
    pub(super) fn deliver(&mut self, app: AppId, response: AnyResponse) {
        let env = lend!(self);
        if let Some((conn, response)) = self.sessions.deliver(env, app, response) {
            self.connections.send(env, conn, &response);
        }
    }

    /// Ends a connection for a reason, without touching its session.
    pub(super) fn drop_connection(&mut self, conn: ConnId, reason: EndReason) {
        self.connections.drop_for(conn, reason);
    }
}
