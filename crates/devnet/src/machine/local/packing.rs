//! Writes packed into elements of a copy stream, for a courier to carry out (§4.14-4.16).

use kpthin_bacap::{MessageBoxIndex, WriteCap};
use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    self, AnyReply, CourierEnvelopes, CreateCourierEnvelopesFromMultiPayload,
    CreateCourierEnvelopesFromPayload, CreateCourierEnvelopesFromTombstoneRange, MultiCourierEnvelopes,
    RequestKind, SecretBytes, TombstoneEnvelopes,
};

use super::super::capability::{check_reach, index, write_cap};
use super::Local;
use crate::network::Network;
use crate::pigeonhole::boxes;
use crate::pigeonhole::copy_stream::CopyEncoder;
use crate::pigeonhole::geometry::Geometry;
use crate::pigeonhole::messages::InnerMessage;
use crate::quirks::Quirks;

/// What one destination takes at most.
const PAYLOAD_MAX: usize = 10 << 20;
/// Tombstones of one call. The reference has no bound and blocks the connection meanwhile (§4.16).
const TOMBSTONES_MAX: u32 = 1 << 16;

/// What a call packs.
#[derive(Clone, Debug)]
pub(super) struct Packing {
    destinations: Vec<Destination>,
    /// What is left of the call before.
    buffer: Vec<u8>,
    is_start: bool,
    is_last: bool,
}

/// Where boxes go, and what into them.
#[derive(Clone, Debug)]
struct Destination {
    cap: WriteCap,
    index: MessageBoxIndex,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// A payload, cut into boxes of this length.
    Payload(SecretBytes, usize),
    /// So many tombstones.
    Tombstones(u32),
}

impl Content {
    fn boxes(&self) -> usize {
        match self {
            Self::Payload(payload, chunk) => payload.len().div_ceil(*chunk),
            Self::Tombstones(count) => usize::try_from(*count).unwrap_or(usize::MAX),
        }
    }

    /// What goes into the box of this number; a tombstone is empty.
    fn part(&self, number: usize) -> &[u8] {
        match self {
            Self::Payload(payload, chunk) => payload.chunks(*chunk).nth(number).unwrap_or_default(),
            Self::Tombstones(_) => &[],
        }
    }
}

impl Destination {
    fn new(
        quirks: &Quirks,
        cap: &wire::WriteCap,
        start: &wire::MessageBoxIndex,
        content: Content,
    ) -> Result<Self, DaemonError> {
        let (cap, index) = (write_cap(cap)?, index(start)?);
        check_reach(quirks, cap.index(), &index)?;
        Ok(Self { cap, index, content })
    }
}

impl Packing {
    pub(super) fn single(
        geometry: Geometry,
        quirks: &Quirks,
        request: CreateCourierEnvelopesFromPayload,
    ) -> Result<Self, DaemonError> {
        let CreateCourierEnvelopesFromPayload { payload, dest_write_cap, dest_start_index, .. } = request;
        let content = payload_of(geometry, payload)?;
        let destination = Destination::new(quirks, &dest_write_cap, &dest_start_index, content)?;
        Ok(Self {
            destinations: vec![destination],
            buffer: Vec::new(),
            is_start: request.is_start,
            is_last: request.is_last,
        })
    }

    pub(super) fn multi(
        geometry: Geometry,
        quirks: &Quirks,
        request: CreateCourierEnvelopesFromMultiPayload,
    ) -> Result<Self, DaemonError> {
        let destination = |to: wire::Destination| {
            let content = payload_of(geometry, to.payload)?;
            Destination::new(quirks, &to.write_cap, &to.start_index, content)
        };
        // All of them before any is carried out.
        let destinations: Result<Vec<_>, _> = request.destinations.into_iter().map(destination).collect();
        let destinations = destinations?;
        if destinations.is_empty() {
            return Err(DaemonError::InvalidRequest);
        }
        let buffer = request.buffer.map(SecretBytes::into_vec).unwrap_or_default();
        Ok(Self { destinations, buffer, is_start: request.is_start, is_last: request.is_last })
    }

    pub(super) fn tombstones(
        quirks: &Quirks,
        request: CreateCourierEnvelopesFromTombstoneRange,
    ) -> Result<Self, DaemonError> {
        let content = Content::Tombstones(request.max_count);
        let (cap, start) = (&request.dest_write_cap, &request.dest_start_index);
        let destination = Destination::new(quirks, cap, start, content)?;
        if request.max_count > TOMBSTONES_MAX {
            return Err(DaemonError::InvalidRequest);
        }
        let buffer = request.buffer.map(SecretBytes::into_vec).unwrap_or_default();
        let destinations = vec![destination];
        Ok(Self { destinations, buffer, is_start: request.is_start, is_last: request.is_last })
    }

    /// How many boxes there are to seal.
    pub(super) fn boxes(&self) -> u32 {
        let boxes = self.destinations.iter().map(|destination| destination.content.boxes()).sum::<usize>();
        u32::try_from(boxes).unwrap_or(u32::MAX)
    }

    fn encoder(&mut self, geometry: Geometry) -> Option<CopyEncoder> {
        let encoder = CopyEncoder::new(geometry, std::mem::take(&mut self.buffer))?;
        Some(if self.is_start { encoder.with_start() } else { encoder })
    }
}

fn payload_of(geometry: Geometry, payload: SecretBytes) -> Result<Content, DaemonError> {
    if payload.len() > PAYLOAD_MAX {
        return Err(DaemonError::InvalidRequest);
    }
    let chunk = geometry.copy_payload().ok_or(DaemonError::InternalError)?;
    Ok(Content::Payload(payload, chunk.get()))
}

impl Local {
    pub(super) fn pack(
        &mut self,
        network: &Network,
        kind: RequestKind,
        mut packing: Packing,
        unavailable: DaemonError,
    ) -> Result<AnyReply, DaemonError> {
        if kind == RequestKind::CreateCourierEnvelopesFromTombstoneRange && packing.boxes() == 0 {
            // The buffer is lost, and nothing is the last.
            let next_dest_index = packing.destinations.iter().map(next).next();
            return Ok(AnyReply::CreateCourierEnvelopesFromTombstoneRange(TombstoneEnvelopes {
                envelopes: Vec::new(),
                buffer: None,
                next_dest_index: next_dest_index.ok_or(DaemonError::InternalError)?,
            }));
        }
        let mut encoder = packing.encoder(self.geometry).ok_or(DaemonError::InternalError)?;
        let mut elements = Vec::new();
        for destination in &mut packing.destinations {
            for number in 0..destination.content.boxes() {
                let content = destination.content.part(number);
                let sealed = boxes::seal(self.geometry, &destination.cap, &destination.index, content)
                    .map_err(|_| DaemonError::InternalError)?;
                let envelope = self.seal_envelope(network, &InnerMessage::Write(sealed), unavailable)?;
                destination.index = destination.index.next().map_err(|_| DaemonError::InternalError)?;
                elements.extend(encoder.push(&envelope.sealed));
            }
        }
        let mut next_dest_indices: Vec<_> = packing.destinations.iter().map(next).collect();
        if kind == RequestKind::CreateCourierEnvelopesFromPayload {
            // Without payload there is no element, not even a last one.
            elements.extend(if packing.is_last { encoder.finish() } else { encoder.flush() });
            let next_dest_index = next_dest_indices.pop().ok_or(DaemonError::InternalError)?;
            let reply = CourierEnvelopes { envelopes: secret(elements), next_dest_index };
            return Ok(AnyReply::CreateCourierEnvelopesFromPayload(reply));
        }
        let buffer = if packing.is_last {
            elements.extend(encoder.finish());
            None
        } else {
            Some(SecretBytes::from(encoder.into_buffer()))
        };
        let envelopes = secret(elements);
        Ok(if kind == RequestKind::CreateCourierEnvelopesFromMultiPayload {
            let reply = MultiCourierEnvelopes { envelopes, buffer, next_dest_indices };
            AnyReply::CreateCourierEnvelopesFromMultiPayload(reply)
        } else {
            let next_dest_index = next_dest_indices.pop().ok_or(DaemonError::InternalError)?;
            let reply = TombstoneEnvelopes { envelopes, buffer, next_dest_index };
            AnyReply::CreateCourierEnvelopesFromTombstoneRange(reply)
        })
    }
}

fn next(destination: &Destination) -> wire::MessageBoxIndex {
    wire::MessageBoxIndex::from(destination.index.to_bytes())
}

fn secret(elements: Vec<Vec<u8>>) -> Vec<SecretBytes> {
    elements.into_iter().map(SecretBytes::from).collect()
}
