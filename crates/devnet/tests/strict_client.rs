//! A client that knows the protocol from its description alone and is as strict as the strictest one in use (§2.3).
//!
//! It shares no code with the daemon: frames and maps are taken apart here.
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use ciborium::Value;
use kpthin_devnet::{DevnetConfig, Server};

type Map = BTreeMap<String, Value>;

struct Client {
    stream: TcpStream,
    asked: u8,
}

impl Client {
    fn connect(net: &Server) -> Self {
        let stream = TcpStream::connect(net.tcp_addr().expect("started on TCP")).expect("connected");
        Self { stream, asked: 0 }
    }

    /// The one member of the next response that is set, with its name.
    fn response(&mut self) -> (String, Map) {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).expect("a length");
        let len = usize::try_from(u32::from_be_bytes(prefix)).expect("a length");
        assert!((1..=40 << 20).contains(&len), "{len} bytes");
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).expect("a body");
        let mut rest = &body[..];
        let response: Value = ciborium::from_reader(&mut rest).expect("one CBOR item");
        assert!(rest.is_empty(), "nothing stands behind it");
        let mut set: Vec<_> = map(response).into_iter().filter(|(_, value)| *value != Value::Null).collect();
        let (name, value) = set.pop().expect("a member that is set");
        assert!(set.is_empty(), "{name} and {set:?}");
        (name, map(value))
    }

    fn expect(&mut self, name: &str) -> Map {
        let (found, members) = self.response();
        assert_eq!(found, name);
        members
    }

    fn send(&mut self, name: &str, members: Vec<(&str, Value)>) {
        let members =
            members.into_iter().map(|(name, value)| (Value::Text(name.to_owned()), value)).collect();
        let request = Value::Map(vec![(Value::Text(name.to_owned()), Value::Map(members))]);
        let mut body = Vec::new();
        ciborium::into_writer(&request, &mut body).expect("written to memory");
        let len = u32::try_from(body.len()).expect("a short request");
        self.stream.write_all(&[&len.to_be_bytes()[..], &body].concat()).expect("sent");
    }

    /// Sends a request and routes its reply by name and query id.
    fn call(&mut self, name: &str, mut members: Vec<(&str, Value)>) -> (u64, Map) {
        self.asked += 1;
        let query_id = vec![self.asked; 16];
        members.push(("query_id", Value::Bytes(query_id.clone())));
        self.send(name, members);
        loop {
            let (found, members) = self.response();
            if found.ends_with("_reply") {
                assert_eq!(found, format!("{name}_reply"));
                assert_eq!(bytes(&members, "query_id"), query_id);
                return (number(&members, "error_code"), members);
            }
            assert!(found.ends_with("_event"), "{found}");
        }
    }

    /// The handshake, which begins with these three, in this order.
    fn handshake(&mut self) -> (Map, Map) {
        let status = self.expect("connection_status_event");
        let document = self.expect("new_pki_document_event");
        let token = Value::Bytes(vec![7; 16]);
        self.send("session_token", vec![("client_instance_token", token)]);
        let session = self.expect("session_token_reply");
        assert_eq!(bytes(&session, "app_id").len(), 16);
        assert_eq!(session["resumed"], Value::Bool(false));
        (status, document)
    }
}

fn map(value: Value) -> Map {
    let pairs = value.into_map().expect("a map");
    let count = pairs.len();
    let map: Map =
        pairs.into_iter().map(|(key, value)| (key.into_text().expect("a text key"), value)).collect();
    assert_eq!(map.len(), count, "no key stands there twice");
    map
}

fn bytes(members: &Map, name: &str) -> Vec<u8> {
    members[name].as_bytes().unwrap_or_else(|| panic!("{name}: {:?}", members[name])).clone()
}

fn number(members: &Map, name: &str) -> u64 {
    let number = members[name].as_integer().unwrap_or_else(|| panic!("{name}: {:?}", members[name]));
    number.try_into().expect("an unsigned number")
}

fn start() -> (Server, Client) {
    let net = Server::start(DevnetConfig::instant(), [7; 32]).expect("started");
    let client = Client::connect(&net);
    (net, client)
}

#[test]
fn the_handshake_is_what_the_strictest_clients_expect() {
    let (_net, mut client) = start();
    let (status, document) = client.handshake();
    assert_eq!(status.get("err").unwrap_or(&Value::Null), &Value::Null);
    assert_eq!(status["is_connected"], Value::Bool(true));
    assert_eq!(bytes(&status, "instance_token").len(), 16);
    let names = |value: &Value| map(value.clone()).into_keys().collect::<Vec<_>>();
    assert_eq!(
        names(&status["sphinx_geometry"]),
        [
            "ForwardPayloadLength",
            "HeaderLength",
            "KEMName",
            "NIKEName",
            "NextNodeHopLength",
            "NrHops",
            "PacketLength",
            "PayloadTagLength",
            "PerHopRoutingInfoLength",
            "RoutingInfoLength",
            "SPRPKeyMaterialLength",
            "SURBLength",
            "SphinxPlaintextHeaderLength",
            "UserForwardPayloadLength",
        ]
    );
    assert_eq!(
        names(&status["pigeonhole_geometry"]),
        [
            "CourierQueryReadLength",
            "CourierQueryReplyReadLength",
            "CourierQueryReplyWriteLength",
            "CourierQueryWriteLength",
            "MaxPlaintextPayloadLength",
            "NIKEName",
            "SignatureSchemeName",
        ]
    );
    let payload = bytes(&document, "payload");
    let document: Value = ciborium::from_reader(&payload[..]).expect("a document");
    assert!(map(document).contains_key("Epoch"));
}

#[test]
fn a_box_is_written_and_read_with_maps_that_are_made_by_hand() {
    let (_net, mut client) = start();
    let (status, _) = client.handshake();
    let geometry = map(status["pigeonhole_geometry"].clone());
    let (code, keys) = client.call("new_keypair", vec![("seed", Value::Bytes(vec![9; 32]))]);
    assert_eq!(code, 0);
    let keys = ["write_cap", "read_cap", "first_message_index"].map(|name| bytes(&keys, name));
    let [write_cap, read_cap, index] = keys.clone();
    assert_eq!(keys.map(|key| key.len()), [168, 136, 104]);

    let (code, write) = client.call(
        "encrypt_write",
        vec![
            ("plaintext", Value::Bytes(b"by hand".to_vec())),
            ("write_cap", Value::Bytes(write_cap.clone())),
            ("message_box_index", Value::Bytes(index.clone())),
        ],
    );
    assert_eq!(code, 0);
    assert_eq!(
        bytes(&write, "message_ciphertext").len() as u64,
        number(&geometry, "CourierQueryWriteLength")
    );
    assert_eq!(
        [bytes(&write, "envelope_hash").len(), bytes(&write, "next_message_box_index").len()],
        [32, 104]
    );
    let start = |sealed: &Map, cap: (&'static str, Vec<u8>)| {
        vec![
            (cap.0, Value::Bytes(cap.1)),
            ("message_box_index", Value::Bytes(index.clone())),
            ("envelope_descriptor", sealed["envelope_descriptor"].clone()),
            ("message_ciphertext", sealed["message_ciphertext"].clone()),
            ("envelope_hash", sealed["envelope_hash"].clone()),
            ("no_retry_on_box_id_not_found", Value::Bool(true)),
            ("no_idempotent_box_already_exists", Value::Bool(true)),
        ]
    };
    let (code, written) =
        client.call("start_resending_encrypted_message", start(&write, ("write_cap", write_cap)));
    assert_eq!((code, bytes(&written, "courier_identity_hash").len()), (0, 32));

    let (code, read) = client.call(
        "encrypt_read",
        vec![
            ("read_cap", Value::Bytes(read_cap.clone())),
            ("message_box_index", Value::Bytes(index.clone())),
        ],
    );
    assert_eq!(code, 0);
    let (code, found) =
        client.call("start_resending_encrypted_message", start(&read, ("read_cap", read_cap)));
    assert_eq!((code, bytes(&found, "plaintext")), (0, b"by hand".to_vec()));
}

#[test]
fn every_reply_has_its_code_and_byte_strings_where_strict_decoders_need_them() {
    let (_net, mut client) = start();
    let _ = client.handshake();
    // An epoch far away: an error, and still no null where a byte string belongs.
    let (code, reply) = client.call("get_pki_document", vec![("epoch", Value::from(1))]);
    assert!(code != 0 && matches!(&reply["payload"], Value::Bytes(bytes) if bytes.is_empty()), "{reply:?}");
    let (code, reply) = client.call("get_pki_document", vec![("epoch", Value::from(0))]);
    assert!(code == 0 && !bytes(&reply, "payload").is_empty());
    let (code, reply) = client.call("get_directory_authorities", vec![]);
    assert!(code == 0 && reply["authorities"].as_array().is_some_and(|list| !list.is_empty()), "{reply:?}");
    for name in [
        "new_keypair",
        "encrypt_read",
        "encrypt_write",
        "next_message_box_index",
        "get_message_box_index_counter",
        "create_courier_envelopes_from_payload",
        "create_courier_envelopes_from_multi_payload",
        "create_courier_envelopes_from_tombstone_range",
        "voucher_mint",
        "voucher_induct",
        "voucher_open",
        "voucher_derive_stream",
        "start_resending_encrypted_message",
        "start_resending_copy_command",
        "cancel_resending_encrypted_message",
        "cancel_resending_copy_command",
    ] {
        // Without anything that it needs, each is refused, and says so in a reply of its own.
        assert_eq!(client.call(name, vec![]).0, 3, "{name}");
    }
}

#[test]
fn members_that_are_null_or_unknown_are_as_if_they_were_not_there() {
    let (_net, mut client) = start();
    let _ = client.handshake();
    let query_id = Value::Bytes(vec![5; 16]);
    let text = |text: &str| Value::Text(text.to_owned());
    let call = Value::Map(vec![
        (text("seed"), Value::Bytes(vec![1; 32])),
        (text("from_the_future"), Value::Array(vec![Value::Null])),
        (text("query_id"), query_id.clone()),
    ]);
    let request = Value::Map(vec![
        (text("session_token"), Value::Null),
        (text("new_keypair"), call),
        (text("unheard_of"), Value::Bool(true)),
    ]);
    let mut body = Vec::new();
    ciborium::into_writer(&request, &mut body).expect("written to memory");
    let len = u32::try_from(body.len()).expect("short");
    client.stream.write_all(&[&len.to_be_bytes()[..], &body].concat()).expect("sent");
    let reply = client.expect("new_keypair_reply");
    assert_eq!((number(&reply, "error_code"), &reply["query_id"]), (0, &query_id));
}
