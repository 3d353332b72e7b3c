//! One try of an operation: an envelope is made, and sent until it is answered.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use kpthin_core::{
    error::CallError,
    wire::{ResendingReply, StartResendingEncryptedMessage},
};

use super::{super::Client, patience::Lasted};
use crate::{call::Call, machines::CallKey};

/// How often the same envelope is started before it is encrypted afresh.
const STARTS_MAX: u32 = 3;

/// What is done to a box, any number of times if need be: something is encrypted, and sent until it
/// is answered.
pub(in super::super) trait BoxOperation: Send + Sync {
    /// What is encrypted afresh for every try.
    type Envelope: Send + Sync + Unpin;
    /// What the caller wants.
    type Answer: Send;

    /// Whether it reads rather than writes.
    const IS_READ: bool;

    fn encrypt(&self, client: &Client) -> Call<Self::Envelope>;

    fn request(&self, envelope: &Self::Envelope) -> StartResendingEncryptedMessage;

    /// What the daemon's answer means, which may be an answer even if it is an error.
    fn answer(
        &self,
        envelope: &Self::Envelope,
        result: Result<ResendingReply, CallError>,
    ) -> Result<Self::Answer, CallError>;
}

/// One try.
pub(super) struct Try<O: BoxOperation> {
    stage: Stage<O>,
    /// How long it has been on its way.
    pub(super) lasted: Lasted,
}

enum Stage<O: BoxOperation> {
    Encrypting(Call<O::Envelope>),
    Started {
        call: Call<ResendingReply>,
        envelope: O::Envelope,
        /// How often it was started.
        starts: u32,
    },
}

/// What happens to a try.
pub(super) enum Step<A> {
    Ended(Result<A, CallError>),
    Started,
}

impl<O: BoxOperation> Try<O> {
    pub(super) fn encrypting(client: &Client, operation: &O) -> Self {
        Self { stage: Stage::Encrypting(operation.encrypt(client)), lasted: Lasted::since(client.now()) }
    }

    pub(super) const fn key(&self) -> Option<CallKey> {
        match &self.stage {
            Stage::Encrypting(_) => None,
            Stage::Started { call, .. } => call.key(),
        }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client,
        operation: &O,
    ) -> Poll<Step<O::Answer>> {
        match &mut self.stage {
            Stage::Encrypting(call) => Pin::new(call).poll(cx).map(|encrypted| match encrypted {
                Ok(envelope) => {
                    let call = client.start_resending_encrypted_message(operation.request(&envelope));
                    self.stage = Stage::Started { call, envelope, starts: 1 };
                    Step::Started
                }
                Err(error) => Step::Ended(Err(error)),
            }),
            Stage::Started { call, envelope, .. } => {
                Pin::new(call).poll(cx).map(|result| Step::Ended(operation.answer(envelope, result)))
            }
        }
    }

    /// Starts it again: the daemon draws another courier for what is encrypted already.
    ///
    /// It may as well be the replicas that don't answer, so after some starts it is encrypted afresh.
    pub(super) fn again(self, client: &Client, operation: &O) -> Self {
        match self.stage {
            Stage::Started { call, envelope, starts } if starts < STARTS_MAX => {
                // One key has one live call: the cancel goes first.
                drop(call);
                let call = client.start_resending_encrypted_message(operation.request(&envelope));
                let stage = Stage::Started { call, envelope, starts: starts + 1 };
                Self { stage, lasted: Lasted::since(client.now()) }
            }
            _ => Self::encrypting(client, operation),
        }
    }
}
