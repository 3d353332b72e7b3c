//! The document of one epoch, signatures stripped: its bytes, and where in them things stand.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{
    DocumentContent, DocumentError, Layers, MixDescriptor, Nodes, Replicas, Service,
    places::{self, LayerPlaces, NodePlaces, Passed, ReplicaPlaces},
};
use crate::{
    cbor::{Budget, Member, Reader, message},
    wire::{Blob, CborError, CborProblem, IdentityHash},
};

message! {
    /// What is kept of a document beside its bytes.
    #[derive(Default)]
    struct Outline {
        mu: f64 as "Mu",
        epoch: u64 as "Epoch",
        lambda_g: f64 as "LambdaG",
        lambda_l: f64 as "LambdaL",
        lambda_m: f64 as "LambdaM",
        lambda_p: f64 as "LambdaP",
        lambda_r: f64 as "LambdaR",
        version: String as "Version",
        topology: LayerPlaces as "Topology",
        client_notice: Option<String> as "ClientNotice",
        gateway_nodes: NodePlaces as "GatewayNodes",
        genesis_epoch: u64 as "GenesisEpoch",
        service_nodes: NodePlaces as "ServiceNodes",
        storage_replicas: ReplicaPlaces as "StorageReplicas",
        min_client_version: Option<String> as "MinClientVersion",
        pki_signature_scheme: String as "PKISignatureScheme",
        sphinx_geometry_hash: Blob as "SphinxGeometryHash",
    }

    /// What has to have its type as well, and is not kept.
    struct Rest {
        prior_shared_random: Vec<Passed> as "PriorSharedRandom",
        shared_random_value: Passed as "SharedRandomValue",
        shared_random_commit: BTreeMap<IdentityHash, Passed> as "SharedRandomCommit",
        shared_random_reveal: BTreeMap<IdentityHash, Passed> as "SharedRandomReveal",
        configured_replica_ids: Option<Passed> as "ConfiguredReplicaIDs",
        configured_replica_identity_keys: Option<Vec<Passed>> as "ConfiguredReplicaIdentityKeys",
    }
}

/// What nodes call the service that forwards to replicas.
const COURIER: &str = "courier";
/// The longest version that is shown to a program (newer-daemons §3).
const MIN_CLIENT_VERSION_LEN_MAX: usize = 32;
/// The longest notice that is shown to a program (newer-daemons §3).
const CLIENT_NOTICE_LEN_MAX: usize = 512;

/// What the directory authorities say about the network in one epoch (§7.1).
///
/// Holds the document's bytes once, and where in them each node stands. Descriptors are decoded when they are asked for;
/// which nodes run couriers is found out once. All that a document says, also what has no accessor here, is its
/// [`content`](Self::content).
///
/// Two documents are equal if they say the same, however they are encoded.
#[derive(Clone, Debug)]
pub struct Document {
    bytes: Blob,
    outline: Outline,
    couriers: Vec<IdentityHash>,
    replica_epoch: Option<u64>,
}

impl Document {
    /// The longest document that is read, in bytes: 16 MiB.
    pub const LEN_MAX: usize = 16 << 20;

    /// Reads a document; keys come in any order.
    ///
    /// A node whose descriptor is broken stays in its list as one without [`descriptor`](super::Node::descriptor).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the member that cannot be used; a document longer than [`LEN_MAX`](Self::LEN_MAX), or one
    /// that would take more memory than a document of its length may, is not read either.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        check_len(bytes)?;
        Self::from_bytes(bytes.to_vec())
    }

    /// Does the same as [`decode`](Self::decode) with bytes that need not be copied.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, DocumentError> {
        let bytes = bytes.into();
        check_len(&bytes)?;
        super::check_map(&bytes)?;
        let mut reader = Reader::with_budget(&bytes, Budget::of_document(bytes.len()));
        let outline = Outline::read_map(&mut reader)?;
        let _kept_no_longer = Rest::read_map(&mut Reader::with_budget(&bytes, reader.budget()))?;
        let replica_epoch = replica_epoch(&bytes, &outline.storage_replicas, reader.budget())?;
        let couriers = couriers(&bytes, &outline.service_nodes, reader.budget())?;
        Ok(Self { bytes: bytes.into(), outline, couriers, replica_epoch })
    }

    /// All that the document says, decoded at once.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] for what only its makers and the curious read.
    pub fn content(&self) -> Result<DocumentContent, DocumentError> {
        DocumentContent::decode(&self.bytes)
    }

    /// The document as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The epoch the document is valid for.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.outline.epoch
    }

    /// The network's first epoch.
    #[must_use]
    pub const fn genesis_epoch(&self) -> u64 {
        self.outline.genesis_epoch
    }

    /// The document's version, `v1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.outline.version
    }

    /// The scheme of the authorities' signatures.
    #[must_use]
    pub fn pki_signature_scheme(&self) -> &str {
        &self.outline.pki_signature_scheme
    }

    /// 32 bytes that name the network's packet sizes.
    #[must_use]
    pub fn sphinx_geometry_hash(&self) -> &[u8] {
        &self.outline.sphinx_geometry_hash
    }

    /// The oldest version of clients that the authorities want, if they say so (newer-daemons §3).
    ///
    /// `None` also for one longer than 32 bytes, which is none.
    #[must_use]
    pub fn min_client_version(&self) -> Option<&str> {
        said(self.outline.min_client_version.as_deref(), MIN_CLIENT_VERSION_LEN_MAX)
    }

    /// What the authorities want clients' users to read, if anything (newer-daemons §3).
    ///
    /// `None` also for a text longer than 512 bytes.
    #[must_use]
    pub fn client_notice(&self) -> Option<&str> {
        said(self.outline.client_notice.as_deref(), CLIENT_NOTICE_LEN_MAX)
    }

    /// Mean rate of a hop's delay, per millisecond, as are the rates below.
    #[must_use]
    pub const fn mu(&self) -> f64 {
        self.outline.mu
    }

    /// Rate of gateways' decoys.
    #[must_use]
    pub const fn lambda_g(&self) -> f64 {
        self.outline.lambda_g
    }

    /// Rate of clients' loop decoys.
    #[must_use]
    pub const fn lambda_l(&self) -> f64 {
        self.outline.lambda_l
    }

    /// Rate of mixes' loop decoys.
    #[must_use]
    pub const fn lambda_m(&self) -> f64 {
        self.outline.lambda_m
    }

    /// Rate at which clients send.
    #[must_use]
    pub const fn lambda_p(&self) -> f64 {
        self.outline.lambda_p
    }

    /// Rate of replicas' decoys.
    #[must_use]
    pub const fn lambda_r(&self) -> f64 {
        self.outline.lambda_r
    }

    /// The mixes, layer by layer.
    #[must_use]
    pub fn topology(&self) -> Layers<'_> {
        Layers::new(&self.bytes, &self.outline.topology)
    }

    /// Where clients connect.
    #[must_use]
    pub fn gateway_nodes(&self) -> Nodes<'_> {
        Nodes::all(&self.bytes, &self.outline.gateway_nodes.0)
    }

    /// Where services run, couriers included.
    #[must_use]
    pub fn service_nodes(&self) -> Nodes<'_> {
        Nodes::all(&self.bytes, &self.outline.service_nodes.0)
    }

    /// Where boxes are stored; each is decoded as it is taken.
    #[must_use]
    pub fn storage_replicas(&self) -> Replicas<'_> {
        Replicas::new(&self.bytes, &self.outline.storage_replicas.0)
    }

    /// The nodes that offer a service, entries without a usable endpoint left out (§7.3).
    ///
    /// Where several offer it, choose one at random.
    pub fn services<'a>(&'a self, capability: &'a str) -> impl Iterator<Item = Service> + 'a {
        self.service_nodes()
            .filter_map(|node| node.descriptor())
            .filter_map(move |descriptor| descriptor.service(capability))
    }

    /// The services that forward to replicas.
    pub fn couriers(&self) -> impl Iterator<Item = Service> + '_ {
        self.services(COURIER)
    }

    /// Whether a courier runs on the node, without decoding anything.
    #[must_use]
    pub fn has_courier(&self, node: &IdentityHash) -> bool {
        self.couriers.contains(node)
    }

    /// The replica epoch of this document, as the replicas' keys tell it.
    ///
    /// A replica publishes its keys up to that of the next replica epoch (§9.10), which leads to
    /// the current one; what most replicas say counts, the later one of two. `None` without keys.
    /// The exact epoch of an envelope is in the envelope: [`replica_epoch`](crate::wire::replica_epoch).
    #[must_use]
    pub const fn replica_epoch(&self) -> Option<u64> {
        self.replica_epoch
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes || self.content() == other.content()
    }
}

/// Left out when empty, and not believed when longer than the network allows.
fn said(text: Option<&str>, len_max: usize) -> Option<&str> {
    text.filter(|text| (1..=len_max).contains(&text.len()))
}

fn check_len(bytes: &[u8]) -> Result<(), CborError> {
    if bytes.len() > Document::LEN_MAX {
        return Err(CborError { offset: Document::LEN_MAX, problem: CborProblem::TooLong });
    }
    Ok(())
}

/// The epoch that most replicas are in, each of which has to be a replica.
fn replica_epoch(
    document: &[u8],
    replicas: &ReplicaPlaces,
    budget: Budget,
) -> Result<Option<u64>, DocumentError> {
    let member = "StorageReplicas";
    let mut account = Reader::with_budget(document, budget);
    account.charge(replicas.0.len().saturating_mul(size_of::<u64>()))?;
    let mut epochs = Vec::with_capacity(replicas.0.len());
    for place in replicas.0.iter() {
        let replica = places::replica_within(document, place, account.budget())
            .map_err(|problem| DocumentError::Member { member, problem })?;
        epochs.extend(replica.current_epoch());
    }
    epochs.sort_unstable();
    let votes = epochs.chunk_by(|one, other| one == other);
    Ok(votes.max_by_key(|votes| votes.len()).and_then(|votes| votes.first().copied()))
}

/// The nodes that couriers run on.
fn couriers(document: &[u8], nodes: &NodePlaces, budget: Budget) -> Result<Vec<IdentityHash>, DocumentError> {
    let mut account = Reader::with_budget(document, budget);
    let mut couriers = Vec::new();
    for place in nodes.0.iter() {
        let node = places::node_at(document, place);
        let Ok(descriptor) = MixDescriptor::decode_within(node.as_bytes(), account.budget()) else {
            continue;
        };
        if let Some(courier) = descriptor.service(COURIER) {
            // The list is there twice while it grows.
            account.charge(3 * IdentityHash::LEN)?;
            couriers.push(courier.identity_hash);
        }
    }
    Ok(couriers)
}
