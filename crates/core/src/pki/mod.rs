//! The network's documents: who takes part, which services there are, and who signed that (§7).
//!
//! Documents are decoded and encoded: the client reads them, the embedded daemon makes them.
//! Encoding is canonical (shortest key first, then by bytes), because signatures cover it.
//! Nothing is verified here; [`Certificate`] only takes the signed form apart.
#![expect(clippy::exhaustive_structs, reason = "documents are closed by the network")]

mod certificate;
mod content;
mod descriptor;
mod document;
mod document_error;
mod node;
mod nodes;
mod parameter;
mod places;
mod service;

pub use certificate::{Certificate, Signature};
pub use content::DocumentContent;
pub use descriptor::{MixDescriptor, ReplicaDescriptor};
pub use document::Document;
pub use document_error::DocumentError;
pub use node::Node;
pub use nodes::{Layers, Nodes, Replicas};
pub use parameter::{Parameter, Parameters};
pub use service::{Service, ServiceAddress};

use core::time::Duration;

use crate::cbor::{CborError, Member, Reader, Unset, Writer};

/// Where epochs are counted from, as Unix time: 2017-06-01T00:00:00Z (§7.5).
pub const EPOCHS_BEGAN: Duration = Duration::from_secs(1_496_275_200);

/// Reads a map that is all there is in `bytes`.
fn decode<T: Member>(bytes: &[u8]) -> Result<T, DocumentError> {
    check_map(bytes)?;
    T::read_map(&mut Reader::new(bytes)).map_err(DocumentError::from)
}

/// Checks that a map is all there is in `bytes`, and well formed.
fn check_map(bytes: &[u8]) -> Result<(), CborError> {
    let mut whole = Reader::new(bytes);
    let _len = { whole }.map()?;
    whole.skip()?;
    whole.end()
}

/// Writes a map whose members are declared in canonical order.
fn encode<T: Member>(value: &T) -> alloc::vec::Vec<u8> {
    let mut out = alloc::vec::Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.map(value.member_count(Unset::Omit));
    value.write_members(Unset::Omit, &mut writer);
    out
}
