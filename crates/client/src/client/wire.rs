//! The requests of the protocol, one method each, under the guide's names.

use kpthin_core::wire::{
    AnyReply, CancelReply, CancelResendingCopyCommand, CancelResendingEncryptedMessage, CourierEnvelopes,
    CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromPayload,
    CreateCourierEnvelopesFromTombstoneRange, DirectoryAuthorities, EncryptRead, EncryptWrite, EnvelopeHash,
    GetDirectoryAuthorities, GetMessageBoxIndexCounter, GetPkiDocument, KeypairReply, MessageBoxIndex,
    MultiCourierEnvelopes, NewKeypair, NextMessageBoxIndex, PkiDocumentReply, ReadCap, Request,
    ResendingReply, SecretBytes, Seed, StartResendingEncryptedMessage, TombstoneEnvelopes, Voucher,
    VoucherDeriveStream, VoucherInduct, VoucherInductReply, VoucherMint, VoucherMintReply, VoucherOpen,
    VoucherOpenReply, VoucherSecretKey, VoucherStreamReply, WriteCap, WriteCapHash,
};

use super::Client;
use crate::{
    call::Call,
    envelope::{Confirm, EncryptedRead, EncryptedWrite, WhenUnwritten},
    shared::OnDrop,
};

/// One request each: nothing is tried again except what a lost link requires.
impl Client {
    /// Derives a stream's capabilities from a seed (§4.5). The same seed gives the same stream.
    #[doc(alias = "NewKeypair")]
    pub fn new_keypair(&self, seed: &Seed) -> Call<KeypairReply> {
        self.call(NewKeypair { seed: seed.clone() }, |reply| reply)
    }

    /// Makes an envelope that fills a box, to be sent with [`send_write`](Self::send_write) (§4.6).
    ///
    /// An empty plaintext makes a tombstone. The box is the same at every call, the envelope is
    /// another one.
    ///
    /// # Errors
    ///
    /// [`CallError::TooLarge`](crate::CallError::TooLarge): see
    /// [`max_message_len`](Self::max_message_len).
    #[doc(alias = "EncryptWrite")]
    pub fn encrypt_write(
        &self,
        write_cap: &WriteCap,
        index: &MessageBoxIndex,
        plaintext: impl Into<SecretBytes>,
    ) -> Call<EncryptedWrite> {
        let plaintext = plaintext.into();
        let request = EncryptWrite {
            plaintext: plaintext.clone(),
            write_cap: write_cap.clone(),
            message_box_index: index.clone(),
        };
        let index = index.clone();
        self.call(request, |reply| EncryptedWrite::new(index, plaintext, reply))
    }

    /// Makes an envelope that asks for a box, to be sent with [`send_read`](Self::send_read) (§4.6).
    #[doc(alias = "EncryptRead")]
    pub fn encrypt_read(&self, read_cap: &ReadCap, index: &MessageBoxIndex) -> Call<EncryptedRead> {
        let request = EncryptRead { read_cap: read_cap.clone(), message_box_index: index.clone() };
        let index = index.clone();
        self.call(request, |reply| EncryptedRead::new(index, reply))
    }

    /// Sends a write until a replica has answered it (§4.7).
    ///
    /// For the weaker choice pass [`EncryptedWrite::request`] with [`Confirm::Courier`] to
    /// [`start_resending_encrypted_message`](Self::start_resending_encrypted_message).
    ///
    /// # Errors
    ///
    /// [`ReplicaError::BoxAlreadyExists`](crate::ReplicaError::BoxAlreadyExists): the box holds
    /// something else.
    #[doc(alias = "StartResendingEncryptedMessageReturnBoxExists")]
    #[doc(alias = "start_resending_encrypted_message_return_box_exists")]
    pub fn send_write(&self, write_cap: &WriteCap, envelope: &EncryptedWrite) -> Call<ResendingReply> {
        self.start_resending_encrypted_message(envelope.request(write_cap, Confirm::Replica))
    }

    /// Sends a read until it is answered; an unwritten box is an answer (§4.7).
    ///
    /// To have the daemon poll pass [`EncryptedRead::request`] with [`WhenUnwritten::Poll`] to
    /// [`start_resending_encrypted_message`](Self::start_resending_encrypted_message).
    ///
    /// # Errors
    ///
    /// - [`ReplicaError::BoxIdNotFound`](crate::ReplicaError::BoxIdNotFound): unwritten.
    /// - [`ReplicaError::Tombstone`](crate::ReplicaError::Tombstone): deleted.
    #[doc(alias = "StartResendingEncryptedMessageNoRetry")]
    #[doc(alias = "start_resending_encrypted_message_no_retry")]
    pub fn send_read(&self, read_cap: &ReadCap, envelope: &EncryptedRead) -> Call<ResendingReply> {
        self.start_resending_encrypted_message(envelope.request(read_cap, WhenUnwritten::Report))
    }

    /// Sends an envelope until it is answered, exactly as the request says (§4.7).
    ///
    /// Without a deadline it may last for ever, if the network never answers.
    ///
    /// # Errors
    ///
    /// [`CallError::Conflict`](crate::CallError::Conflict): this envelope is being sent already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call cancels the operation at the daemon.
    #[doc(alias = "StartResendingEncryptedMessage")]
    pub fn start_resending_encrypted_message(
        &self,
        request: StartResendingEncryptedMessage,
    ) -> Call<ResendingReply> {
        self.call(request, |reply| reply)
    }

    /// Ends the sending of an envelope, whoever started it (§4.8). Succeeds for unknown ones too.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call changes nothing: the cancel is sent.
    #[doc(alias = "CancelResendingEncryptedMessage")]
    pub fn cancel_resending_encrypted_message(&self, envelope_hash: EnvelopeHash) -> Call<()> {
        self.cancel(CancelResendingEncryptedMessage { envelope_hash })
    }

    /// Ends the asking after a copy command; the courier goes on (§4.10). Succeeds for unknown ones
    /// too.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call changes nothing: the cancel is sent.
    #[doc(alias = "CancelResendingCopyCommand")]
    pub fn cancel_resending_copy_command(&self, write_cap: &WriteCap) -> Call<()> {
        self.cancel(CancelResendingCopyCommand { write_cap_hash: WriteCapHash::of(write_cap) })
    }

    fn cancel<R: Request<Reply = CancelReply>>(&self, request: R) -> Call<()> {
        self.begin(request.into(), OnDrop::RunOn, Box::new(|reply: AnyReply| R::take_reply(reply).map(drop)))
    }

    /// Steps an index (§4.11).
    #[doc(alias = "NextMessageBoxIndex")]
    pub fn next_message_box_index(&self, index: &MessageBoxIndex) -> Call<MessageBoxIndex> {
        let request = NextMessageBoxIndex { message_box_index: index.clone() };
        self.call(request, |reply| reply.next_message_box_index)
    }

    /// Asks the daemon for an index's counter (§4.11), which [`MessageBoxIndex::counter`] tells
    /// without asking.
    #[doc(alias = "GetMessageBoxIndexCounter")]
    pub fn get_message_box_index_counter(&self, index: &MessageBoxIndex) -> Call<u64> {
        let request = GetMessageBoxIndexCounter { message_box_index: index.clone() };
        self.call(request, |reply| reply.counter)
    }

    /// Packs one payload for one destination into elements of a copy stream (§4.14).
    ///
    /// Each element is the content of one box of the temporary stream.
    #[doc(alias = "CreateCourierEnvelopesFromPayload")]
    pub fn create_courier_envelopes_from_payload(
        &self,
        request: CreateCourierEnvelopesFromPayload,
    ) -> Call<CourierEnvelopes> {
        self.call(request, |reply| reply)
    }

    /// Packs payloads for several destinations into elements of a copy stream (§4.15).
    ///
    /// The buffer in the reply is the only copy of what it holds: keep it with the elements.
    #[doc(alias = "CreateCourierEnvelopesFromPayloads")]
    #[doc(alias = "create_courier_envelopes_from_payloads")]
    pub fn create_courier_envelopes_from_multi_payload(
        &self,
        request: CreateCourierEnvelopesFromMultiPayload,
    ) -> Call<MultiCourierEnvelopes> {
        self.call(request, |reply| reply)
    }

    /// Packs tombstones for consecutive boxes into elements of a copy stream (§4.16).
    #[doc(alias = "CreateCourierEnvelopesFromTombstoneRange")]
    pub fn create_courier_envelopes_from_tombstone_range(
        &self,
        request: CreateCourierEnvelopesFromTombstoneRange,
    ) -> Call<TombstoneEnvelopes> {
        self.call(request, |reply| reply)
    }

    /// Fetches a signed network document, not verified here; epoch 0 is the current one (§4.12).
    ///
    /// # Errors
    ///
    /// [`DaemonError::ServiceUnavailable`](crate::DaemonError::ServiceUnavailable): the daemon has
    /// no document of that epoch.
    #[doc(alias = "GetPKIDocumentRaw")]
    pub fn get_pki_document_raw(&self, epoch: u64) -> Call<PkiDocumentReply> {
        self.call(GetPkiDocument { epoch }, |reply| reply)
    }

    /// Asks for the authorities that the daemon is configured with (§4.13).
    ///
    /// They are no trust anchor for a program that does not trust its daemon.
    #[doc(alias = "GetDirectoryAuthorities")]
    pub fn get_directory_authorities(&self) -> Call<DirectoryAuthorities> {
        self.call(GetDirectoryAuthorities {}, |reply| reply)
    }

    /// Makes an invitation (§4.18).
    #[doc(alias = "VoucherMint")]
    pub fn voucher_mint(
        &self,
        message_write_cap: &WriteCap,
        display_name: impl Into<String>,
    ) -> Call<VoucherMintReply> {
        let request =
            VoucherMint { message_write_cap: message_write_cap.clone(), display_name: display_name.into() };
        self.call(request, |reply| reply)
    }

    /// Accepts an invitation, whose payload was read from box 0 of its stream (§4.18).
    #[doc(alias = "VoucherInduct")]
    pub fn voucher_induct(
        &self,
        voucher: &Voucher,
        voucher_payload: impl Into<SecretBytes>,
        who_reply: impl Into<SecretBytes>,
    ) -> Call<VoucherInductReply> {
        let request = VoucherInduct {
            voucher: voucher.clone(),
            voucher_payload: voucher_payload.into(),
            who_reply: who_reply.into(),
        };
        self.call(request, |reply| reply)
    }

    /// Opens the answer to an invitation, read from box 1 of its stream (§4.18).
    #[doc(alias = "VoucherOpen")]
    pub fn voucher_open(
        &self,
        secret_key: &VoucherSecretKey,
        sealed_reply: impl Into<SecretBytes>,
        message_write_cap: &WriteCap,
    ) -> Call<VoucherOpenReply> {
        let request = VoucherOpen {
            voucher_secret_key: secret_key.clone(),
            sealed_reply: sealed_reply.into(),
            message_write_cap: message_write_cap.clone(),
        };
        self.call(request, |reply| reply)
    }

    /// Derives a voucher's stream (§4.18).
    #[doc(alias = "VoucherDeriveStream")]
    pub fn voucher_derive_stream(&self, voucher: &Voucher) -> Call<VoucherStreamReply> {
        self.call(VoucherDeriveStream { voucher: voucher.clone() }, |reply| reply)
    }
}
