//! The driver of the simulation: what sockets, timers and an executor would do.

use kpthin_core::{
    Instant,
    machine::{DisconnectCause, DisconnectMode, LinkId, Machine, Output, limits},
    testing::Drive,
    wire::AnyRequest,
};

use super::Pair;
use crate::{
    Daemon, Direction, How,
    tap::plain,
    wire::{DIAL, Link, Phase, SOCKET_BUFFER},
};

impl<D: Daemon> Drive for Pair<D> {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn act(&mut self, output: Output) {
        self.do_output(output);
    }

    fn transmit(&mut self) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| link.phase == Phase::Open) else { return false };
        let held = link.out.len();
        if held >= limits::HIGH_WATER_MARK {
            return false;
        }
        self.machine.poll_transmit(self.now, link.id, &mut link.out);
        let bytes = &link.out[held..];
        let before = self.tap.written.len();
        self.tap.wrote(self.now, link.id, bytes);
        let wrote = !bytes.is_empty();
        for written in &self.tap.written[before..] {
            self.check_sent_once(&written.frame.request);
        }
        wrote
    }
}

impl<D: Daemon> Pair<D> {
    /// Drains the machine as the contract has it.
    pub(super) fn drain_machine(&mut self) {
        self.machine_wake = Drive::drain(self);
    }

    /// A message is never sent twice.
    fn check_sent_once(&self, request: &AnyRequest) {
        if matches!(request, AnyRequest::SendMessage(_)) {
            let bytes = plain(request);
            let started = self.started.values().filter(|other| plain(other) == bytes).count();
            assert!(self.tap.times_written(request) <= started, "a message was sent twice");
        }
    }

    pub(super) fn dial(&mut self, id: LinkId) {
        assert!(self.link.is_none(), "a link is dialled while another one lives");
        self.dials += 1;
        self.log.note(self.now, || format!("dial {id:?}"));
        self.link = Some(Link::dialling(id, self.now + DIAL));
    }

    pub(super) fn disconnect(&mut self, id: LinkId, mode: DisconnectMode) {
        self.log.note(self.now, || format!("disconnect {id:?} {mode:?}"));
        let Some(link) = self.link.as_mut().filter(|link| link.id == id) else { return };
        if matches!(link.phase, Phase::Dialling { .. }) {
            self.link = None;
            self.machine.handle_disconnected(self.now, id, DisconnectCause::Local);
        } else {
            link.disconnect(mode, self.now);
        }
    }

    /// The link ends for the daemon, and, once that has noticed, for the machine.
    ///
    /// No socket shows an end that the other side has not made. Only closing here goes unnoticed.
    fn end(&mut self, cause: DisconnectCause) {
        let Some(link) = self.link.as_mut().filter(|link| !matches!(link.phase, Phase::Dialling { .. }))
        else {
            return;
        };
        if link.ending.is_some() {
            return;
        }
        link.silent = true;
        link.up.clear();
        link.down.clear();
        if !link.daemon_closed {
            self.daemon.handle_disconnected(self.now, link.conn);
        }
        link.ending = Some(cause);
        let _now = self.finish_ending();
    }

    fn finish_ending(&mut self) -> bool {
        let daemon = &self.daemon;
        let over = |link: &mut Link| match &link.ending {
            None => false,
            Some(DisconnectCause::Local) => true,
            Some(_) => link.daemon_closed || daemon.has_noticed(link.conn),
        };
        let Some(Link { id, ending: Some(cause), .. }) = self.link.take_if(over) else { return false };
        self.log.note(self.now, || format!("{id:?} ended: {cause}"));
        self.machine.handle_disconnected(self.now, id, cause);
        true
    }

    /// Moves one chunk in each direction; `true` if anything happened.
    pub(super) fn move_bytes(&mut self) -> bool {
        let ended = self.finish_ending();
        let wrote = self.link.as_mut().is_some_and(|link| link.write() | link.half_close(self.now));
        let up = self.deliver_up();
        let daemon = self.drain_daemon();
        let down = self.deliver_down();
        ended || wrote || up || daemon || down
    }

    fn deliver_up(&mut self) -> bool {
        let Some(link) = self.link.as_ref() else { return false };
        if link.silent || link.daemon_closed {
            return false;
        }
        let conn = link.conn;
        if !link.up.is_empty() && !self.daemon.wants_input(conn) {
            return false;
        }
        if link.up.is_empty() {
            let closed = matches!(link.phase, Phase::HalfClosed { .. }) && !link.eof_told;
            if closed {
                self.link.as_mut().expect("it is there").eof_told = true;
                self.daemon.handle_eof(self.now, conn);
            }
            return closed;
        }
        let Some(len) = self.chunk(Direction::Up, link.up.len()) else { return true };
        let link = self.link.as_mut().expect("it is there");
        let bytes: Vec<u8> = link.up.drain(..len).collect();
        self.up_bytes += len;
        self.log.delivered(self.now, Direction::Up, &bytes);
        self.daemon.handle_input(self.now, conn, &bytes);
        true
    }

    fn drain_daemon(&mut self) -> bool {
        let mut closed = Vec::new();
        self.daemon_wake = self.daemon.drain(self.now, &mut closed);
        self.hidden.retain(|(_, conn)| !closed.contains(conn));
        for (_, conn) in &self.hidden {
            // A forwarder takes what the daemon still says.
            self.daemon.poll_transmit(self.now, *conn, &mut Vec::new());
        }
        let Some(link) = self.link.as_mut().filter(|link| !matches!(link.phase, Phase::Dialling { .. }))
        else {
            return false;
        };
        if link.daemon_closed {
            return false;
        }
        let before = link.down.len();
        let closed = closed.contains(&link.conn);
        if closed || before < SOCKET_BUFFER {
            self.daemon.poll_transmit(self.now, link.conn, &mut link.down);
        }
        let moved = link.down.len() > before;
        if link.silent {
            link.down.clear();
        }
        if closed {
            link.daemon_closed = true;
            self.log.note(self.now, || "the daemon closes".to_owned());
        }
        moved || closed
    }

    fn deliver_down(&mut self) -> bool {
        let Some(link) = self.link.as_ref() else { return false };
        if link.silent {
            return false;
        }
        if link.down.is_empty() {
            if link.daemon_closed {
                self.end(DisconnectCause::EndOfFile);
                return true;
            }
            return false;
        }
        let Some(len) = self.chunk(Direction::Down, link.down.len()) else { return true };
        let link = self.link.as_mut().expect("it is there");
        let bytes: Vec<u8> = link.down.drain(..len).collect();
        self.down_bytes += len;
        self.log.delivered(self.now, Direction::Down, &bytes);
        if link.hands_over() {
            let id = link.id;
            self.tap.received(self.now, &bytes);
            self.machine.handle_input(self.now, id, &bytes);
        }
        true
    }

    /// How much of what waits is delivered at once; `None` if the wire was cut instead.
    fn chunk(&mut self, direction: Direction, waiting: usize) -> Option<usize> {
        let len = if self.rng.one_in(3) { waiting } else { 1 + self.rng.below_len(waiting.min(1_400)) };
        let Some(cut) = self.cut.filter(|cut| cut.direction == direction) else { return Some(len) };
        let so_far = match direction {
            Direction::Down => self.down_bytes,
            Direction::Up => self.up_bytes,
        };
        let left = cut.after_bytes.saturating_sub(so_far);
        if left > 0 {
            return Some(len.min(left));
        }
        self.log.note(self.now, || format!("{cut:?}"));
        self.cut_now(cut.how);
        None
    }

    /// Cuts the wire.
    pub fn cut_now(&mut self, how: How) {
        self.cut = None;
        match how {
            How::EndOfFile => self.end(DisconnectCause::EndOfFile),
            How::Hidden => self.hide(),
            How::Reset => self.end(DisconnectCause::Reset),
            How::Silence => {
                if let Some(link) = &mut self.link {
                    link.silent = true;
                    link.up.clear();
                    link.down.clear();
                }
            }
            How::Unharmed => {}
        }
        if let Some(act) = self.on_cut.take() {
            act(self);
        }
    }

    /// The link ends for the machine alone.
    fn hide(&mut self) {
        let dialling = |link: &mut Link| !matches!(link.phase, Phase::Dialling { .. });
        let Some(Link { id, conn, daemon_closed, up, .. }) = self.link.take_if(dialling) else { return };
        if !daemon_closed {
            self.hidden.push((self.now + self.hidden_for, conn));
            // What the forwarder still had goes through.
            self.daemon.handle_input(self.now, conn, &up);
        }
        self.machine.handle_disconnected(self.now, id, DisconnectCause::EndOfFile);
    }

    /// Closes the link on this side at once, as a driver does whose program is in distress: without
    /// waiting for the daemon's end of file.
    pub fn close_link_here(&mut self) {
        self.end(DisconnectCause::Local);
    }

    /// When something happens by itself.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let link = self.link.as_ref().and_then(Link::wake_at);
        let hidden = self.hidden.first().map(|(at, _)| *at);
        [self.machine_wake, self.daemon_wake, link, hidden].into_iter().flatten().min()
    }

    /// Wakes the one whose time has come: the daemon and the wire first, so that a reply that is
    /// already there wins over a deadline.
    pub(super) fn wake(&mut self) -> bool {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= self.now);
        if due(self.daemon_wake) {
            self.daemon.handle_timeout(self.now);
            return true;
        }
        if due(self.link.as_ref().and_then(Link::wake_at)) {
            self.wake_link();
            return true;
        }
        if due(self.hidden.first().map(|(at, _)| *at)) {
            let (_, conn) = self.hidden.remove(0);
            self.daemon.handle_disconnected(self.now, conn);
            return true;
        }
        if due(self.machine_wake) {
            self.machine.handle_timeout(self.now);
            return true;
        }
        false
    }

    fn wake_link(&mut self) {
        let Some(link) = self.link.as_mut() else { return };
        let id = link.id;
        match link.phase {
            Phase::Open => {}
            Phase::Dialling { .. } => {
                let refused = self.now < self.refuse_until;
                match (!refused).then(|| self.daemon.connect(self.now)).flatten() {
                    Some(conn) => {
                        (link.conn, link.phase) = (conn, Phase::Open);
                        self.tap.link_began();
                        self.machine.handle_connected(self.now, id);
                    }
                    None => {
                        self.link = None;
                        self.machine.handle_connect_failed(self.now, id, "refused");
                    }
                }
            }
            Phase::Flushing { .. } => {
                let _now = link.half_close(self.now);
            }
            Phase::HalfClosed { .. } => self.end(DisconnectCause::Local),
        }
    }
}
