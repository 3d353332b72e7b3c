//! What a courier's reply means for an operation: a pure table (§9.2).

use crate::pigeonhole::messages::ReplyType;

/// What an operation wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A courier's word that a copy command has ended.
    Copy,
    /// The content of a box.
    Read,
    /// A replica's word that the box is written.
    StrictWrite,
    /// The courier's word that it has the envelope.
    Write,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It is over, with this code of the thin-client namespace.
    Finish(u8),
    /// Look into the payload.
    Payload,
    /// Send the same envelope again, to collect what the replicas answer.
    Resend,
}

/// Decides what becomes of an operation after a courier's reply.
///
/// Whether an ACK came before makes no difference: the operation it would have ended is over.
pub(super) const fn decide(goal: Goal, reply: ReplyType, courier_error: u8) -> Action {
    if courier_error != 0 {
        return Action::Finish(thin_code(courier_error));
    }
    match (reply, goal) {
        // A courier never answers a copy command so.
        (_, Goal::Copy) => Action::Finish(4),
        (ReplyType::Payload, _) => Action::Payload,
        (ReplyType::Ack, Goal::Write) => Action::Finish(0),
        (ReplyType::Ack, Goal::Read | Goal::StrictWrite) => Action::Resend,
    }
}

/// Couriers have a namespace of their own, which clients never see (§5.2).
const fn thin_code(courier_error: u8) -> u8 {
    match courier_error {
        2 => 12,
        3 => 13,
        4 => 32,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Goal::{Read, StrictWrite, Write};
        use ReplyType::{Ack, Payload};
        for (goal, reply, error, action) in [
            (Read, Ack, 0, Action::Resend),
            (StrictWrite, Ack, 0, Action::Resend),
            (Write, Ack, 0, Action::Finish(0)),
            (Read, Payload, 0, Action::Payload),
            (StrictWrite, Payload, 0, Action::Payload),
            (Write, Payload, 0, Action::Payload),
            (Read, Ack, 1, Action::Finish(31)),
            (Write, Ack, 2, Action::Finish(12)),
            (Read, Payload, 3, Action::Finish(13)),
            (Write, Payload, 4, Action::Finish(32)),
            (StrictWrite, Ack, 99, Action::Finish(31)),
        ] {
            assert_eq!(decide(goal, reply, error), action, "{goal:?} {reply:?} {error}");
        }
    }
}
