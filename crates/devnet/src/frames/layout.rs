//! How the reference writes a response: all members, most of them null (§2.2, §4.0).

use ciborium_ll::{Encoder, Header};
use kpthin_core::wire::{EventKind, RequestKind};

use super::cursor::{Cursor, is_null};
use super::ids::Sink;

/// What stands in the place of a member that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unset {
    /// An empty text.
    Empty,
    /// Null, also in the place of an empty list or byte string: the reference's are nil where it has nothing to say.
    Nil,
    /// Null.
    Null,
    /// Nothing: it is left out.
    Omitted,
    /// Nothing, also in the place of 0.
    OmittedZero,
    /// The number 0.
    Zero,
}

use Unset::{Empty, Nil, Null, Omitted, OmittedZero, Zero};

/// A response: its name, and its members in the order of the reference.
type Response = (&'static str, &'static [(&'static str, Unset)]);

const RESPONSES: [Response; 25] = [
    (EventKind::SessionToken.name(), &[("app_id", Null), ("resumed", Null)]),
    (EventKind::Shutdown.name(), &[]),
    (
        EventKind::ConnectionStatus.name(),
        &[
            ("is_connected", Null),
            ("err", Null),
            ("instance_token", Null),
            ("sphinx_geometry", Null),
            ("pigeonhole_geometry", Null),
        ],
    ),
    (EventKind::NewPkiDocument.name(), &[("payload", Null)]),
    (
        EventKind::MessageSent.name(),
        &[
            ("message_id", Null),
            ("surbid", Null),
            ("sent_at", Zero),
            ("reply_eta", Zero),
            ("err", Omitted),
            ("forward_route", Omitted),
            ("return_route", Omitted),
        ],
    ),
    (
        EventKind::MessageReply.name(),
        &[("message_id", Null), ("surbid", Null), ("payload", Null), ("error_code", Zero)],
    ),
    (EventKind::MessageIdGarbageCollected.name(), &[("message_id", Null)]),
    (
        RequestKind::NewKeypair.reply_name(),
        &[QUERY_ID, ("write_cap", Null), ("read_cap", Null), ("first_message_index", Null), ERROR_CODE],
    ),
    (RequestKind::EncryptRead.reply_name(), ENCRYPTED),
    (RequestKind::EncryptWrite.reply_name(), ENCRYPTED),
    (
        RequestKind::StartResendingEncryptedMessage.reply_name(),
        &[
            QUERY_ID,
            ("plaintext", Null),
            ERROR_CODE,
            ("courier_identity_hash", Null),
            ("courier_queue_id", Null),
        ],
    ),
    (RequestKind::CancelResendingEncryptedMessage.reply_name(), &[QUERY_ID, ERROR_CODE]),
    (
        RequestKind::StartResendingCopyCommand.reply_name(),
        &[QUERY_ID, ERROR_CODE, ("replica_error_code", OmittedZero), ("failed_envelope_index", OmittedZero)],
    ),
    (RequestKind::CancelResendingCopyCommand.reply_name(), &[QUERY_ID, ERROR_CODE]),
    (
        RequestKind::NextMessageBoxIndex.reply_name(),
        &[QUERY_ID, ("next_message_box_index", Null), ERROR_CODE],
    ),
    (RequestKind::GetMessageBoxIndexCounter.reply_name(), &[QUERY_ID, ("counter", Zero), ERROR_CODE]),
    (RequestKind::GetPkiDocument.reply_name(), &[QUERY_ID, ("payload", Nil), ("epoch", Zero), ERROR_CODE]),
    (RequestKind::GetDirectoryAuthorities.reply_name(), &[QUERY_ID, ("authorities", Nil), ERROR_CODE]),
    (
        RequestKind::CreateCourierEnvelopesFromPayload.reply_name(),
        &[QUERY_ID, ("envelopes", Nil), ("next_dest_index", Null), ERROR_CODE],
    ),
    (
        RequestKind::CreateCourierEnvelopesFromMultiPayload.reply_name(),
        &[QUERY_ID, ("envelopes", Nil), ("buffer", Null), ("next_dest_indices", Nil), ERROR_CODE],
    ),
    (
        RequestKind::CreateCourierEnvelopesFromTombstoneRange.reply_name(),
        &[QUERY_ID, ("envelopes", Nil), ("buffer", Null), ("next_dest_index", Null), ERROR_CODE],
    ),
    (
        RequestKind::VoucherMint.reply_name(),
        &[
            QUERY_ID,
            ("voucher", Null),
            ("voucher_payload", Null),
            ("voucher_write_cap", Null),
            ("voucher_read_cap", Null),
            ("voucher_secret_key", Null),
            ("voucher_public_key", Null),
            ERROR_CODE,
        ],
    ),
    (
        RequestKind::VoucherInduct.reply_name(),
        &[
            QUERY_ID,
            ("display_name", Empty),
            ("mutated_message_read_cap", Null),
            ("sealed_reply", Null),
            ("voucher_write_cap", Null),
            ("voucher_read_cap", Null),
            ("salt", Null),
            ERROR_CODE,
        ],
    ),
    (
        RequestKind::VoucherOpen.reply_name(),
        &[QUERY_ID, ("who_reply", Null), ("salt", Null), ("mutated_message_write_cap", Null), ERROR_CODE],
    ),
    (
        RequestKind::VoucherDeriveStream.reply_name(),
        &[QUERY_ID, ("voucher_write_cap", Null), ("voucher_read_cap", Null), ERROR_CODE],
    ),
];

const QUERY_ID: (&str, Unset) = ("query_id", Null);
const ERROR_CODE: (&str, Unset) = ("error_code", Zero);
const ENCRYPTED: &[(&str, Unset)] = &[
    QUERY_ID,
    ("message_ciphertext", Null),
    ("envelope_descriptor", Null),
    ("envelope_hash", Null),
    ("next_message_box_index", Null),
    ERROR_CODE,
];

/// Writes a frame, which has the one member that is set, as the reference would have written it.
///
/// A frame that is none of ours is left as it is.
pub(crate) fn with_null_members(frame: Vec<u8>) -> Vec<u8> {
    spread(&frame).unwrap_or(frame)
}

fn spread(frame: &[u8]) -> Option<Vec<u8>> {
    let set = pairs(frame.get(4..)?)?;
    let (name, item) = set.first()?;
    if !RESPONSES.iter().any(|(response, _)| response == name) {
        return None;
    }
    let mut out = vec![0; 4];
    let mut writer = Writer(&mut out);
    writer.head(Header::Map(Some(RESPONSES.len())));
    for (response, members) in RESPONSES {
        writer.text(response);
        if response == name {
            writer.members(&pairs(item)?, members);
        } else {
            writer.null();
        }
    }
    set_prefix(&mut out);
    Some(out)
}

/// Writes the length of a body in front of it.
pub(super) fn set_prefix(frame: &mut [u8]) {
    let len = u32::try_from(frame.len().saturating_sub(4)).unwrap_or(u32::MAX);
    if let Some(prefix) = frame.first_chunk_mut() {
        *prefix = len.to_be_bytes();
    }
}

/// The members of a map.
fn pairs(item: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut cursor = Cursor(item);
    let len = cursor.map().ok()?;
    let mut pairs = Vec::new();
    while cursor.more(len, pairs.len()).ok()? {
        pairs.push((cursor.key().ok()??, cursor.item().ok()?));
    }
    Some(pairs)
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn members(&mut self, set: &[(String, &[u8])], members: &[(&str, Unset)]) {
        let written = members.iter().filter_map(|(name, unset)| {
            let value = set.iter().find(|(member, _)| member == name).map(|(_, value)| *value);
            match (value.filter(|value| !is_null(value)), unset) {
                (None, Omitted | OmittedZero) | (Some([0]), OmittedZero) => None,
                (Some([0x40 | 0x80]), Nil) => Some((name, None, unset)),
                (value, unset) => Some((name, value, unset)),
            }
        });
        let written: Vec<_> = written.collect();
        self.head(Header::Map(Some(written.len())));
        for (name, value, unset) in written {
            self.text(name);
            match (value, unset) {
                (Some(value), _) => self.0.extend_from_slice(value),
                (None, Empty) => self.text(""),
                (None, Zero) => self.head(Header::Positive(0)),
                (None, Nil | Null | Omitted | OmittedZero) => self.null(),
            }
        }
    }

    fn head(&mut self, header: Header) {
        let Ok(()) = Encoder::from(Sink(self.0)).push(header);
    }

    fn text(&mut self, text: &str) {
        self.head(Header::Text(Some(text.len())));
        self.0.extend_from_slice(text.as_bytes());
    }

    fn null(&mut self) {
        self.head(Header::Simple(22));
    }
}

/// A map with its members in another order; anything else as it is.
pub(crate) fn reordered(item: &[u8]) -> Vec<u8> {
    let Some(members) = pairs(item) else { return item.to_vec() };
    let mut out = Vec::with_capacity(item.len());
    let mut writer = Writer(&mut out);
    writer.head(Header::Map(Some(members.len())));
    for (name, value) in members.iter().rev() {
        writer.text(name);
        writer.0.extend_from_slice(value);
    }
    out
}
