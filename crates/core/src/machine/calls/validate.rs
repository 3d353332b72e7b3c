//! What is refused before anything is sent, with the sizes given and allowed.

use alloc::vec::Vec;

use crate::{
    error::{CallError, InvalidRequest},
    frame::BODY_LEN_MAX,
    wire::{
        AnyRequest, Class, CreateCourierEnvelopesFromTombstoneRange, FrameTooLarge, Geometry, QueryId,
        SecretBytes, encode_request,
    },
};

/// The most a copy call may carry per destination: 10 MiB (§4.14).
const COPY_PAYLOAD_MAX: usize = 10 * 1024 * 1024;
/// The most elements a reply may hold (§4.17).
const ELEMENTS_MAX: u64 = 131_072;

/// What a request weighs in memory, roughly: its contents, and a little for the rest.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others consist of one part")]
pub(super) fn size(request: &AnyRequest) -> usize {
    // A write that names its box needs 544 bytes besides its contents.
    const REST: usize = 576;
    let destinations = match request {
        AnyRequest::CreateCourierEnvelopesFromMultiPayload(create) => create.destinations.len(),
        _ => 0,
    };
    content_len(request) + (1 + destinations) * REST
}

/// The bytes of a request that have no fixed length.
fn content_len(request: &AnyRequest) -> usize {
    match request {
        AnyRequest::CreateCourierEnvelopesFromMultiPayload(create) => {
            let buffer = create.buffer.as_ref().map_or(0, |buffer| buffer.len());
            create.destinations.iter().map(|to| to.payload.len()).sum::<usize>() + buffer
        }
        AnyRequest::CreateCourierEnvelopesFromPayload(create) => create.payload.len(),
        AnyRequest::CreateCourierEnvelopesFromTombstoneRange(create) => {
            create.buffer.as_ref().map_or(0, |buffer| buffer.len())
        }
        AnyRequest::EncryptWrite(encrypt) => encrypt.plaintext.len(),
        AnyRequest::SendMessage(send) => send.payload.len(),
        AnyRequest::StartResendingEncryptedMessage(start) => {
            start.envelope_descriptor.len() + start.message_ciphertext.len()
        }
        AnyRequest::VoucherInduct(induct) => induct.voucher_payload.len() + induct.who_reply.len(),
        AnyRequest::VoucherMint(mint) => mint.display_name.len(),
        AnyRequest::VoucherOpen(open) => open.sealed_reply.len(),
        AnyRequest::CancelResendingCopyCommand(_)
        | AnyRequest::CancelResendingEncryptedMessage(_)
        | AnyRequest::EncryptRead(_)
        | AnyRequest::GetDirectoryAuthorities(_)
        | AnyRequest::GetMessageBoxIndexCounter(_)
        | AnyRequest::GetPkiDocument(_)
        | AnyRequest::NewKeypair(_)
        | AnyRequest::NextMessageBoxIndex(_)
        | AnyRequest::SessionToken(_)
        | AnyRequest::StartResendingCopyCommand(_)
        | AnyRequest::ThinClose(_)
        | AnyRequest::VoucherDeriveStream(_) => 0,
    }
}

/// Checks what can be checked without the daemon; sizes only once it has announced them.
pub(super) fn check(request: &AnyRequest, geometry: Option<&Geometry>) -> Result<(), CallError> {
    let kind = request.kind();
    if kind.class() == Class::Session {
        return Err(InvalidRequest::NotForCallers { name: kind.name() }.into());
    }
    frame_fits(request)?;
    match request {
        AnyRequest::CreateCourierEnvelopesFromMultiPayload(create) => {
            if create.destinations.is_empty() {
                return Err(InvalidRequest::Empty { member: "destinations" }.into());
            }
            create.destinations.iter().try_for_each(|to| at_most(to.payload.len(), COPY_PAYLOAD_MAX))?;
            let payloads = create.destinations.iter().map(|to| to.payload.len());
            elements(payloads.map(|len| boxes(len, geometry)).sum(), create.buffer.as_ref(), geometry)
        }
        AnyRequest::CreateCourierEnvelopesFromPayload(create) => {
            filled("payload", &create.payload)?;
            at_most(create.payload.len(), COPY_PAYLOAD_MAX)?;
            elements(boxes(create.payload.len(), geometry), None, geometry)
        }
        AnyRequest::CreateCourierEnvelopesFromTombstoneRange(create) => tombstones(create, geometry),
        AnyRequest::EncryptWrite(encrypt) => fits_box(&encrypt.plaintext, geometry),
        AnyRequest::SendMessage(send) => fits_packet(&send.payload, geometry),
        AnyRequest::StartResendingEncryptedMessage(start) => {
            filled("envelope_descriptor", &start.envelope_descriptor)?;
            filled("message_ciphertext", &start.message_ciphertext)?;
            fits_packet(&start.message_ciphertext, geometry)
        }
        AnyRequest::VoucherInduct(induct) => filled("voucher_payload", &induct.voucher_payload),
        AnyRequest::VoucherOpen(open) => filled("sealed_reply", &open.sealed_reply),
        AnyRequest::CancelResendingCopyCommand(_)
        | AnyRequest::CancelResendingEncryptedMessage(_)
        | AnyRequest::EncryptRead(_)
        | AnyRequest::GetDirectoryAuthorities(_)
        | AnyRequest::GetMessageBoxIndexCounter(_)
        | AnyRequest::GetPkiDocument(_)
        | AnyRequest::NewKeypair(_)
        | AnyRequest::NextMessageBoxIndex(_)
        | AnyRequest::SessionToken(_)
        | AnyRequest::StartResendingCopyCommand(_)
        | AnyRequest::ThinClose(_)
        | AnyRequest::VoucherDeriveStream(_)
        | AnyRequest::VoucherMint(_) => Ok(()),
    }
}

/// Checks that the frame will not be too long, so that encoding it later can't fail.
fn frame_fits(request: &AnyRequest) -> Result<(), CallError> {
    at_most(content_len(request), BODY_LEN_MAX)?;
    if size(request) <= BODY_LEN_MAX {
        return Ok(());
    }
    // So close to the limit only the frame itself can tell; a query id takes more than a SURB id.
    encode_request(Some(QueryId::from([0; 16])), request, &mut Vec::new())
        .map_err(|FrameTooLarge { len }| CallError::TooLarge { len, max: BODY_LEN_MAX })
}

/// Checks that a text fits into one box.
fn fits_box(plaintext: &[u8], geometry: Option<&Geometry>) -> Result<(), CallError> {
    geometry.map_or(Ok(()), |geometry| at_most(plaintext.len(), geometry.max_message_len()))
}

/// Checks that a payload fits into one packet.
fn fits_packet(payload: &[u8], geometry: Option<&Geometry>) -> Result<(), CallError> {
    geometry.map_or(Ok(()), |geometry| at_most(payload.len(), geometry.max_payload_len()))
}

fn tombstones(
    create: &CreateCourierEnvelopesFromTombstoneRange,
    geometry: Option<&Geometry>,
) -> Result<(), CallError> {
    if create.max_count == 0 {
        return Err(InvalidRequest::ZeroCount.into());
    }
    elements(create.max_count.into(), create.buffer.as_ref(), geometry)
}

/// Destination boxes that a payload fills.
fn boxes(len: usize, geometry: Option<&Geometry>) -> u64 {
    let chunk =
        geometry.map_or(0, |geometry| geometry.pigeonhole.max_plaintext_payload_length.saturating_sub(4));
    u64::try_from(len).unwrap_or(u64::MAX).div_ceil(chunk.max(1))
}

/// Checks that the reply to a copy call stays within what a frame can hold (§4.17).
fn elements(boxes: u64, buffer: Option<&SecretBytes>, geometry: Option<&Geometry>) -> Result<(), CallError> {
    let Some(geometry) = geometry else { return Ok(()) };
    let max_message = geometry.pigeonhole.max_plaintext_payload_length;
    let chunk = max_message.saturating_sub(5).max(1);
    let buffered = u64::try_from(buffer.map_or(0, |buffer| buffer.len())).unwrap_or(u64::MAX);
    let stream = boxes.saturating_mul(max_message.saturating_add(454)).saturating_add(buffered);
    let elements = stream.div_ceil(chunk);
    // An element of n bytes costs a few more in the frame; the rest of the reply is small.
    const ELEMENT_HEAD: u64 = 8;
    const REST: u64 = 1 << 20;
    let body = u64::try_from(BODY_LEN_MAX).unwrap_or(u64::MAX).saturating_sub(REST);
    let max = ELEMENTS_MAX.min(body / max_message.saturating_add(ELEMENT_HEAD).max(1));
    if elements > max { Err(InvalidRequest::ReplyTooLarge { elements, max }.into()) } else { Ok(()) }
}

fn filled(member: &'static str, bytes: &[u8]) -> Result<(), CallError> {
    if bytes.is_empty() { Err(InvalidRequest::Empty { member }.into()) } else { Ok(()) }
}

const fn at_most(len: usize, max: usize) -> Result<(), CallError> {
    if len > max { Err(CallError::TooLarge { len, max }) } else { Ok(()) }
}
