//! What becomes of the daemon while the wire is cut, and of a message that was under way.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, Fate},
    wire::{AnyReply, SendMessage},
};

use crate::{Cut, Net, Pair, Scripted, sample};

const SECOND: Duration = Duration::from_secs(1);

/// What the daemon is when the client comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The same, and it has kept the session.
    Resumed,
    /// The same, and it has forgotten the session.
    GraceExpired,
    /// Another process.
    Restarted,
    /// Another process, and the last one has said that it stops.
    ShutDown,
}

impl After {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Resumed, Self::GraceExpired, Self::Restarted, Self::ShutDown];
}

impl Pair<Scripted> {
    /// Cuts the wire, and lets that happen meanwhile.
    pub fn cut_then(&mut self, cut: Cut, after: After) {
        self.on_cut(cut, move |pair| match after {
            After::Resumed => {}
            After::GraceExpired => pair.daemon.forget_sessions(),
            After::Restarted => pair.daemon.restart(),
            After::ShutDown => pair.daemon.shut_down(),
        });
    }
}

impl Pair<Net> {
    /// Cuts the wire, and lets that happen meanwhile; sessions have to expire within half a minute.
    pub fn cut_then(&mut self, cut: Cut, after: After) {
        self.on_cut(cut, move |pair| {
            let now = pair.now();
            match after {
                After::Resumed => {}
                After::GraceExpired => pair.refuse_until = now + 30 * SECOND,
                After::Restarted => pair.daemon.restart(now),
                After::ShutDown => pair.daemon.bounce(now, 3 * SECOND),
            }
        });
    }

    /// A message to the network's echo service.
    #[must_use]
    pub fn echo(&self, n: u64) -> SendMessage {
        let document = self.machine.document().expect("a document");
        let echo = document.services("echo").next().expect("an echo service").destination();
        SendMessage { destination_id_hash: echo.node, recipient_queue_id: echo.queue, ..sample::message(n) }
    }
}

/// A message is answered, or its reply was lost with the daemon, or it never came to the daemon.
pub fn answered_or_lost(result: Result<AnyReply, CallError>, was_cut: bool) {
    match result {
        Ok(_) => {}
        Err(error @ (CallError::LinkLost(_) | CallError::Unanswered)) => {
            assert_eq!(error.fate(), Fate::MaybeExecuted);
            assert!(was_cut, "lost without a cause");
        }
        Err(error) => panic!("{error:?}"),
    }
}
