//! What becomes of a call when its link was lost: one pure function.

use super::super::between::SessionFate;
use crate::wire::Class;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    /// Its key is cancelled once, then it is started under a new id (§3.7).
    CancelThenStart,
    /// It ends: sending it again could do it twice.
    Fail,
    /// Its answer is queued at the daemon, or its deadline ends it (§3.6).
    KeepWaiting,
    /// It was never written, and is sent when its turn comes.
    Send,
    /// It is written again under the id it had.
    SendAgain,
}

/// Decides what becomes of a call of `class` that had been `written` or not.
///
/// Cancelling an unknown key succeeds, so operations need no distinction of sessions.
pub(super) const fn decide(class: Class, written: bool, session: SessionFate) -> Replay {
    match (class, written, session) {
        (_, false, _) => Replay::Send,
        (Class::Local, true, _) => Replay::SendAgain,
        (Class::Operation, true, _) => Replay::CancelThenStart,
        (Class::Message, true, SessionFate::Resumed) => Replay::KeepWaiting,
        (Class::Message, true, SessionFate::Lost) | (Class::Session, true, _) => Replay::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Replay::{CancelThenStart, Fail, KeepWaiting, Send, SendAgain},
        SessionFate::{Lost, Resumed},
        *,
    };

    #[test]
    fn the_replay_table() {
        let table = [
            (Class::Local, Send, SendAgain, SendAgain),
            (Class::Operation, Send, CancelThenStart, CancelThenStart),
            (Class::Message, Send, KeepWaiting, Fail),
            (Class::Session, Send, Fail, Fail),
        ];
        for (class, unwritten, resumed, lost) in table {
            assert_eq!(decide(class, false, Resumed), unwritten);
            assert_eq!(decide(class, false, Lost), unwritten);
            assert_eq!(decide(class, true, Resumed), resumed, "{class:?}");
            assert_eq!(decide(class, true, Lost), lost, "{class:?}");
        }
    }
}
