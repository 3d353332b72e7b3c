//! The drivers of both machines, which do what they say at once.

use kpthin_core::{
    error::CallError,
    frame::FrameBuffer,
    machine::{CallId, DisconnectCause, DisconnectMode, LinkId, Machine, Output, limits},
    testing::{Drive, requests},
    wire::{AnyReply, AnyRequest, AnyResponse, Class, ReplyFrame, RequestFrame, WriteCapHash},
};

use kpthin_devnet::ConnId;

use super::{
    World,
    calls::Stage,
    wire::{Link, split},
    world::Live,
};
use crate::tap::plain;

impl Drive for World {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn act(&mut self, output: Output) {
        if self.closed {
            self.break_with(format!("an output after the last one: {output:?}"));
        }
        match output {
            Output::Closed(_) => self.closed = true,
            Output::Completed(call, result) => self.complete(call, result),
            Output::Connect(id) => {
                if self.link.is_some() {
                    self.break_with("a link is dialled while another one lives".to_owned());
                }
                self.link = Some(Link::dialling(id));
            }
            Output::Disconnect(id, mode) => self.disconnect(id, mode),
            Output::Event(_) | Output::Idle { .. } | Output::Timer(_) => {}
        }
    }

    fn transmit(&mut self) -> bool {
        if self.plan.setting.lazy && !self.writing {
            return false;
        }
        let Some(link) = self.link.as_mut().filter(|link| link.conn.is_some() && link.ends.is_none()) else {
            return false;
        };
        let mut out = Vec::new();
        // What is held is not counted: no world writes so much.
        self.machine.poll_transmit(self.now, link.id, &mut out);
        if out.is_empty() {
            return false;
        }
        assert!(out.len() < limits::HIGH_WATER_MARK, "a small world");
        if link.passes() {
            split(&out, &mut link.up);
        }
        self.note(&out);
        let mut buffer = FrameBuffer::default();
        buffer.push(&out);
        for frame in requests(&mut buffer) {
            self.wrote(&frame);
        }
        true
    }
}

impl World {
    /// Drains both machines, as their contracts have it.
    pub(super) fn drain(&mut self) {
        self.machine_wake = Drive::drain(self);
        self.drain_devnet();
    }

    fn drain_devnet(&mut self) {
        loop {
            let mut closed = Vec::new();
            self.devnet_wake = loop {
                match self.devnet.poll_output() {
                    kpthin_devnet::Output::Close(conn, _) => closed.push(conn),
                    kpthin_devnet::Output::Idle { wake_at } => break wake_at,
                    _ => {}
                }
            };
            if !self.fetch(&closed) {
                return;
            }
        }
    }

    /// Takes what the daemon has to say; tells whether there was anything.
    fn fetch(&mut self, closed: &[ConnId]) -> bool {
        let mut unheard = Vec::new();
        for ghost in &self.ghosts {
            self.devnet.poll_transmit(self.now, ghost.conn, &mut unheard);
        }
        self.ghosts.retain(|ghost| !closed.contains(&ghost.conn));
        let Some(link) = &mut self.link else { return !unheard.is_empty() };
        let Some(conn) = link.conn.filter(|_| !link.daemon_closed) else { return !unheard.is_empty() };
        let mut out = Vec::new();
        self.devnet.poll_transmit(self.now, conn, &mut out);
        if link.passes() {
            split(&out, &mut link.down);
        }
        link.daemon_closed = closed.contains(&conn);
        if link.daemon_closed {
            link.up.clear();
            link.up_part.clear();
        }
        !(out.is_empty() && unheard.is_empty())
    }

    fn disconnect(&mut self, id: LinkId, mode: DisconnectMode) {
        let Some(link) = self.link.as_mut().filter(|link| link.id == id) else { return };
        if link.conn.is_none() {
            self.link = None;
            self.machine.handle_disconnected(self.now, id, DisconnectCause::Local);
        } else {
            link.ends = Some((mode, self.now + DisconnectMode::FLUSH_MAX + mode.linger()));
        }
    }

    fn complete(&mut self, id: CallId, result: Result<AnyReply, CallError>) {
        let Some(number) = self.calls.iter().position(|call| call.open() == Some(id)) else {
            return self.break_with(format!("{id:?} ended, but is not open: {result:?}"));
        };
        let plan = self.plan.clone();
        if let Some(wrong) = plan.calls[number].judge(&self.calls[number], &result, &self.devnet) {
            self.break_with(wrong);
        }
        self.calls[number].stage = Stage::Ended(result.err().map(|error| error.fate()));
    }

    /// Which call a request belongs to.
    fn call_of(&self, request: &AnyRequest) -> Option<usize> {
        let bytes = plain(request);
        self.plan.calls.iter().position(|call| call.plain == bytes)
    }

    /// Takes note of a frame that the machine wrote.
    fn wrote(&mut self, frame: &RequestFrame) {
        if let Some(number) = self.call_of(&frame.request) {
            let call = &mut self.calls[number];
            call.written = call.written.saturating_add(1);
            if call.written > 1 && self.plan.calls[number].class == Class::Message {
                self.break_with("a message was written twice".to_owned());
            }
        }
        let Some(query) = frame.query_id else { return };
        let key = match &frame.request {
            AnyRequest::StartResendingEncryptedMessage(start) => *start.envelope_hash.as_bytes(),
            AnyRequest::StartResendingCopyCommand(start) => *WriteCapHash::of(&start.write_cap).as_bytes(),
            AnyRequest::CancelResendingEncryptedMessage(cancel) => {
                return self.cancels.push((query, *cancel.envelope_hash.as_bytes()));
            }
            AnyRequest::CancelResendingCopyCommand(cancel) => {
                return self.cancels.push((query, *cancel.write_cap_hash.as_bytes()));
            }
            _ => return,
        };
        if self.live.iter().any(|live| live.key == key) {
            let cancelled = self.cancels.iter().any(|(_, cancelled)| *cancelled == key);
            let how = if cancelled { "before its cancel was answered" } else { "without a cancel" };
            self.break_with(format!("a live key was started again on one link, {how}"));
        }
        self.live.push(Live { key, query });
        self.started.push(Live { key, query });
    }

    /// Takes note of a frame that the daemon got.
    pub(super) fn seen(&mut self, frame: &[u8]) {
        self.note(frame);
        let mut buffer = FrameBuffer::default();
        buffer.push(frame);
        for frame in requests(&mut buffer) {
            let Some(number) = self.call_of(&frame.request) else { continue };
            let call = &mut self.calls[number];
            call.seen = call.seen.saturating_add(1);
            if call.stage == Stage::Ended(Some(kpthin_core::error::Fate::NotSent)) {
                self.break_with(format!("{:?} was not sent, but came later", self.plan.calls[number].what));
            }
        }
    }

    /// Takes note of a frame that the machine got.
    pub(super) fn heard(&mut self, frame: &[u8]) {
        self.note(frame);
        let body = frame.get(4..).unwrap_or_default();
        let Ok(Some(AnyResponse::Reply(ReplyFrame { query_id: Some(query), result, .. }))) =
            AnyResponse::decode(body)
        else {
            return;
        };
        let is_final = result.is_ok_and(|reply| reply.kind().class() == Class::Operation);
        // What a forwarder holds comes at any time.
        let forwarded = self.plan.setting.faults.hidden + self.plan.setting.faults.local > 0;
        if is_final
            && !forwarded
            && let Some(start) = self.started.iter().find(|start| start.query == query)
            && self
                .started
                .iter()
                .rfind(|later| later.key == start.key)
                .is_some_and(|last| last.query != query)
        {
            self.break_with("an operation was started again although it had a result".to_owned());
        }
        self.live.retain(|live| live.query != query);
        if let Some(at) = self.cancels.iter().position(|(cancel, _)| *cancel == query) {
            let (_, key) = self.cancels.remove(at);
            self.live.retain(|live| live.key != key);
        }
    }
}
