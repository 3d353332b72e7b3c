//! The calls of a world, and what has to be true when they end.

use kpthin_core::{
    error::{CallError, Fate, ReplicaError},
    machine::CallId,
    wire::{AnyReply, AnyRequest, Class, MessageBoxIndex, ReadCap},
};
use kpthin_devnet::{BoxState, Devnet};

use crate::tap::plain;

/// A call that a world can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A cancel of the write, asked for as a call.
    CancelWrite,
    /// A copy command.
    Copy,
    /// A local request that packs a copy stream.
    Create,
    /// A slow local request.
    Encrypt,
    /// A quick local request.
    Keypair,
    /// A message to the echo service.
    Message,
    /// One whose reply nobody waits for.
    MessageWithoutReply,
    /// A read of a box that is not written, which the daemon repeats until it is: by [`What::Write`], if at all.
    Poll,
    /// A read of a box that is written.
    Read,
    /// A read of a box that is not written.
    ReadUnwritten,
    /// The write of a box.
    Write,
}

/// What success means.
#[derive(Clone, Debug)]
pub(super) enum Expect {
    /// This very reply.
    Reply(Box<AnyReply>),
    /// A reply of the request's kind.
    Kind,
    /// A plaintext.
    Plaintext(Vec<u8>),
    /// The plaintext of a box, once it is filled.
    Polled(ReadCap, MessageBoxIndex, Vec<u8>),
    /// It never succeeds: the box is not written.
    Unwritten,
    /// A box is filled.
    Stored(ReadCap, MessageBoxIndex, Vec<u8>),
}

/// A call as it was prepared, the same for all states of a world.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) what: What,
    pub(super) request: AnyRequest,
    pub(super) plain: Vec<u8>,
    pub(super) class: Class,
    pub(super) expect: Expect,
}

impl Prepared {
    pub(super) fn new(what: What, request: impl Into<AnyRequest>, expect: Expect) -> Self {
        let request = request.into();
        Self { what, plain: plain(&request), class: request.kind().class(), request, expect }
    }

    /// Whether it may wait for ever, as documented: for a box that nobody writes.
    pub(super) fn may_wait(&self, devnet: &Devnet) -> bool {
        match &self.expect {
            Expect::Polled(cap, index, _) => devnet.read_box(cap, index) == BoxState::NotWritten,
            _ => false,
        }
    }

    /// What is wrong with the end of a call, looking at the daemon's boxes.
    pub(super) fn judge(
        &self,
        call: &Call,
        result: &Result<AnyReply, CallError>,
        devnet: &Devnet,
    ) -> Option<String> {
        match result {
            Ok(reply) => self.judge_success(reply, devnet),
            Err(error) => self.judge_fate(call, error).or_else(|| self.judge_error(call, error)),
        }
    }

    fn judge_success(&self, reply: &AnyReply, devnet: &Devnet) -> Option<String> {
        let sent = matches!(reply, AnyReply::MessageSent(_)) && self.what == What::MessageWithoutReply;
        if reply.kind() != self.request.kind() && !sent {
            return Some(format!("a reply of another kind: {:?}", reply.kind()));
        }
        let fine = match (&self.expect, reply) {
            (Expect::Reply(expected), reply) => **expected == *reply,
            (Expect::Kind, _) => true,
            (
                Expect::Plaintext(expected) | Expect::Polled(_, _, expected),
                AnyReply::StartResendingEncryptedMessage(reply),
            ) => reply.plaintext.as_ref().is_some_and(|plaintext| plaintext[..] == expected[..]),
            (Expect::Stored(cap, index, text), _) => {
                devnet.read_box(cap, index) == BoxState::Message(text.clone())
            }
            (Expect::Plaintext(_) | Expect::Polled(..) | Expect::Unwritten, _) => false,
        };
        (!fine).then(|| format!("{:?} succeeded with the wrong result", self.what))
    }

    fn judge_fate(&self, call: &Call, error: &CallError) -> Option<String> {
        // Cancels are written by the machine itself as well.
        if self.what == What::CancelWrite {
            return None;
        }
        let what = self.what;
        match error.fate() {
            Fate::NotSent if call.seen > 0 => {
                Some(format!("{what:?} is not sent, but the daemon saw it: {error:?}"))
            }
            Fate::NotSent if call.written > 0 => {
                Some(format!("{what:?} is not sent, but it was written: {error:?}"))
            }
            Fate::MaybeExecuted if call.written == 0 => {
                Some(format!("{what:?} may be executed, but it was not written: {error:?}"))
            }
            Fate::Refused if call.seen == 0 => {
                Some(format!("{what:?} is refused, but the daemon never saw it: {error:?}"))
            }
            Fate::NotSent | Fate::Refused | Fate::MaybeExecuted => None,
        }
    }

    /// Each class may fail in its own ways only.
    fn judge_error(&self, call: &Call, error: &CallError) -> Option<String> {
        let expected = match error {
            CallError::Cancelled(_) => call.ending == Asked::Cancel,
            CallError::TimedOut(_) => call.ending == Asked::Deadline,
            CallError::Closed(..) => call.ending == Asked::Close,
            CallError::LinkLost(_) | CallError::Unanswered => self.class == Class::Message,
            CallError::Replica(ReplicaError::BoxIdNotFound) => matches!(self.expect, Expect::Unwritten),
            _ => false,
        };
        (!expected).then(|| format!("{:?} failed with {error:?}", self.what))
    }
}

/// What the program did to end a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    Cancel,
    Close,
    Deadline,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    NotStarted,
    Open(CallId),
    /// It succeeded, or failed with this fate.
    Ended(Option<Fate>),
}

/// A call of a world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) stage: Stage,
    pub(super) ending: Asked,
    /// How often its request was written.
    pub(super) written: u8,
    /// How often the daemon got it.
    pub(super) seen: u8,
}

impl Call {
    pub(super) const NEW: Self =
        Self { stage: Stage::NotStarted, ending: Asked::Nothing, written: 0, seen: 0 };

    pub(super) const fn open(&self) -> Option<CallId> {
        match self.stage {
            Stage::Open(id) => Some(id),
            Stage::NotStarted | Stage::Ended(_) => None,
        }
    }
}
