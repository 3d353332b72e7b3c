//! What a node and a replica say about themselves.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{DocumentError, Parameters, Service};
use crate::{
    cbor::{Budget, Member, Reader, message},
    wire::{Blob, IdentityHash, QueueId},
};

message! {
    /// A mix, a gateway or a service node (§7.2), fields in the order of their encoding.
    #[derive(Default)]
    pub struct MixDescriptor {
        /// The node's name.
        pub name: String as "Name",
        /// The epoch the descriptor was made for.
        pub epoch: u64 as "Epoch",
        /// The key of the node's link.
        pub link_key: Blob as "LinkKey",
        /// Per epoch, the key that packets are made for.
        pub mix_keys: BTreeMap<u64, Blob> as "MixKeys",
        /// `v0`.
        pub version: String as "Version",
        /// Per transport, where the node is reached.
        pub addresses: BTreeMap<String, Vec<String>> as "Addresses",
        /// Per capability, the parameters of the service.
        pub kaetzchen: BTreeMap<String, Parameters> as "Kaetzchen",
        /// The node's share of traffic.
        pub load_weight: u8 as "LoadWeight",
        /// How the node's operator is reached, at most 256 bytes; left out if `None`.
        pub contact_info: Option<String> as "ContactInfo" optional,
        /// The key that names the node.
        pub identity_key: Blob as "IdentityKey",
        /// 32 bytes that name the key of the node's QUIC listener; left out if `None`.
        pub quic_key_hash: Option<Blob> as "QUICKeyHash" optional,
        /// Whether clients connect here.
        pub is_gateway_node: bool as "IsGatewayNode",
        /// Whether services run here.
        pub is_service_node: bool as "IsServiceNode",
        /// What software the node runs, at most 128 bytes; left out if `None`.
        pub software_version: Option<String> as "SoftwareVersion" optional,
        /// How clients prove who they are to a gateway.
        pub authentication_type: String as "AuthenticationType",
        /// Per capability, what the service tells its clients.
        pub kaetzchen_advertized_data: BTreeMap<String, Parameters> as "KaetzchenAdvertizedData",
    }

    /// A storage replica (§7.2), fields in the order of their encoding.
    #[derive(Default)]
    pub struct ReplicaDescriptor {
        /// The replica's name.
        pub name: String as "Name",
        /// The epoch the descriptor was made for.
        pub epoch: u64 as "Epoch",
        /// The key of the replica's link.
        pub link_key: Blob as "LinkKey",
        /// Per transport, where the replica is reached.
        pub addresses: BTreeMap<String, Vec<String>> as "Addresses",
        /// What envelopes name the replica by.
        pub replica_id: u8 as "ReplicaID",
        /// How the replica's operator is reached, at most 256 bytes; left out if `None`.
        pub contact_info: Option<String> as "ContactInfo" optional,
        /// The key that names the replica.
        pub identity_key: Blob as "IdentityKey",
        /// 32 bytes that name the key of the replica's QUIC listener; left out if `None`.
        pub quic_key_hash: Option<Blob> as "QUICKeyHash" optional,
        /// Per replica epoch, the key that envelopes are made for.
        pub envelope_keys: BTreeMap<u64, Blob> as "EnvelopeKeys",
        /// What software the replica runs, at most 128 bytes; left out if `None`.
        pub software_version: Option<String> as "SoftwareVersion" optional,
    }
}

/// The parameter that holds a service's queue.
const ENDPOINT: &str = "endpoint";

impl MixDescriptor {
    /// Reads a descriptor; keys come in any order.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the member that cannot be used.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        super::decode(bytes)
    }

    /// The same, with no more allocated than `most`.
    pub(super) fn decode_within(bytes: &[u8], most: Budget) -> Result<Self, DocumentError> {
        super::check_map(bytes)?;
        let budget = Budget::alone(bytes.len()).min(most);
        Self::read_map(&mut Reader::with_budget(bytes, budget)).map_err(DocumentError::from)
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        super::encode(self)
    }

    /// What the protocol knows the node by.
    #[must_use]
    pub fn identity_hash(&self) -> IdentityHash {
        IdentityHash::of_key(&self.identity_key)
    }

    /// The service behind a capability.
    ///
    /// `None` if it is not offered, or without an endpoint that is a text of 1 to 32 bytes (§7.3).
    #[must_use]
    pub fn service(&self, capability: &str) -> Option<Service> {
        let (capability, parameters) = self.kaetzchen.get_key_value(capability)?;
        let queue = QueueId::new(parameters.get(ENDPOINT)?.as_text()?)?;
        Some(Service {
            capability: capability.clone(),
            node: self.name.clone(),
            identity_hash: self.identity_hash(),
            queue,
            parameters: parameters.clone(),
        })
    }
}

impl ReplicaDescriptor {
    /// BLAKE2b-256 of the replica's identity key.
    #[must_use]
    pub fn identity_hash(&self) -> IdentityHash {
        IdentityHash::of_key(&self.identity_key)
    }

    /// The replica epoch before the last one that there is a key for.
    pub(super) fn current_epoch(&self) -> Option<u64> {
        self.envelope_keys.last_key_value()?.0.checked_sub(1)
    }
}
