//! All that a document says, for those who make one.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{DocumentError, Node, ReplicaDescriptor};
use crate::{
    cbor::message,
    wire::{Blob, IdentityHash},
};

message! {
    /// What the directory authorities say about the network in one epoch (§7.1), in full.
    ///
    /// Lists and maps that are `null` or absent are empty here. Fields stand in the order in which
    /// they are encoded. Documents of one epoch can be encoded differently and say the same, so
    /// compare values, never bytes.
    #[derive(Default)]
    pub struct DocumentContent {
        /// Mean rate of a hop's delay, per millisecond, as are the rates below.
        pub mu: f64 as "Mu",
        /// The epoch the document is valid for.
        pub epoch: u64 as "Epoch",
        /// Rate of gateways' decoys.
        pub lambda_g: f64 as "LambdaG",
        /// Rate of clients' loop decoys.
        pub lambda_l: f64 as "LambdaL",
        /// Rate of mixes' loop decoys.
        pub lambda_m: f64 as "LambdaM",
        /// Rate at which clients send.
        pub lambda_p: f64 as "LambdaP",
        /// Rate of replicas' decoys.
        pub lambda_r: f64 as "LambdaR",
        /// `v1`.
        pub version: String as "Version",
        /// The mixes, layer by layer.
        pub topology: Vec<Vec<Node<'static>>> as "Topology",
        /// What the authorities want clients' users to read, at most 512 bytes; left out if `None`.
        pub client_notice: Option<String> as "ClientNotice" optional,
        /// Where clients connect.
        pub gateway_nodes: Vec<Node<'static>> as "GatewayNodes",
        /// The network's first epoch.
        pub genesis_epoch: u64 as "GenesisEpoch",
        /// Where services run, couriers included.
        pub service_nodes: Vec<Node<'static>> as "ServiceNodes",
        /// Where boxes are stored.
        pub storage_replicas: Vec<ReplicaDescriptor> as "StorageReplicas",
        /// The oldest version of clients that the authorities want, at most 32 bytes; left out if `None`.
        pub min_client_version: Option<String> as "MinClientVersion" optional,
        /// Earlier shared random values.
        pub prior_shared_random: Vec<Blob> as "PriorSharedRandom",
        /// The shared random value.
        pub shared_random_value: Blob as "SharedRandomValue",
        /// The scheme of the authorities' signatures.
        pub pki_signature_scheme: String as "PKISignatureScheme",
        /// Per authority, its commitment.
        pub shared_random_commit: BTreeMap<IdentityHash, Blob> as "SharedRandomCommit",
        /// Per authority, what it had committed to.
        pub shared_random_reveal: BTreeMap<IdentityHash, Blob> as "SharedRandomReveal",
        /// 32 bytes that name the network's packet sizes.
        pub sphinx_geometry_hash: Blob as "SphinxGeometryHash",
        /// The ids of the replicas that may take part, one per byte; left out if `None`.
        pub configured_replica_ids: Option<Blob> as "ConfiguredReplicaIDs",
        /// The identity keys of those replicas, in the same order; left out if `None`.
        pub configured_replica_identity_keys: Option<Vec<Blob>> as "ConfiguredReplicaIdentityKeys",
    }
}

impl DocumentContent {
    /// Reads all of a document; keys come in any order. [`Document`](super::Document) reads what it is asked for.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the member that cannot be used.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        super::decode(bytes)
    }

    /// The canonical encoding, which signatures cover.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        super::encode(self)
    }
}
