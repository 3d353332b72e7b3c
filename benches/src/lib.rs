//! A daemon that answers at once and knows nothing: what is measured is the client.

use kpthin_core::{
    testing,
    wire::{
        AnyReply, AnyRequest, AnyResponse, Blob, EncryptReply, EncryptWrite, EnvelopeHash, InstanceToken,
        MessageBoxIndex, QueryId, ReplyFrame, RequestKind, SecretBytes, WriteCap,
    },
};

/// The plaintext of every call measured: 1 KB.
pub const PLAINTEXT_LEN: usize = 1_024;

const PLACEHOLDER: [u8; 16] = [0xa5; 16];

/// The call measured.
pub fn encrypt_write() -> AnyRequest {
    EncryptWrite {
        plaintext: SecretBytes::from(vec![7; PLAINTEXT_LEN]),
        write_cap: WriteCap::from([1; 168]),
        message_box_index: MessageBoxIndex::from([2; 104]),
    }
    .into()
}

/// The two frames that open every link.
pub fn greeting() -> Vec<u8> {
    testing::greeting(InstanceToken::from([3; 16]), true)
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
        let answer = ReplyFrame {
            query_id: Some(QueryId::from(PLACEHOLDER)),
            kind: RequestKind::EncryptWrite,
            result: Ok(AnyReply::EncryptWrite(EncryptReply {
                message_ciphertext: Blob::from(vec![4; 2_000]),
                envelope_descriptor: SecretBytes::from(vec![5; 201]),
                envelope_hash: EnvelopeHash::from([6; 32]),
                next_message_box_index: MessageBoxIndex::from([8; 104]),
            })),
        };
        let reply = testing::frame(&AnyResponse::Reply(answer));
        let query_id_at = find(&reply, &PLACEHOLDER).expect("the id stands in the reply");
        Self { reply, query_id_at, session: testing::frame(&testing::session(false)) }
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
