//! The synthetic document of an epoch, of real shape and with names that say what it is (Pigeonhole backend §12.1).

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use kpthin_core::pki::{self, DocumentContent, MixDescriptor, Parameter, ReplicaDescriptor};
use kpthin_core::wire::{Blob, IdentityHash};

use super::authorities::SCHEME;
use crate::config::DevnetConfig;
use crate::entropy::derive;
use crate::pigeonhole::replica::Replicas;
use crate::services::Service;

/// The queue of the echo service on its nodes.
pub(crate) const ECHO_QUEUE: &str = "+echo";
/// The queue of the courier service on its nodes.
pub(crate) const COURIER_QUEUE: &str = "courier";

/// What nodes run, as newer documents tell.
const SOFTWARE: &str = concat!("kpthin-devnet ", env!("CARGO_PKG_VERSION"));

/// A node of the network, which exists in the document only.
#[derive(Debug)]
pub(crate) struct Node {
    name: String,
    identity_key: [u8; 32],
    link_key: [u8; 32],
}

impl Node {
    fn new(seed: [u8; 32], name: String) -> Self {
        let identity_key = SigningKey::from_bytes(&derive(seed, &name)).verifying_key().to_bytes();
        Self { identity_key, link_key: derive(seed, &format!("{name} link")), name }
    }

    pub(crate) fn identity_hash(&self) -> IdentityHash {
        IdentityHash::of_key(&self.identity_key)
    }

    pub(crate) const fn identity_key(&self) -> [u8; 32] {
        self.identity_key
    }
}

/// Who is in the network: everything of its documents but the epoch.
#[derive(Debug)]
pub(crate) struct Directory {
    seed: [u8; 32],
    /// The rate of sending, per millisecond.
    lambda_p: f64,
    /// Whether it has the members that were added.
    notices: bool,
    offered: Vec<Service>,
    gateway: Node,
    mixes: Vec<Node>,
    services: Vec<Node>,
    replicas: BTreeMap<u8, Node>,
}

impl Directory {
    pub(crate) fn new(config: &DevnetConfig, seed: [u8; 32]) -> Self {
        let slot_millis = config.timing.send_slot.as_secs_f64() * 1_000.0;
        let nodes = |kind: &str, count: u8| -> Vec<Node> {
            (1..=count).map(|number| Node::new(seed, format!("devnet-{kind}-{number}"))).collect()
        };
        Self {
            seed,
            lambda_p: if slot_millis > 0.0 { slot_millis.recip() } else { 1.0 },
            notices: config.quirks.document_notices,
            offered: config.services.clone(),
            gateway: Node::new(seed, "devnet-gateway-without-anonymity".to_owned()),
            mixes: nodes("mix", 3),
            services: nodes("service", DevnetConfig::COURIERS),
            replicas: (0..).zip(nodes("replica", config.replicas)).collect(),
        }
    }

    /// The nodes with an echo and a courier service.
    pub(crate) fn services(&self) -> &[Node] {
        &self.services
    }

    pub(crate) fn replica_keys(&self) -> BTreeMap<u8, [u8; 32]> {
        self.replicas.iter().map(|(number, node)| (*number, node.identity_key())).collect()
    }

    /// The nodes on the way from the gateway to a service node, and those on the way back.
    pub(crate) fn routes(&self, to: IdentityHash) -> [Vec<String>; 2] {
        let service = self.services.iter().filter(|node| node.identity_hash() == to);
        let way = || [&self.gateway].into_iter().chain(&self.mixes).chain(service.clone());
        let names = |node: &Node| node.name.clone();
        let mut back: Vec<_> = way().map(names).collect();
        back.reverse();
        [way().map(names).collect(), back]
    }

    /// Makes the document of an epoch.
    pub(crate) fn document(&self, epoch: u64, replica_epoch: u64, replicas: &Replicas) -> DocumentContent {
        let descriptor = |node: &Node, role| pki::Node::from(self.descriptor(node, epoch, role));
        let identity_keys = self.replicas.values().map(|node| blob(&node.identity_key));
        let random = |label: &str| blob(&derive(self.seed, label));
        DocumentContent {
            mu: 0.005,
            epoch,
            lambda_g: 0.0005,
            lambda_l: 0.0005,
            lambda_m: 0.0005,
            lambda_p: self.lambda_p,
            lambda_r: 0.0001,
            version: "v1".to_owned(),
            topology: self.mixes.iter().map(|mix| vec![descriptor(mix, Role::Mix)]).collect(),
            client_notice: self.notice("this is a devnet, which gives no anonymity"),
            min_client_version: self.notice("v0.0.1"),
            gateway_nodes: vec![descriptor(&self.gateway, Role::Gateway)],
            genesis_epoch: 1,
            service_nodes: self.services.iter().map(|node| descriptor(node, Role::Service)).collect(),
            storage_replicas: self
                .replicas
                .iter()
                .map(|(number, node)| self.replica(*number, node, epoch, replica_epoch, replicas))
                .collect(),
            prior_shared_random: vec![random("prior shared random")],
            shared_random_value: random("shared random"),
            pki_signature_scheme: SCHEME.to_owned(),
            shared_random_commit: BTreeMap::new(),
            shared_random_reveal: BTreeMap::new(),
            sphinx_geometry_hash: random("geometry"),
            configured_replica_ids: Some(Blob::from(self.replicas.keys().copied().collect::<Vec<_>>())),
            configured_replica_identity_keys: Some(identity_keys.collect()),
        }
    }

    fn descriptor(&self, node: &Node, epoch: u64, role: Role) -> MixDescriptor {
        let mix_key = |epoch| (epoch, blob(&derive(self.seed, &format!("{} mix key {epoch}", node.name))));
        let service = |name: &str, queue: &str| {
            (name.to_owned(), BTreeMap::from([("endpoint".to_owned(), Parameter::from(queue))]))
        };
        let services = match role {
            Role::Service => {
                let always = [("echo", ECHO_QUEUE.to_owned()), ("courier", COURIER_QUEUE.to_owned())];
                let offered = self.offered.iter().map(|service| (service.name(), service.queue()));
                always.into_iter().chain(offered).map(|(name, queue)| service(name, &queue)).collect()
            }
            Role::Gateway | Role::Mix => BTreeMap::new(),
        };
        MixDescriptor {
            name: node.name.clone(),
            epoch,
            link_key: blob(&node.link_key),
            mix_keys: (epoch..=epoch.saturating_add(2)).map(mix_key).collect(),
            version: "v0".to_owned(),
            addresses: addresses(node),
            kaetzchen: services,
            load_weight: 0,
            contact_info: self.notice("nobody"),
            identity_key: blob(&node.identity_key),
            quic_key_hash: self.key_hash(node),
            is_gateway_node: role == Role::Gateway,
            is_service_node: role == Role::Service,
            software_version: self.notice(SOFTWARE),
            authentication_type: String::new(),
            kaetzchen_advertized_data: BTreeMap::new(),
        }
    }

    fn replica(
        &self,
        number: u8,
        node: &Node,
        epoch: u64,
        replica_epoch: u64,
        replicas: &Replicas,
    ) -> ReplicaDescriptor {
        let epochs = replica_epoch.saturating_sub(1)..=replica_epoch.saturating_add(1);
        let keys =
            epochs.filter_map(|epoch| Some((epoch, blob(replicas.public_key(number, epoch)?.as_bytes()))));
        ReplicaDescriptor {
            name: node.name.clone(),
            epoch,
            link_key: blob(&node.link_key),
            addresses: addresses(node),
            replica_id: number,
            contact_info: self.notice("nobody"),
            identity_key: blob(&node.identity_key),
            quic_key_hash: self.key_hash(node),
            envelope_keys: keys.collect(),
            software_version: self.notice(SOFTWARE),
        }
    }

    fn notice(&self, text: &str) -> Option<String> {
        self.notices.then(|| text.to_owned())
    }

    fn key_hash(&self, node: &Node) -> Option<Blob> {
        self.notices.then(|| blob(&derive(self.seed, &format!("{} quic", node.name))))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Gateway,
    Mix,
    Service,
}

/// An address that nobody can dial by mistake.
fn addresses(node: &Node) -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([("tcp".to_owned(), vec![format!("tcp://{}.invalid:1", node.name)])])
}

fn blob(bytes: &[u8]) -> Blob {
    Blob::from(bytes.to_vec())
}
