//! Documents and certificates: what the reference encodes, and what must be refused.

use ciborium::Value as Cbor;
use kpthin_core::{
    pki::{
        Certificate, Document, DocumentContent, DocumentError, MixDescriptor, Node, Nodes, Parameter,
        ReplicaDescriptor,
    },
    wire::{CborProblem, MemberProblem},
};
use serde_json::Value as Json;

use crate::support::{bytes, json, list, text, unhex};

fn entries(kind: &str) -> Vec<Json> {
    list(&json("pki/manifest.json")[kind]).to_vec()
}

fn names(nodes: Nodes<'_>) -> Vec<String> {
    nodes.map(|node| node.descriptor().unwrap().name).collect()
}

/// A list of names, `null` for none.
fn assert_names(nodes: Nodes<'_>, expected: &Json) {
    let expected: Vec<_> = expected.as_array().into_iter().flatten().map(text).collect();
    assert_eq!(names(nodes), expected);
}

#[test]
fn every_document_says_what_the_manifest_says() {
    let entries = entries("documents");
    assert_eq!(entries.len(), 4);
    for entry in &entries {
        let file = text(&entry["file"]);
        let document = Document::decode(&bytes(&format!("pki/{file}"))).unwrap();

        assert_eq!(document.epoch(), entry["epoch"], "{file}");
        let layers: Vec<_> = entry["topology"].as_array().into_iter().flatten().collect();
        assert_eq!(document.topology().len(), layers.len(), "{file}");
        for (layer, expected) in document.topology().zip(layers) {
            assert_names(layer, expected);
        }
        assert_names(document.gateway_nodes(), &entry["gateways"]);
        assert_names(document.service_nodes(), &entry["service_nodes"]);
        assert_replicas(&document, &entry["replicas"]);
        let replica_epoch = entry["replicas"].as_array().map(|_| entry["replica_epoch"].as_u64().unwrap());
        assert_eq!(document.replica_epoch(), replica_epoch, "{file}");

        let mut commits: Vec<_> =
            entry["shared_random_commit_keys"].as_array().into_iter().flatten().map(text).collect();
        commits.sort_unstable();
        let content = document.content().unwrap();
        let keys: Vec<_> = content.shared_random_commit.keys().map(ToString::to_string).collect();
        assert_eq!(keys, commits, "{file}");

        let absent = list(&entry["absent_keys"]).iter().map(text).any(|key| key == "ConfiguredReplicaIDs");
        assert_eq!(content.configured_replica_ids.is_none(), absent, "{file}");
        assert_eq!(content.configured_replica_identity_keys.is_none(), absent, "{file}");
    }
}

fn assert_replicas(document: &Document, expected: &Json) {
    let expected: Vec<_> = expected.as_array().into_iter().flatten().collect();
    assert_eq!(document.storage_replicas().len(), expected.len());
    for (replica, expected) in document.storage_replicas().zip(expected) {
        assert_eq!(replica.name, text(&expected["name"]));
        assert_eq!(replica.replica_id, expected["id"]);
        assert_eq!(*replica.identity_key, unhex(text(&expected["identity_key"])));
        let mut epochs: Vec<_> =
            list(&expected["envelope_epochs"]).iter().map(|epoch| epoch.as_u64().unwrap()).collect();
        epochs.sort_unstable();
        assert!(replica.envelope_keys.keys().eq(&epochs));
        assert!(replica.envelope_keys.values().all(|key| key.len() == 160));
    }
}

#[test]
fn services_are_found_and_broken_entries_skipped() {
    let entries = entries("documents");
    let expected = entries[0]["services"].as_object().unwrap();
    assert!(expected.len() >= 4);
    for file in ["document.cbor", "document-default-order.cbor"] {
        let document = Document::decode(&bytes(&format!("pki/{file}"))).unwrap();
        for (capability, expected) in expected {
            let found: Vec<_> = document.services(capability).collect();
            assert_eq!(found.len(), list(expected).len(), "{file}: {capability}");
            for (service, expected) in found.iter().zip(list(expected)) {
                assert_eq!(service.capability, *capability);
                assert_eq!(service.node, text(&expected["node"]));
                let destination = service.destination();
                assert_eq!(destination.node.to_string(), text(&expected["destination_id_hash"]));
                assert_eq!(destination.queue.as_bytes(), text(&expected["recipient_queue_id"]).as_bytes());
                assert_eq!(
                    service.parameters["endpoint"].as_text().as_deref(),
                    expected["recipient_queue_id"].as_str()
                );
            }
        }
        let couriers: Vec<_> = document.couriers().map(|service| service.node).collect();
        assert_eq!(couriers, ["servicenode1", "servicenode2"]);
    }
}

#[test]
fn the_canonical_encoding_is_that_of_the_authorities() {
    let canonical = bytes("pki/document.cbor");
    for file in ["document.cbor", "document-default-order.cbor"] {
        let document = Document::decode(&bytes(&format!("pki/{file}"))).unwrap();
        for node in document.topology().flatten().chain(document.service_nodes()) {
            let descriptor = node.descriptor().unwrap();
            assert_eq!(Node::from(descriptor.clone()).descriptor(), Some(descriptor));
        }
        assert_eq!(document.content().unwrap().encode(), canonical, "{file}");
    }
    for file in ["document-sparse.cbor", "document-empty.cbor"] {
        let document = Document::decode(&bytes(&format!("pki/{file}"))).unwrap();
        assert_eq!(Document::decode(&document.content().unwrap().encode()), Ok(document));
    }
}

/// Whether every map in the item has its shortest keys first, then sorts by bytes.
fn is_canonical(item: &Cbor) -> bool {
    let encoded = |key: &Cbor| {
        let mut bytes = Vec::new();
        ciborium::into_writer(key, &mut bytes).unwrap();
        (bytes.len(), bytes)
    };
    match item {
        Cbor::Map(pairs) => {
            pairs.iter().map(|(key, _)| encoded(key)).is_sorted()
                && pairs.iter().all(|(_, value)| is_canonical(value))
        }
        Cbor::Array(items) => items.iter().all(is_canonical),
        _ => true,
    }
}

#[test]
fn everything_made_here_is_canonical() {
    let parameters = [("b", 1u64.into()), ("aa", 2u64.into()), ("endpoint", Parameter::from("+echo"))].map(
        |(key, value)| {
            let key: &str = key;
            (key.to_owned(), value)
        },
    );
    let descriptor = MixDescriptor {
        name: "node".into(),
        mix_keys: [(9, vec![1].into()), (300, vec![2].into())].into(),
        addresses: [("tcp4".to_owned(), vec!["127.0.0.1:1".to_owned()]), ("quic".to_owned(), vec![])].into(),
        kaetzchen: [("zz".to_owned(), parameters.clone().into()), ("echo".to_owned(), parameters.into())]
            .into(),
        ..MixDescriptor::default()
    };
    let encoded = descriptor.encode();
    assert!(is_canonical(&ciborium::from_reader(&*encoded).unwrap()));
    assert_eq!(MixDescriptor::decode(&encoded), Ok(descriptor.clone()));

    let replica = ReplicaDescriptor {
        envelope_keys: [(22, vec![1].into()), (23, vec![2].into()), (24, vec![3].into())].into(),
        ..ReplicaDescriptor::default()
    };
    let content = DocumentContent {
        service_nodes: vec![descriptor.into(), b"broken".to_vec().into()],
        storage_replicas: vec![replica],
        shared_random_commit: [([2; 32].into(), vec![1].into()), ([1; 32].into(), vec![2].into())].into(),
        configured_replica_ids: Some(vec![0].into()),
        configured_replica_identity_keys: Some(vec![vec![1; 32].into()]),
        ..DocumentContent::default()
    };
    let encoded = content.encode();
    assert!(is_canonical(&ciborium::from_reader(&*encoded).unwrap()));
    assert_eq!(DocumentContent::decode(&encoded).as_ref(), Ok(&content));
    let document = Document::decode(&encoded).unwrap();
    assert_eq!(document.content(), Ok(content));
    assert_eq!(document.replica_epoch(), Some(23));
    assert_eq!(document.services("echo").count(), 1);
}

/// One descriptor after the other, and all of them at once: they are the same.
#[test]
fn what_is_asked_for_is_what_the_content_says() {
    let files =
        ["document.cbor", "document-default-order.cbor", "document-sparse.cbor", "document-empty.cbor"];
    for file in files {
        let document = Document::decode(&bytes(&format!("pki/{file}"))).unwrap();
        let content = document.content().unwrap();
        assert!(
            document.topology().map(|layer| layer.len()).eq(content.topology.iter().map(Vec::len)),
            "{file}"
        );
        assert!(document.topology().flatten().eq(content.topology.iter().flatten().cloned()), "{file}");
        assert!(document.gateway_nodes().eq(content.gateway_nodes.iter().cloned()), "{file}");
        assert!(document.service_nodes().eq(content.service_nodes.iter().cloned()), "{file}");
        assert!(document.storage_replicas().eq(content.storage_replicas.iter().cloned()), "{file}");
        assert_eq!(document.service_nodes().len(), content.service_nodes.len());
        let rates = [document.mu(), document.lambda_g(), document.lambda_l(), document.lambda_m()];
        assert_eq!(rates, [content.mu, content.lambda_g, content.lambda_l, content.lambda_m]);
        assert_eq!([document.lambda_p(), document.lambda_r()], [content.lambda_p, content.lambda_r]);
        assert_eq!(document.version(), content.version);
        assert_eq!(document.pki_signature_scheme(), content.pki_signature_scheme);
        assert_eq!(document.sphinx_geometry_hash(), &*content.sphinx_geometry_hash);
        assert_eq!(document.genesis_epoch(), content.genesis_epoch);
        for courier in document.couriers() {
            assert!(document.has_courier(&courier.identity_hash), "{file}");
        }
        assert!(!document.has_courier(&[9; 32].into()));
    }
}

#[test]
fn empty_layers_and_null_nodes_keep_their_places() {
    // {"Topology": [null, [h'01', null], []], "ServiceNodes": null}
    let bytes = b"\xa2\x68Topology\x83\xf6\x82\x41\x01\xf6\x80\x6cServiceNodes\xf6";
    let document = Document::decode(bytes).unwrap();
    let layers: Vec<Vec<_>> =
        document.topology().map(|layer| layer.map(|node| node.as_bytes().to_vec()).collect()).collect();
    assert_eq!(layers, [vec![], vec![vec![1], vec![]], vec![]]);
    assert_eq!(document.service_nodes().len(), 0);
    assert!(document.topology().flatten().all(|node| node.descriptor().is_none()));
}

#[test]
fn what_is_not_kept_has_to_have_its_type_as_well() {
    for member in
        ["SharedRandomValue", "PriorSharedRandom", "SharedRandomCommit", "StorageReplicas", "Topology"]
    {
        let len = u8::try_from(member.len()).unwrap();
        let bytes = [&[0xa1, 0x78, len][..], member.as_bytes(), &[0x07]].concat();
        match Document::decode(&bytes) {
            Err(DocumentError::Member { member: faulty, .. }) => assert_eq!(faulty, member),
            other => panic!("{member}: {other:?}"),
        }
    }
}

#[test]
fn every_certificate_is_taken_apart_or_refused() {
    let mut malformed = 0;
    for entry in entries("certificates") {
        let file = text(&entry["file"]);
        if !file.starts_with("ed25519-") {
            continue;
        }
        let bytes = bytes(&format!("pki/{file}"));
        let decoded = Certificate::decode(&bytes);
        if entry["expect"]["reason"] == "malformed" {
            assert!(decoded.is_err(), "{file}");
            malformed += 1;
            continue;
        }
        let certificate = decoded.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(Certificate::decode(&certificate.encode()).as_ref(), Ok(&certificate), "{file}");
        let document = certificate.document();
        if entry["expect"]["reason"] == "document" {
            assert!(document.is_err(), "{file}");
        }
        if entry["expect"]["valid"] == true {
            assert!(document.is_ok(), "{file}");
        }
    }
    assert_eq!(malformed, 6);
}

#[test]
fn a_certificate_has_its_fields_and_its_canonical_bytes() {
    let bytes = bytes("pki/ed25519-valid-3of3.cbor");
    let certificate = Certificate::decode(&bytes).unwrap();
    assert_eq!((certificate.version, certificate.key_type.as_str()), (0, "Ed25519"));
    assert_eq!(certificate.signatures.len(), 3);
    for (key, signature) in &certificate.signatures {
        assert_eq!(*key, signature.public_key_sum256);
        assert_eq!(signature.payload.len(), 64);
    }
    assert_eq!(certificate.encode(), bytes);

    let mut message = vec![0, 0, 0, 0];
    message.extend_from_slice(&certificate.expiration.to_le_bytes());
    message.extend_from_slice(b"Ed25519");
    message.extend_from_slice(&certificate.certified);
    assert_eq!(certificate.signed_message(), message);
    assert_eq!(certificate.document().unwrap().epoch(), 300_000);
}

#[test]
fn a_member_that_stands_twice_is_refused_even_behind_null() {
    // {"Version": null, "Version": 1}
    let bytes = b"\xa2\x67Version\xf6\x67Version\x01";
    let duplicate = DocumentError::Member { member: "Version", problem: MemberProblem::Duplicate };
    assert_eq!(Certificate::decode(bytes), Err(duplicate));
}

#[test]
fn only_a_whole_map_is_a_document() {
    let problem = |bytes: &[u8]| match Document::decode(bytes) {
        Err(DocumentError::Cbor(error)) => error.problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(problem(b""), CborProblem::UnexpectedEnd);
    assert_eq!(problem(b"\xf6"), CborProblem::NotAMap);
    assert_eq!(problem(b"\xa0\x00"), CborProblem::Trailing);
    let mut deep = b"\xa1\x61a".to_vec();
    deep.resize(deep.len() + 32, 0x81);
    deep.push(0);
    assert_eq!(problem(&deep), CborProblem::TooDeep);
    let _innermost = deep.remove(3);
    assert_eq!(Document::decode(&deep).unwrap().content(), Ok(DocumentContent::default()));
}

#[test]
fn a_cut_or_changed_document_never_panics() {
    let bytes = bytes("pki/document.cbor");
    for len in (0..bytes.len()).step_by(7) {
        assert!(Document::decode(&bytes[..len]).is_err());
    }
    for at in 0..bytes.len().min(4_000) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        if let Ok(document) = Document::decode(&changed) {
            assert_eq!(Document::decode(&document.content().unwrap().encode()), Ok(document), "byte {at}");
        }
    }
}
