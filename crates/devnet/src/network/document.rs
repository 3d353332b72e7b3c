//! The synthetic document of an epoch, of real shape and with names that say what it is (Pigeonhole backend §12.1).

use std::collections::BTreeMap;

use ciborium::Value;
use ed25519_dalek::SigningKey;
use kpthin_core::wire::IdentityHash;

use super::{authorities::SCHEME, cbor};
use crate::entropy::derive;
use crate::pigeonhole::replica::Replicas;

/// The queue of the echo service on its nodes.
pub(crate) const ECHO_QUEUE: &str = "+echo";
/// The queue of the courier service on its nodes.
pub(crate) const COURIER_QUEUE: &str = "courier";

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
    gateway: Node,
    mixes: Vec<Node>,
    services: Vec<Node>,
    replicas: BTreeMap<u8, Node>,
}

impl Directory {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let nodes = |kind: &str, count: u8| -> Vec<Node> {
            (1..=count).map(|number| Node::new(seed, format!("devnet-{kind}-{number}"))).collect()
        };
        Self {
            seed,
            gateway: Node::new(seed, "devnet-gateway-without-anonymity".to_owned()),
            mixes: nodes("mix", 3),
            services: nodes("service", 2),
            replicas: (0..).zip(nodes("replica", 3)).collect(),
        }
    }

    /// The nodes with an echo and a courier service.
    pub(crate) fn services(&self) -> &[Node] {
        &self.services
    }

    pub(crate) fn replica_keys(&self) -> BTreeMap<u8, [u8; 32]> {
        self.replicas.iter().map(|(number, node)| (*number, node.identity_key())).collect()
    }

    /// Makes the document of an epoch.
    ///
    /// `lambda_p` is the rate of sending, per millisecond.
    pub(crate) fn document(
        &self,
        epoch: u64,
        replica_epoch: u64,
        replicas: &Replicas,
        lambda_p: f64,
    ) -> Vec<u8> {
        let descriptor = |node: &Node, role: Role| Value::Bytes(self.descriptor(node, epoch, role));
        let layers = self.mixes.iter().map(|mix| Value::Array(vec![descriptor(mix, Role::Mix)])).collect();
        let services = self.services.iter().map(|node| descriptor(node, Role::Service)).collect();
        let storage = self.replicas.iter();
        let storage =
            storage.map(|(number, node)| replica(*number, node, epoch, replica_epoch, replicas)).collect();
        let numbers: Vec<u8> = self.replicas.keys().copied().collect();
        let identity_keys =
            self.replicas.values().map(|node| Value::from(node.identity_key.as_slice())).collect();
        let random = |label: &str| Value::from(derive(self.seed, label).as_slice());
        cbor::encode(cbor::map([
            ("Epoch", Value::from(epoch)),
            ("GenesisEpoch", Value::from(1)),
            ("Mu", Value::from(0.005)),
            ("LambdaP", Value::from(lambda_p)),
            ("LambdaL", Value::from(0.0005)),
            ("LambdaM", Value::from(0.0005)),
            ("LambdaG", Value::from(0.0005)),
            ("LambdaR", Value::from(0.0001)),
            ("Topology", Value::Array(layers)),
            ("GatewayNodes", Value::Array(vec![descriptor(&self.gateway, Role::Gateway)])),
            ("ServiceNodes", Value::Array(services)),
            ("StorageReplicas", Value::Array(storage)),
            ("ConfiguredReplicaIDs", Value::Bytes(numbers)),
            ("ConfiguredReplicaIdentityKeys", Value::Array(identity_keys)),
            ("SharedRandomCommit", Value::Null),
            ("SharedRandomReveal", Value::Null),
            ("SharedRandomValue", random("shared random")),
            ("PriorSharedRandom", Value::Array(vec![random("prior shared random")])),
            ("SphinxGeometryHash", random("geometry")),
            ("Version", Value::from("v1")),
            ("PKISignatureScheme", Value::from(SCHEME)),
        ]))
    }

    fn descriptor(&self, node: &Node, epoch: u64, role: Role) -> Vec<u8> {
        let mix_keys = (epoch..=epoch.saturating_add(2)).map(|epoch| {
            let key = derive(self.seed, &format!("{} mix key {epoch}", node.name));
            (Value::from(epoch), Value::from(key.as_slice()))
        });
        let endpoint = |queue| cbor::map([("endpoint", Value::from(queue))]);
        let services = match role {
            Role::Service => {
                cbor::map([("echo", endpoint(ECHO_QUEUE)), ("courier", endpoint(COURIER_QUEUE))])
            }
            Role::Gateway | Role::Mix => Value::Null,
        };
        cbor::encode(cbor::map([
            ("Name", Value::from(node.name.as_str())),
            ("Epoch", Value::from(epoch)),
            ("IdentityKey", Value::from(node.identity_key.as_slice())),
            ("LinkKey", Value::from(node.link_key.as_slice())),
            ("MixKeys", Value::Map(mix_keys.collect())),
            ("Addresses", addresses(node)),
            ("Kaetzchen", services),
            ("KaetzchenAdvertizedData", Value::Null),
            ("IsGatewayNode", Value::from(role == Role::Gateway)),
            ("IsServiceNode", Value::from(role == Role::Service)),
            ("LoadWeight", Value::from(0)),
            ("AuthenticationType", Value::from("")),
            ("Version", Value::from("v1")),
        ]))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Gateway,
    Mix,
    Service,
}

fn replica(number: u8, node: &Node, epoch: u64, replica_epoch: u64, replicas: &Replicas) -> Value {
    let epochs = replica_epoch.saturating_sub(1)..=replica_epoch.saturating_add(1);
    let keys = epochs.filter_map(|epoch| {
        let key = replicas.public_key(number, epoch)?;
        Some((Value::from(epoch), Value::from(key.as_bytes().as_slice())))
    });
    cbor::map([
        ("Name", Value::from(node.name.as_str())),
        ("ReplicaID", Value::from(number)),
        ("Epoch", Value::from(epoch)),
        ("IdentityKey", Value::from(node.identity_key.as_slice())),
        ("LinkKey", Value::from(node.link_key.as_slice())),
        ("EnvelopeKeys", Value::Map(keys.collect())),
        ("Addresses", addresses(node)),
    ])
}

/// An address that nobody can dial by mistake.
fn addresses(node: &Node) -> Value {
    cbor::map([("tcp", Value::Array(vec![Value::from(format!("tcp://{}.invalid:1", node.name))]))])
}
