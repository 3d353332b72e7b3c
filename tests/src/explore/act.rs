//! How each step is done.

use kpthin_core::machine::DisconnectCause;

use super::{
    Step, What, World,
    calls::{Asked, Call, Stage},
    wire::Ghost,
};

impl World {
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
        self.old_cancels |= !self.cancels.is_empty();
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
}
