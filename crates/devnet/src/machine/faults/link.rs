//! Frames that are not as they should be.

use kpthin_core::frame::BODY_LEN_MAX;
use kpthin_core::wire::{AnyResponse, QueryId};

use super::super::Devnet;
use crate::pigeonhole::Entropy;

/// A text that begins a map and is not there.
const MALFORMED: [u8; 6] = [0, 0, 0, 2, 0xa1, 0x7f];
/// `{"devnet_invention": {}}`
const UNKNOWN: [u8; 23] = *b"\0\0\0\x13\xa1\x70devnet_invention\xa0";

/// What becomes of a frame on its way.
#[derive(Debug)]
pub(in super::super) enum Broken {
    /// The connection ends behind these bytes.
    Cut(Vec<u8>),
    /// It is sent, with others.
    Sent(Vec<Vec<u8>>),
}

impl Devnet {
    /// Has faults strike a frame.
    pub(in super::super) fn disturb(&mut self, response: &AnyResponse, frame: Vec<u8>) -> Broken {
        if self.strikes(self.faults.cut) {
            let half = frame.len() / 2;
            return Broken::Cut(frame.get(..half).unwrap_or_default().to_vec());
        }
        let mut frames = Vec::new();
        if self.strikes(self.faults.unknown) {
            frames.push(UNKNOWN.to_vec());
        }
        if self.strikes(self.faults.malformed) {
            frames.push(MALFORMED.to_vec());
        }
        if self.strikes(self.faults.oversize) {
            let len = u32::try_from(BODY_LEN_MAX).unwrap_or(u32::MAX).saturating_add(1);
            frames.push(len.to_be_bytes().to_vec());
        }
        if let AnyResponse::Reply(reply) = response {
            if self.strikes(self.faults.misdirected) {
                let mut other = reply.clone();
                other.query_id = Some(QueryId::from(self.fault_entropy.draw::<16>()));
                let mut bytes = Vec::new();
                if AnyResponse::Reply(other).encode(&mut bytes).is_ok() {
                    frames.push(bytes);
                }
            }
            if self.strikes(self.faults.duplicate) {
                frames.push(frame.clone());
            }
        }
        frames.push(frame);
        Broken::Sent(frames)
    }
}
