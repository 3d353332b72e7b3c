//! What can happen next.

use std::{fmt, str::FromStr};

use kpthin_core::machine::{DisconnectCause, LinkStatus};

use super::{
    What, World,
    calls::{Asked, Call, Stage},
    wire::Ghost,
};

/// Whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The daemon's.
    Daemon,
    /// The driver's, which waits for the end of a link.
    Driver,
    /// The machine's.
    Machine,
}

macro_rules! steps {
    ($( $(#[$doc:meta])* $step:ident $word:literal, )*) => {
        /// One thing that happens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step {
            $( $(#[$doc])* $step, )*
            /// The program cancels this call.
            Cancel(usize),
            /// This call gets a deadline.
            Deadline(usize),
            /// Time passes until this one's time comes.
            Time(Who),
        }

        impl fmt::Display for Step {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$step => f.write_str($word), )*
                    Self::Cancel(call) => write!(f, "cancel-{call}"),
                    Self::Deadline(call) => write!(f, "deadline-{call}"),
                    Self::Time(Who::Daemon) => f.write_str("daemon"),
                    Self::Time(Who::Driver) => f.write_str("driver"),
                    Self::Time(Who::Machine) => f.write_str("machine"),
                }
            }
        }

        impl FromStr for Step {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                let numbered = |number: &str| number.parse().map_err(|_| format!("no step: {word}"));
                Ok(match word {
                    $( $word => Self::$step, )*
                    "daemon" => Self::Time(Who::Daemon),
                    "driver" => Self::Time(Who::Driver),
                    "machine" => Self::Time(Who::Machine),
                    _ => match word.split_once('-') {
                        Some(("cancel", call)) => Self::Cancel(numbered(call)?),
                        Some(("deadline", call)) => Self::Deadline(numbered(call)?),
                        _ => return Err(format!("no step: {word}")),
                    },
                })
            }
        }
    };
}

steps! {
    /// The dial succeeds.
    Accept "accept",
    /// The program closes the machine.
    Close "close",
    /// The link ends for both sides, with what is on its way.
    Cut "cut",
    /// The machine gets the next frame, or the daemon's end of file behind it.
    Down "down",
    /// The machine sees the end of a link that was cut.
    Ended "ended",
    /// The daemon sees the end of a connection that only it still had, without what was on its way.
    GhostEnd "ghost-end",
    /// A forwarder hands the daemon what it still has.
    GhostUp "ghost-up",
    /// A forwarder ends the link for the client alone.
    Hide "hide",
    /// The driver closes the link without waiting for the daemon.
    Local "local",
    /// The mix network goes away.
    MixnetOff "mixnet-off",
    /// The mix network comes back.
    MixnetOn "mixnet-on",
    /// The client notices that the daemon has lost the link.
    Notice "notice",
    /// Half of the next frame arrives at the machine.
    PartDown "part-down",
    /// Half of the next frame arrives at the daemon.
    PartUp "part-up",
    /// The dial fails.
    Refuse "refuse",
    /// The daemon is started anew.
    Restart "restart",
    /// The daemon is started after it had stopped.
    StartDaemon "start-daemon",
    /// The daemon stops, and says so.
    ShutDown "shut-down",
    /// The program starts its next call.
    Start "start",
    /// The machine gets half of a frame, then the link ends.
    TornDown "torn-down",
    /// The daemon gets half of a frame, then the link ends.
    TornUp "torn-up",
    /// The daemon loses the link, and the client does not see it.
    Unseen "unseen",
    /// The daemon gets the next frame, or the client's end of file behind it.
    Up "up",
    /// The driver writes.
    Write "write",
}

impl World {
    /// Everything that can happen next.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.steps_of_the_program(&mut steps);
        self.steps_of_the_wire(&mut steps);
        self.steps_of_trouble(&mut steps);
        self.steps_of_time(&mut steps);
        steps
    }

    fn steps_of_the_program(&self, steps: &mut Vec<Step>) {
        if self.calls.iter().any(|call| call.stage == Stage::NotStarted) && !self.closed {
            steps.push(Step::Start);
        }
        let open = || self.open().filter(|(number, _)| self.calls[*number].ending == Asked::Nothing);
        if self.left.cancels > 0 {
            steps.extend(open().map(|(number, _)| Step::Cancel(number)));
        }
        if self.left.deadlines > 0 {
            steps.extend(open().map(|(number, _)| Step::Deadline(number)));
        }
        if self.left.closes > 0 {
            steps.push(Step::Close);
        }
    }

    fn steps_of_the_wire(&self, steps: &mut Vec<Step>) {
        if self.may_write() {
            steps.push(Step::Write);
        }
        if let Some(link) = &self.link {
            match link.conn {
                // It takes as long as it takes somebody to listen, unless it is refused.
                None if self.stopped => {}
                None => steps.push(Step::Accept),
                Some(_) if link.passes() => {
                    if self.can_deliver_up() {
                        steps.push(Step::Up);
                    }
                    if !link.down.is_empty() || link.daemon_closed {
                        steps.push(Step::Down);
                    }
                }
                Some(_) if link.unseen => steps.push(Step::Notice),
                Some(conn) => {
                    if link.daemon_closed || !self.devnet.wants_input(conn) {
                        steps.push(Step::Ended);
                    }
                }
            }
        }
        if let Some(ghost) = self.ghosts.first() {
            steps.push(Step::GhostEnd);
            if !ghost.up.is_empty() && self.devnet.wants_input(ghost.conn) {
                steps.push(Step::GhostUp);
            }
        }
    }

    /// Whether the daemon can get something now.
    pub(super) fn can_deliver_up(&self) -> bool {
        let Some(link) = self.link.as_ref().filter(|link| link.passes() && !link.daemon_closed) else {
            return false;
        };
        let eof = link.up.is_empty() && link.ends.is_some() && !link.eof_told;
        eof || (!link.up.is_empty() && link.conn.is_some_and(|conn| self.devnet.wants_input(conn)))
    }

    /// Whether a driver that writes later would write something.
    pub(super) fn may_write(&self) -> bool {
        let Some(link) = self.link.as_ref().filter(|link| link.conn.is_some() && link.ends.is_none()) else {
            return false;
        };
        if !self.plan.setting.lazy {
            return false;
        }
        let mut out = Vec::new();
        self.machine.clone().poll_transmit(self.now, link.id, &mut out);
        !out.is_empty()
    }

    fn steps_of_trouble(&self, steps: &mut Vec<Step>) {
        let left = &self.left;
        let mut may = |left: u8, step| {
            if left > 0 {
                steps.push(step);
            }
        };
        if let Some(link) = self.link.as_ref().filter(|link| link.passes()) {
            may(left.cuts, Step::Cut);
            if !link.daemon_closed {
                may(left.hidden, Step::Hide);
                may(left.local, Step::Local);
                may(left.unseen, Step::Unseen);
            }
            if link.up_part.is_empty() && !link.up.is_empty() && self.can_deliver_up() {
                may(left.torn, Step::TornUp);
                may(left.parts, Step::PartUp);
            }
            if link.down_part.is_empty() && !link.down.is_empty() {
                may(left.torn, Step::TornDown);
                may(left.parts, Step::PartDown);
            }
        }
        if self.link.as_ref().is_some_and(|link| link.conn.is_none()) {
            may(left.refusals, Step::Refuse);
        }
        if self.stopped {
            steps.push(Step::StartDaemon);
        } else {
            may(left.restarts, Step::Restart);
            may(left.shutdowns, Step::ShutDown);
        }
        if !self.mixnet {
            steps.push(Step::MixnetOn);
        } else if left.flaps > 0 {
            steps.push(Step::MixnetOff);
        }
    }

    fn steps_of_time(&self, steps: &mut Vec<Step>) {
        let wakes = self.wakes();
        let Some(next) = wakes.iter().map(|(at, _)| *at).min() else { return };
        if next > self.now && self.is_busy() && self.left.delays == 0 {
            return;
        }
        steps.extend(
            wakes.iter().filter(|(at, _)| *at == next || *at <= self.now).map(|(_, who)| Step::Time(*who)),
        );
    }

    /// Does one step, and lets both sides react.
    pub(super) fn apply(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Accept => self.accept(),
            Step::Cancel(number) => {
                self.left.cancels = self.left.cancels.saturating_sub(1);
                self.ask_to_end(number, Asked::Cancel);
            }
            Step::Close => {
                self.left.closes -= 1;
                for call in self.calls.iter_mut().filter(|call| call.open().is_some()) {
                    call.ending = Asked::Close;
                }
                for call in self.calls.iter_mut().filter(|call| call.stage == Stage::NotStarted) {
                    // A call of a closed machine is refused.
                    *call = Call { stage: Stage::Ended(None), ..Call::NEW };
                }
                self.machine.close(now);
            }
            Step::Cut => {
                self.left.cuts -= 1;
                self.cut();
            }
            Step::Deadline(number) => {
                self.left.deadlines -= 1;
                self.ask_to_end(number, Asked::Deadline);
            }
            Step::Down => self.down(false),
            Step::Ended => {
                if let Some(link) = self.link.take() {
                    let cause = link.cut.unwrap_or(DisconnectCause::EndOfFile);
                    self.machine.handle_disconnected(now, link.id, cause);
                }
            }
            Step::GhostEnd => {
                let ghost = self.ghosts.remove(0);
                self.devnet.handle_disconnected(now, ghost.conn);
            }
            Step::GhostUp => {
                if let Some(frame) = self.ghosts[0].up.pop_front() {
                    let conn = self.ghosts[0].conn;
                    self.seen(&frame);
                    self.devnet.handle_input(now, conn, &frame);
                }
            }
            Step::Hide => {
                self.left.hidden -= 1;
                self.lose(DisconnectCause::EndOfFile);
            }
            Step::Local => {
                self.left.local -= 1;
                self.lose(DisconnectCause::Local);
            }
            Step::MixnetOff | Step::MixnetOn => {
                self.mixnet = step == Step::MixnetOn;
                self.left.flaps -= u8::from(!self.mixnet);
                self.devnet.set_mixnet(now, self.mixnet);
            }
            Step::Notice => {
                if let Some(link) = self.link.take() {
                    self.machine.handle_disconnected(now, link.id, DisconnectCause::Reset);
                }
            }
            Step::PartDown => {
                self.left.parts -= 1;
                self.down(true);
            }
            Step::PartUp => {
                self.left.parts -= 1;
                self.up(true);
            }
            Step::Refuse => {
                self.left.refusals -= 1;
                if let Some(link) = self.link.take() {
                    self.machine.handle_connect_failed(now, link.id, "refused");
                }
            }
            Step::Restart => {
                self.left.restarts -= 1;
                self.devnet.restart(now);
            }
            Step::ShutDown => {
                self.left.shutdowns -= 1;
                self.stopped = true;
                self.devnet.shutdown(now);
            }
            Step::Start => self.start(),
            Step::StartDaemon => {
                self.stopped = false;
                self.devnet.restart(now);
            }
            Step::Time(who) => self.wake(who),
            Step::TornDown => {
                self.left.torn -= 1;
                self.down(true);
                self.cut();
            }
            Step::TornUp => {
                self.left.torn -= 1;
                self.up(true);
                self.cut();
            }
            Step::Unseen => {
                self.left.unseen -= 1;
                self.unseen();
            }
            Step::Up => self.up(false),
            Step::Write => self.writing = true,
        }
        self.drain();
        self.writing = false;
        self.check();
    }

    fn accept(&mut self) {
        let conn = self.devnet.connect(self.now);
        let Some(link) = &mut self.link else { return };
        link.conn = Some(conn);
        let id = link.id;
        self.live.clear();
        self.cancels.clear();
        self.machine.handle_connected(self.now, id);
    }

    fn start(&mut self) {
        let Some(number) = self.calls.iter().position(|call| call.stage == Stage::NotStarted) else { return };
        let request = self.plan.calls[number].request.clone();
        let id = self.machine.start(self.now, request, None);
        self.calls[number].stage = Stage::Open(id);
        if self.plan.calls[number].what == What::CancelWrite {
            let prepared = self.plan.calls.iter().zip(&mut self.calls);
            prepared
                .filter(|(prepared, _)| prepared.what == What::Write)
                .for_each(|(_, write)| write.ending = Asked::Cancel);
        }
    }

    fn ask_to_end(&mut self, number: usize, how: Asked) {
        let Some(id) = self.calls[number].open() else { return };
        self.calls[number].ending = how;
        match how {
            Asked::Deadline => {
                let at = self.now + std::time::Duration::from_secs(1);
                self.machine.set_deadline(self.now, id, Some(at));
            }
            Asked::Cancel | Asked::Close | Asked::Nothing => self.machine.cancel(self.now, id),
        }
    }

    fn up(&mut self, half: bool) {
        let Some(link) = &mut self.link else { return };
        let Some(conn) = link.conn else { return };
        let Some(mut frame) = link.up.pop_front() else {
            link.eof_told = true;
            return self.devnet.handle_eof(self.now, conn);
        };
        if half {
            link.up.push_front(frame.split_off(frame.len() / 2));
            link.up_part.extend(&frame);
        } else {
            let whole = [std::mem::take(&mut link.up_part), frame.clone()].concat();
            self.seen(&whole);
        }
        self.devnet.handle_input(self.now, conn, &frame);
    }

    fn down(&mut self, half: bool) {
        let Some(link) = &mut self.link else { return };
        let id = link.id;
        let Some(mut frame) = link.down.pop_front() else {
            self.link = None;
            return self.machine.handle_disconnected(self.now, id, DisconnectCause::EndOfFile);
        };
        let hands_over = link.hands_over();
        if half {
            link.down.push_front(frame.split_off(frame.len() / 2));
            link.down_part.extend(&frame);
        } else {
            let whole = [std::mem::take(&mut link.down_part), frame.clone()].concat();
            self.heard(&whole);
        }
        if hands_over {
            self.machine.handle_input(self.now, id, &frame);
        }
    }

    /// The link ends for both sides.
    fn cut(&mut self) {
        let Some(link) = &mut self.link else { return };
        let Some(conn) = link.conn else { return };
        link.up.clear();
        link.down.clear();
        link.cut = Some(DisconnectCause::EndOfFile);
        if !link.daemon_closed {
            self.devnet.handle_disconnected(self.now, conn);
        }
    }

    /// The link ends for the client alone.
    fn lose(&mut self, cause: DisconnectCause) {
        let Some(link) = self.link.take() else { return };
        let Some(conn) = link.conn else { return };
        self.ghosts.push(Ghost { conn, up: link.up });
        self.machine.handle_disconnected(self.now, link.id, cause);
    }

    fn unseen(&mut self) {
        let Some(link) = &mut self.link else { return };
        let Some(conn) = link.conn else { return };
        link.up.clear();
        link.down.clear();
        link.unseen = true;
        self.devnet.handle_disconnected(self.now, conn);
    }

    /// Whether bytes are on their way, which arrive before time passes.
    pub(super) fn is_busy(&self) -> bool {
        let Some(link) = &self.link else { return false };
        let arrives = link.passes() && (self.can_deliver_up() || !link.down.is_empty() || link.daemon_closed);
        let ended = link.cut.is_some()
            && link.conn.is_some_and(|conn| link.daemon_closed || !self.devnet.wants_input(conn));
        link.conn.is_none() || arrives || ended || self.may_write()
    }

    pub(super) fn is_down(&self) -> bool {
        self.machine.status().link == LinkStatus::Down && self.link.is_none()
    }
}
