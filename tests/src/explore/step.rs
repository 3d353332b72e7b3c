//! What can happen next.

use std::{fmt, str::FromStr};

use super::{
    World,
    calls::{Asked, Stage},
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

    /// Whether bytes are on their way, which arrive before time passes.
    pub(super) fn is_busy(&self) -> bool {
        let Some(link) = &self.link else { return false };
        let arrives = link.passes() && (self.can_deliver_up() || !link.down.is_empty() || link.daemon_closed);
        let ended = link.cut.is_some()
            && link.conn.is_some_and(|conn| link.daemon_closed || !self.devnet.wants_input(conn));
        link.conn.is_none() || arrives || ended || self.may_write()
    }
}
