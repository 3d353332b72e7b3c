//! Frames that are not as they should be.

use kpthin_core::frame::BODY_LEN_MAX;
use kpthin_core::wire::{AnyResponse, QueryId};

use crate::env::Env;

/// A text that begins a map and is not there.
const MALFORMED: [u8; 6] = [0, 0, 0, 2, 0xa1, 0x7f];
/// `{"devnet_invention": {}}`
const UNKNOWN: [u8; 23] = *b"\0\0\0\x13\xa1\x70devnet_invention\xa0";

/// What becomes of a frame on its way.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection ends behind these bytes.
    Cut(Vec<u8>),
    /// It is sent, with others.
    Sent(Vec<Vec<u8>>),
}

impl Broken {
    /// Has faults strike a frame.
    pub(super) fn new(env: &mut Env<'_>, response: &AnyResponse, frame: Vec<u8>) -> Self {
        if env.injector.strikes(|faults| faults.cut) {
            let half = frame.len() / 2;
            return Self::Cut(frame.get(..half).unwrap_or_default().to_vec());
        }
        let mut frames = Vec::new();
        if env.injector.strikes(|faults| faults.unknown) {
            frames.push(UNKNOWN.to_vec());
        }
        if env.injector.strikes(|faults| faults.malformed) {
            frames.push(MALFORMED.to_vec());
        }
        if env.injector.strikes(|faults| faults.oversize) {
            let len = u32::try_from(BODY_LEN_MAX).unwrap_or(u32::MAX).saturating_add(1);
            frames.push(len.to_be_bytes().to_vec());
        }
        if let AnyResponse::Reply(reply) = response {
            if env.injector.strikes(|faults| faults.misdirected) {
                let mut other = reply.clone();
                other.query_id = Some(QueryId::from(env.injector.draw::<16>()));
                let mut bytes = Vec::new();
                if AnyResponse::Reply(other).encode(&mut bytes).is_ok() {
                    frames.push(bytes);
                }
            }
            if env.injector.strikes(|faults| faults.duplicate) {
                frames.push(frame.clone());
            }
        }
        frames.push(frame);
        Self::Sent(frames)
    }
}
