//! Bodies of frames: what is decoded is encoded to something that decodes to the same.

use kpthin_core::wire::{AnyResponse, RequestFrame};

pub(super) fn requests(body: &[u8]) {
    let Ok(Some(frame)) = RequestFrame::decode(body) else { return };
    let mut bytes = Vec::new();
    if frame.encode(&mut bytes).is_ok() {
        assert_eq!(RequestFrame::decode(&bytes[4..]), Ok(Some(frame)));
    }
}

pub(super) fn responses(body: &[u8]) {
    let Ok(Some(response)) = AnyResponse::decode(body) else { return };
    let mut bytes = Vec::new();
    if response.encode(&mut bytes).is_ok() {
        assert_eq!(AnyResponse::decode(&bytes[4..]), Ok(Some(response)));
    }
}
