//! Frames, made and read.

use alloc::vec::Vec;

use crate::{
    frame::FrameBuffer,
    machine::rebase,
    wire::{AnyRequest, AnyResponse, RequestFrame},
};

/// The frame of a response, prefix included.
#[must_use]
pub fn frame(response: &AnyResponse) -> Vec<u8> {
    let mut out = Vec::new();
    response.encode(&mut out).expect("it is short enough");
    out
}

/// A frame with any body.
#[must_use]
pub fn frame_of(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).expect("it is short enough");
    [&len.to_be_bytes(), body].concat()
}

/// A request as a machine writes it: its capabilities begin at the index in question (M4).
#[must_use]
pub fn as_written(request: &AnyRequest) -> AnyRequest {
    let mut written = request.clone();
    match rebase(&mut written) {
        Ok(()) => written,
        Err(_) => request.clone(),
    }
}

/// The requests that are whole in a buffer: a client writes nothing that is none.
pub fn requests(buffer: &mut FrameBuffer) -> Vec<RequestFrame> {
    let mut requests = Vec::new();
    while let Some(body) = buffer.next_frame().expect("a client writes no overlong frame") {
        let request = RequestFrame::decode(body).expect("a client writes valid frames");
        requests.push(request.expect("of one member"));
    }
    requests
}
