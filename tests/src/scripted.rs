//! A daemon that does what a test tells it to, honest or not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use kpthin_core::{
    Instant,
    frame::FrameBuffer,
    wire::{AnyRequest, AnyResponse, InstanceToken, RequestFrame, Shutdown},
};

use crate::{Conn, Daemon, sample};

/// What is said to one client.
#[derive(Debug, Default)]
struct Line {
    input: FrameBuffer,
    out: Vec<u8>,
    later: BTreeMap<(Instant, u64), Vec<u8>>,
    token: Option<[u8; 16]>,
    /// Nothing more is read or said.
    closing: bool,
}

/// What a script can do with a request.
#[derive(Debug)]
pub struct Talk<'a> {
    now: Instant,
    order: u64,
    line: &'a mut Line,
}

impl Talk<'_> {
    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Says it now.
    pub fn send(&mut self, response: &AnyResponse) {
        response.encode(&mut self.line.out).expect("it is short enough");
    }

    /// Says it after a while, whatever is said in between.
    pub fn send_after(&mut self, pause: Duration, response: &AnyResponse) {
        self.order += 1;
        self.line.later.insert((self.now + pause, self.order), sample::frame(response));
    }

    /// Answers as an honest daemon does, if there is something to say.
    pub fn answer(&mut self, frame: &RequestFrame) {
        self.answer_after(Duration::ZERO, frame);
    }

    /// The same after a while.
    pub fn answer_after(&mut self, pause: Duration, frame: &RequestFrame) {
        match &frame.request {
            AnyRequest::SendMessage(send) => {
                self.send_after(pause, &sample::sent(send));
                self.send_after(pause + Duration::from_secs(1), &sample::echo(send));
            }
            _ => {
                if let Some(answer) = sample::answer(frame) {
                    self.send_after(pause, &answer);
                }
            }
        }
    }

    /// Says these bytes, whatever they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.line.out.extend_from_slice(bytes);
    }

    /// Says these bytes as the body of a frame.
    pub fn frame(&mut self, body: &[u8]) {
        self.raw(&sample::frame_of(body));
    }

    /// Closes the connection.
    pub const fn close(&mut self) {
        self.line.closing = true;
    }
}

type Script = Box<dyn FnMut(&mut Talk<'_>, &RequestFrame)>;

/// A daemon whose handshake is honest and whose answers are a script's.
pub struct Scripted {
    /// The process; another one means a restart.
    pub instance: InstanceToken,
    /// What it says about the mix network.
    pub mixnet: bool,
    /// It accepts nobody.
    pub down: bool,
    /// It accepts, and says nothing at all.
    pub mute: bool,
    script: Script,
    lines: BTreeMap<Conn, Line>,
    conns: Conn,
    order: u64,
    sessions: BTreeSet<[u8; 16]>,
}

impl Scripted {
    /// A daemon that treats requests as the script says.
    #[must_use]
    pub fn new(script: impl FnMut(&mut Talk<'_>, &RequestFrame) + 'static) -> Self {
        Self {
            instance: InstanceToken::from([1; 16]),
            mixnet: true,
            down: false,
            mute: false,
            script: Box::new(script),
            lines: BTreeMap::new(),
            conns: 0,
            order: 0,
            sessions: BTreeSet::new(),
        }
    }

    /// A daemon that answers everything at once.
    #[must_use]
    pub fn honest() -> Self {
        Self::new(|talk, frame| talk.answer(frame))
    }

    /// A daemon that completes the handshake and then answers nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_, _| {})
    }

    /// Forgets everybody.
    pub fn forget_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Becomes another process; connections end.
    pub fn restart(&mut self) {
        let next = self.instance.as_bytes()[0].wrapping_add(1);
        self.instance = InstanceToken::from([next; 16]);
        self.forget_sessions();
        for line in self.lines.values_mut() {
            line.closing = true;
        }
    }

    /// The same, announced.
    pub fn shut_down(&mut self) {
        self.broadcast(&AnyResponse::Shutdown(Shutdown {}));
        self.restart();
    }

    /// Tells everybody what it has become of the mix network.
    pub fn set_mixnet(&mut self, mixnet: bool) {
        self.mixnet = mixnet;
        let status = self.status();
        self.broadcast(&status);
    }

    /// Says the same to every client.
    pub fn broadcast(&mut self, response: &AnyResponse) {
        for line in self.lines.values_mut().filter(|line| !line.closing) {
            response.encode(&mut line.out).expect("it is short enough");
        }
    }

    /// Says the same bytes to every client.
    pub fn broadcast_raw(&mut self, bytes: &[u8]) {
        for line in self.lines.values_mut().filter(|line| !line.closing) {
            line.out.extend_from_slice(bytes);
        }
    }

    fn status(&self) -> AnyResponse {
        sample::status(self.instance, self.mixnet)
    }

    fn treat(&mut self, now: Instant, conn: Conn, frame: &RequestFrame) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        match &frame.request {
            AnyRequest::SessionToken(present) => {
                let token = present.client_instance_token.to_bytes();
                line.token = Some(token);
                let resumed = !self.sessions.insert(token);
                sample::session(resumed).encode(&mut line.out).expect("it is short enough");
            }
            AnyRequest::ThinClose(_) => {
                if let Some(token) = line.token {
                    self.sessions.remove(&token);
                }
                line.closing = true;
            }
            _ => {
                let mut talk = Talk { now, order: self.order, line };
                (self.script)(&mut talk, frame);
                self.order = talk.order;
            }
        }
    }
}

impl Daemon for Scripted {
    fn connect(&mut self, _: Instant) -> Option<Conn> {
        if self.down {
            return None;
        }
        self.conns += 1;
        let mut line = Line::default();
        if !self.mute {
            line.out = sample::greeting(self.instance, self.mixnet);
        }
        self.lines.insert(self.conns, line);
        Some(self.conns)
    }

    fn handle_input(&mut self, now: Instant, conn: Conn, bytes: &[u8]) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        if line.closing || self.mute {
            return;
        }
        line.input.push(bytes);
        for frame in sample::requests(&mut line.input) {
            self.treat(now, conn, &frame);
        }
    }

    fn handle_eof(&mut self, _: Instant, conn: Conn) {
        if let Some(line) = self.lines.get_mut(&conn) {
            line.closing = true;
        }
    }

    fn handle_disconnected(&mut self, _: Instant, conn: Conn) {
        self.lines.remove(&conn);
    }

    fn handle_timeout(&mut self, now: Instant) {
        for line in self.lines.values_mut() {
            while let Some(entry) = line.later.first_entry().filter(|entry| entry.key().0 <= now) {
                line.out.extend(entry.remove());
            }
        }
    }

    fn drain(&mut self, now: Instant, closed: &mut Vec<Conn>) -> Option<Instant> {
        self.handle_timeout(now);
        closed.extend(self.lines.iter().filter(|(_, line)| line.closing).map(|(conn, _)| *conn));
        self.lines.values().filter_map(|line| line.later.keys().next().map(|(at, _)| *at)).min()
    }

    fn poll_transmit(&mut self, _: Instant, conn: Conn, out: &mut Vec<u8>) {
        if let Some(line) = self.lines.get_mut(&conn) {
            out.append(&mut line.out);
        }
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("instance", &self.instance)
            .field("mixnet", &self.mixnet)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}
