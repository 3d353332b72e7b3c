//! The machine's rules, one subject a file, and the rig they share.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks at what it is about")]

mod rig;
mod sample;
mod script;

mod backoff;
mod budget;
mod busy;
mod cancelling;
mod cancels;
mod closing;
mod deadlines;
mod documents;
mod ending;
mod fencing;
mod fingerprint;
mod handshake;
mod keys;
mod lanes;
mod limits;
mod messages;
mod pace;
mod poison;
mod polling;
mod probe;
mod random;
mod rebase;
mod replay;
mod silence;
mod transmit;
mod undecodable;
mod validate;
mod windows;

use core::{mem, time::Duration};

use super::{CallId, Config, DisconnectCause, DisconnectMode, Event, LinkError, LinkStatus, Machine, Output};
use crate::{
    Instant,
    error::{CallError, CloseReason},
    wire::{AnyReply, AnyRequest, AnyResponse, RequestFrame, RequestKind, SurbId},
};

use self::{
    rig::{Rig, decode, ms, s, surb},
    sample::{frame, good, no_document, session, status},
};
