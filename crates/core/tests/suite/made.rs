//! Messages of every kind, made from arbitrary bytes.

use kpthin_core::{pki::ServiceAddress, wire::*};

/// Bytes that decide what is made; zeros once they are used up.
#[derive(Debug)]
pub(crate) struct Source<'a>(pub(crate) &'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }
}

/// A value that can be made of bytes.
pub(crate) trait Made {
    fn made(source: &mut Source<'_>) -> Self;
}

impl<T: Made> Made for Option<T> {
    fn made(source: &mut Source<'_>) -> Self {
        (!source.byte().is_multiple_of(3)).then(|| T::made(source))
    }
}

impl<T: Made> Made for Vec<T> {
    fn made(source: &mut Source<'_>) -> Self {
        (0..source.byte() % 4).map(|_| T::made(source)).collect()
    }
}

impl Made for bool {
    fn made(source: &mut Source<'_>) -> Self {
        source.byte() % 2 == 1
    }
}

impl Made for u8 {
    fn made(source: &mut Source<'_>) -> Self {
        source.byte()
    }
}

/// Of every width, so that every length of head is met.
impl Made for u64 {
    fn made(source: &mut Source<'_>) -> Self {
        let shift = source.byte() % 64;
        Self::from_be_bytes(source.array()) >> shift
    }
}

impl Made for u32 {
    fn made(source: &mut Source<'_>) -> Self {
        let shift = source.byte() % 32;
        Self::from_be_bytes(source.array()) >> shift
    }
}

impl Made for i64 {
    fn made(source: &mut Source<'_>) -> Self {
        let shift = source.byte() % 64;
        Self::from_be_bytes(source.array()) >> shift
    }
}

impl Made for String {
    fn made(source: &mut Source<'_>) -> Self {
        (0..source.byte() % 40).map(|_| char::from(source.byte())).collect()
    }
}

impl Made for Blob {
    fn made(source: &mut Source<'_>) -> Self {
        (0..source.byte()).map(|_| source.byte()).collect::<Vec<_>>().into()
    }
}

impl Made for SecretBytes {
    fn made(source: &mut Source<'_>) -> Self {
        Blob::made(source).into_vec().into()
    }
}

impl Made for QueueId {
    fn made(source: &mut Source<'_>) -> Self {
        let len = 1 + source.byte() % 32;
        Self::new((0..len).map(|_| source.byte()).collect::<Vec<_>>()).unwrap()
    }
}

impl Made for Surb {
    fn made(source: &mut Source<'_>) -> Self {
        match source.byte() % 3 {
            0 => Self::None,
            1 => Self::Unnamed,
            _ => Self::Named(Made::made(source)),
        }
    }
}

impl Made for BoxAccess {
    fn made(source: &mut Source<'_>) -> Self {
        if Made::made(source) {
            Self::Read { read_cap: Made::made(source), message_box_index: Made::made(source) }
        } else {
            Self::Write { write_cap: Made::made(source), message_box_index: Made::made(source) }
        }
    }
}

macro_rules! fixed {
    ($($name:ident),* $(,)?) => {$(
        impl Made for $name {
            fn made(source: &mut Source<'_>) -> Self {
                source.array().into()
            }
        }
    )*};
}

fixed! {
    AppId, EnvelopeHash, IdentityHash, InstanceToken, MessageBoxIndex, MessageId, QueryId, ReadCap, Salt,
    Seed, SessionToken, SurbId, Voucher, VoucherPublicKey, VoucherSecretKey, WriteCap, WriteCapHash,
}

macro_rules! structs {
    ($( $name:ident { $($field:ident),* $(,)? } )*) => {$(
        impl Made for $name {
            fn made(source: &mut Source<'_>) -> Self {
                let _ = &source;
                Self { $( $field: Made::made(source), )* }
            }
        }
    )*};
}

structs! {
    PresentSessionToken { client_instance_token }
    ThinClose {}
    SendMessage { id, surb, destination_id_hash, recipient_queue_id, payload }
    NewKeypair { seed }
    EncryptRead { read_cap, message_box_index }
    EncryptWrite { plaintext, write_cap, message_box_index }
    StartResendingEncryptedMessage {
        access, reply_index, envelope_descriptor, message_ciphertext, envelope_hash, no_retry_on_box_id_not_found, no_idempotent_box_already_exists,
    }
    CancelResendingEncryptedMessage { envelope_hash }
    StartResendingCopyCommand { write_cap, courier }
    ServiceAddress { node, queue }
    CancelResendingCopyCommand { write_cap_hash }
    NextMessageBoxIndex { message_box_index }
    GetMessageBoxIndexCounter { message_box_index }
    GetPkiDocument { epoch }
    GetDirectoryAuthorities {}
    CreateCourierEnvelopesFromPayload { payload, dest_write_cap, dest_start_index, is_start, is_last }
    Destination { payload, write_cap, start_index }
    CreateCourierEnvelopesFromMultiPayload { destinations, is_start, is_last, buffer }
    CreateCourierEnvelopesFromTombstoneRange {
        dest_write_cap, dest_start_index, max_count, is_start, is_last, buffer,
    }
    VoucherMint { message_write_cap, display_name }
    VoucherInduct { voucher, voucher_payload, who_reply }
    VoucherOpen { voucher_secret_key, sealed_reply, message_write_cap }
    VoucherDeriveStream { voucher }

    KeypairReply { write_cap, read_cap, first_message_index }
    EncryptReply { message_ciphertext, envelope_descriptor, envelope_hash, next_message_box_index }
    ResendingReply { plaintext, courier_identity_hash, courier_queue_id }
    CancelReply {}
    CopyReply {}
    IndexReply { next_message_box_index }
    CounterReply { counter }
    PkiDocumentReply { payload, epoch }
    DirectoryAuthorities { authorities }
    DirectoryAuthority {
        identifier, pki_signature_scheme, wire_kem_scheme, addresses, identity_public_key_pem,
        link_public_key_pem, identity_key_hash,
    }
    CourierEnvelopes { envelopes, next_dest_index }
    MultiCourierEnvelopes { envelopes, buffer, next_dest_indices }
    TombstoneEnvelopes { envelopes, buffer, next_dest_index }
    VoucherMintReply {
        voucher, voucher_payload, voucher_write_cap, voucher_read_cap, voucher_secret_key, voucher_public_key,
    }
    VoucherInductReply {
        display_name, mutated_message_read_cap, sealed_reply, voucher_write_cap, voucher_read_cap, salt,
    }
    VoucherOpenReply { who_reply, salt, mutated_message_write_cap }
    VoucherStreamReply { voucher_write_cap, voucher_read_cap }

    ConnectionStatus { is_connected, instance_token, sphinx_geometry, pigeonhole_geometry }
    SphinxGeometry {
        packet_length, nr_hops, header_length, routing_info_length, per_hop_routing_info_length, surb_length,
        sphinx_plaintext_header_length, payload_tag_length, forward_payload_length,
        user_forward_payload_length, next_node_hop_length, sprp_key_material_length, nike_name, kem_name,
    }
    PigeonholeGeometry {
        max_plaintext_payload_length, courier_query_read_length, courier_query_write_length,
        courier_query_reply_read_length, courier_query_reply_write_length, nike_name, signature_scheme_name,
    }
    NewPkiDocument { payload }
    SessionTokenReply { app_id, resumed }
    Shutdown {}
    MessageSent { message_id, surbid, sent_at, reply_eta, err, forward_route, return_route }
    MessageReply { message_id, surbid, payload, error_code }
    MessageIdGarbageCollected { message_id }
}

/// Makes a request of the kind, or a successful reply to it where replies carry a query id.
macro_rules! kinds {
    ($( $kind:ident($request:ident) $(=> $reply:ident)? ),* $(,)?) => {
        pub(crate) fn request(kind: RequestKind, source: &mut Source<'_>) -> RequestFrame {
            let query_id = match kind.class() {
                Class::Local | Class::Operation => Made::made(source),
                Class::Message | Class::Session => None,
            };
            let request = match kind {
                $( RequestKind::$kind => AnyRequest::$kind($request::made(source)), )*
            };
            RequestFrame { query_id, request }
        }

        fn success(kind: RequestKind, source: &mut Source<'_>) -> Option<AnyReply> {
            match kind {
                $($( RequestKind::$kind => Some(AnyReply::$kind($reply::made(source))), )?)*
                _ => None,
            }
        }
    };
}

kinds! {
    SessionToken(PresentSessionToken),
    ThinClose(ThinClose),
    SendMessage(SendMessage),
    NewKeypair(NewKeypair) => KeypairReply,
    EncryptRead(EncryptRead) => EncryptReply,
    EncryptWrite(EncryptWrite) => EncryptReply,
    StartResendingEncryptedMessage(StartResendingEncryptedMessage) => ResendingReply,
    CancelResendingEncryptedMessage(CancelResendingEncryptedMessage) => CancelReply,
    StartResendingCopyCommand(StartResendingCopyCommand) => CopyReply,
    CancelResendingCopyCommand(CancelResendingCopyCommand) => CancelReply,
    NextMessageBoxIndex(NextMessageBoxIndex) => IndexReply,
    GetMessageBoxIndexCounter(GetMessageBoxIndexCounter) => CounterReply,
    GetPkiDocument(GetPkiDocument) => PkiDocumentReply,
    GetDirectoryAuthorities(GetDirectoryAuthorities) => DirectoryAuthorities,
    CreateCourierEnvelopesFromPayload(CreateCourierEnvelopesFromPayload) => CourierEnvelopes,
    CreateCourierEnvelopesFromMultiPayload(CreateCourierEnvelopesFromMultiPayload) => MultiCourierEnvelopes,
    CreateCourierEnvelopesFromTombstoneRange(CreateCourierEnvelopesFromTombstoneRange) => TombstoneEnvelopes,
    VoucherMint(VoucherMint) => VoucherMintReply,
    VoucherInduct(VoucherInduct) => VoucherInductReply,
    VoucherOpen(VoucherOpen) => VoucherOpenReply,
    VoucherDeriveStream(VoucherDeriveStream) => VoucherStreamReply,
}

/// A reply with a body, for the kinds that have one.
pub(crate) fn reply(kind: RequestKind, source: &mut Source<'_>) -> Option<AnyResponse> {
    let query_id = Made::made(source);
    let result = Ok(success(kind, source)?);
    Some(AnyResponse::Reply(ReplyFrame { query_id, kind, result }))
}

/// A reply with an error code.
pub(crate) fn failure(kind: RequestKind, source: &mut Source<'_>) -> Option<AnyResponse> {
    let query_id = Made::made(source);
    let _body = success(kind, &mut Source(&[]))?;
    let error_code = source.byte().max(1);
    let detail = match kind {
        RequestKind::GetPkiDocument => FailureDetail::Epoch(Made::made(source)),
        RequestKind::StartResendingCopyCommand => FailureDetail::Copy {
            replica_error_code: Made::made(source),
            failed_envelope_index: Made::made(source),
        },
        RequestKind::StartResendingEncryptedMessage => FailureDetail::Courier {
            courier_identity_hash: Made::made(source),
            courier_queue_id: Made::made(source),
        },
        _ => FailureDetail::None,
    };
    let result = Err(ReplyFailure { error_code, detail });
    Some(AnyResponse::Reply(ReplyFrame { query_id, kind, result }))
}

/// One event of every kind.
pub(crate) fn events(source: &mut Source<'_>) -> [AnyResponse; 7] {
    [
        AnyResponse::ConnectionStatus(Made::made(source)),
        AnyResponse::MessageIdGarbageCollected(Made::made(source)),
        AnyResponse::MessageReply(Made::made(source)),
        AnyResponse::MessageSent(Made::made(source)),
        AnyResponse::NewPkiDocument(Made::made(source)),
        AnyResponse::SessionToken(Made::made(source)),
        AnyResponse::Shutdown(Made::made(source)),
    ]
}
