//! A daemon that answers at once and knows nothing: what is measured is the client.

use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, AppId, Blob, ConnectionStatus, EncryptReply, EncryptWrite,
    EnvelopeHash, InstanceToken, MessageBoxIndex, NewPkiDocument, PigeonholeGeometry, QueryId, ReplyFrame,
    RequestKind, SecretBytes, SessionTokenReply, SphinxGeometry, WriteCap,
};

/// The plaintext of every call measured: 1 KB.
pub const PLAINTEXT_LEN: usize = 1_024;

/// What a box holds and a message may hold in the geometry that the stub announces.
const USER_FORWARD_PAYLOAD_LENGTH: u64 = 2_000;

const PLACEHOLDER: [u8; 16] = [0xa5; 16];

/// The call measured.
pub fn encrypt_write() -> AnyRequest {
    EncryptWrite {
        plaintext: Some(SecretBytes::from(vec![7; PLAINTEXT_LEN])),
        write_cap: Some(WriteCap::from([1; 168])),
        message_box_index: Some(MessageBoxIndex::from([2; 104])),
    }
    .into()
}

/// The two frames that open every link.
pub fn greeting() -> Vec<u8> {
    let sphinx = SphinxGeometry {
        packet_length: 3_082,
        nr_hops: 5,
        header_length: 476,
        routing_info_length: 410,
        per_hop_routing_info_length: 82,
        surb_length: 572,
        sphinx_plaintext_header_length: 2,
        payload_tag_length: 32,
        forward_payload_length: 2_574,
        user_forward_payload_length: USER_FORWARD_PAYLOAD_LENGTH,
        next_node_hop_length: 65,
        sprp_key_material_length: 64,
        nike_name: "x25519".into(),
        kem_name: String::new(),
    };
    let status = ConnectionStatus {
        is_connected: true,
        instance_token: InstanceToken::from([3; 16]),
        sphinx_geometry: Some(sphinx),
        pigeonhole_geometry: PigeonholeGeometry::from_user_forward_payload_length(
            USER_FORWARD_PAYLOAD_LENGTH,
        ),
    };
    let mut out = Vec::new();
    for response in
        [AnyResponse::ConnectionStatus(status), AnyResponse::NewPkiDocument(NewPkiDocument { payload: None })]
    {
        response.encode(&mut out).expect("the frame is small");
    }
    out
}

/// Answers every `encrypt_write` with the same envelope, under the id of its request.
pub struct Stub {
    reply: Vec<u8>,
    query_id_at: usize,
    session: Vec<u8>,
}

impl Stub {
    /// Encodes the frames it answers with.
    #[expect(clippy::new_without_default, reason = "work that a reader should see being done")]
    pub fn new() -> Self {
        let mut reply = Vec::new();
        let frame = ReplyFrame {
            query_id: Some(QueryId::from(PLACEHOLDER)),
            kind: RequestKind::EncryptWrite,
            result: Ok(AnyReply::EncryptWrite(EncryptReply {
                message_ciphertext: Blob::from(vec![4; 2_000]),
                envelope_descriptor: SecretBytes::from(vec![5; 201]),
                envelope_hash: EnvelopeHash::from([6; 32]),
                next_message_box_index: MessageBoxIndex::from([8; 104]),
            })),
        };
        AnyResponse::Reply(frame).encode(&mut reply).expect("the frame is small");
        let query_id_at = find(&reply, &PLACEHOLDER).expect("the id stands in the reply");
        let mut session = Vec::new();
        let opened = SessionTokenReply { app_id: AppId::from([9; 16]), resumed: false };
        AnyResponse::SessionToken(opened).encode(&mut session).expect("the frame is small");
        Self { reply, query_id_at, session }
    }

    /// Takes whole frames off the front of `input` and appends their answers to `out`.
    pub fn answer(&self, input: &mut Vec<u8>, out: &mut Vec<u8>) -> usize {
        let (mut at, mut calls) = (0, 0);
        while let Some(prefix) = input.get(at..at + 4) {
            let len = u32::from_be_bytes(prefix.try_into().expect("four bytes")) as usize;
            let Some(body) = input.get(at + 4..at + 4 + len) else { break };
            at += 4 + len;
            // The query id is the first member that the client writes; its head is one byte.
            match find(&body[..body.len().min(64)], b"query_id") {
                Some(key) => {
                    let id = key + "query_id".len() + 1;
                    let start = out.len();
                    out.extend_from_slice(&self.reply);
                    out[start + self.query_id_at..][..16].copy_from_slice(&body[id..id + 16]);
                    calls += 1;
                }
                None => out.extend_from_slice(&self.session),
            }
        }
        drop(input.drain(..at));
        calls
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
