//! A client of the crudest kind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, BoxAccess, EncryptRead, EncryptReply, EncryptWrite, KeypairReply,
    MessageBoxIndex, NewKeypair, NextMessageBoxIndex, PresentSessionToken, QueryId, ReplyFailure,
    RequestFrame, Seed, SessionToken, StartResendingEncryptedMessage,
};

/// A connection to a daemon.
pub(crate) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A client that waits for each answer.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    frames: FrameBuffer,
}

impl Client {
    /// Connects to the address in a `thinclient.toml`.
    pub(crate) fn connect(greeting: &str) -> Self {
        let address = greeting.lines().find_map(|line| line.strip_prefix("Address = ")).expect(greeting);
        Self::tcp(address.trim_matches('"'))
    }

    pub(crate) fn tcp(address: &str) -> Self {
        Self::new(TcpStream::connect(address).expect("connected"))
    }

    pub(crate) fn unix(path: &Path) -> Self {
        Self::new(UnixStream::connect(path).expect("connected"))
    }

    pub(crate) fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), frames: FrameBuffer::default() }
    }

    /// The responses that come until the connection ends.
    pub(crate) fn rest(mut self) -> Vec<AnyResponse> {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes).expect("read");
        self.frames.push(&bytes);
        let mut responses = Vec::new();
        while let Some(body) = self.frames.next_frame().expect("frames") {
            responses.extend(AnyResponse::decode(body).expect("a response"));
        }
        responses
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("sent");
    }

    pub(crate) fn call(&mut self, request: impl Into<AnyRequest>) -> Result<AnyReply, ReplyFailure> {
        self.try_call(request).expect("the daemon has closed the connection")
    }

    /// The answer, unless the daemon closes the connection.
    fn try_call(&mut self, request: impl Into<AnyRequest>) -> Option<Result<AnyReply, ReplyFailure>> {
        self.send(request)?;
        self.reply()
    }

    fn send(&mut self, request: impl Into<AnyRequest>) -> Option<()> {
        let query_id = Some(QueryId::from([1; 16]));
        let mut bytes = Vec::new();
        RequestFrame { query_id, request: request.into() }.encode(&mut bytes).expect("encoded");
        self.stream.write_all(&bytes).ok()
    }

    /// The next answer.
    fn reply(&mut self) -> Option<Result<AnyReply, ReplyFailure>> {
        loop {
            if let AnyResponse::Reply(reply) = self.response()? {
                return Some(reply.result);
            }
        }
    }

    /// The next response of any kind.
    fn response(&mut self) -> Option<AnyResponse> {
        loop {
            while let Some(body) = self.frames.next_frame().expect("a frame") {
                if let Some(response) = AnyResponse::decode(body).expect("a response") {
                    return Some(response);
                }
            }
            let mut buffer = [0; 4_096];
            let len = self.stream.read(&mut buffer).ok().filter(|len| *len > 0)?;
            self.frames.push(&buffer[..len]);
        }
    }

    /// Presents a session's token; tells the mark of the daemon's process, and whether it knew the session.
    pub(crate) fn present(&mut self, token: [u8; 16]) -> ([u8; 16], bool) {
        let Some(AnyResponse::ConnectionStatus(status)) = self.response() else { panic!("no greeting") };
        let client_instance_token = SessionToken::from(token);
        self.send(PresentSessionToken { client_instance_token }).expect("sent");
        loop {
            if let AnyResponse::SessionToken(reply) = self.response().expect("a response") {
                return (*status.instance_token.as_bytes(), reply.resumed);
            }
        }
    }

    pub(crate) fn keys(&mut self) -> KeypairReply {
        match self.call(NewKeypair { seed: Seed::from([9; 32]) }) {
            Ok(AnyReply::NewKeypair(keys)) => keys,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn write(
        &mut self,
        keys: &KeypairReply,
        index: &MessageBoxIndex,
        text: &str,
    ) -> MessageBoxIndex {
        self.try_write(keys, index, text).expect("the daemon has closed the connection")
    }

    pub(crate) fn try_write(
        &mut self,
        keys: &KeypairReply,
        index: &MessageBoxIndex,
        text: &str,
    ) -> Option<MessageBoxIndex> {
        let sealed = self.try_call(EncryptWrite {
            plaintext: text.into(),
            write_cap: keys.write_cap.clone(),
            message_box_index: index.clone(),
        })?;
        let Ok(AnyReply::EncryptWrite(sealed)) = sealed else { panic!("{sealed:?}") };
        let next = sealed.next_message_box_index.clone();
        let write_cap = keys.write_cap.clone();
        let access = BoxAccess::Write { write_cap, message_box_index: Some(index.clone()) };
        let started = self.try_call(start(sealed, access))?;
        assert!(started.is_ok(), "{started:?}");
        Some(next)
    }

    pub(crate) fn next(&mut self, index: MessageBoxIndex) -> MessageBoxIndex {
        match self.call(NextMessageBoxIndex { message_box_index: index }) {
            Ok(AnyReply::NextMessageBoxIndex(reply)) => reply.next_message_box_index,
            other => panic!("{other:?}"),
        }
    }

    /// Reads a box that is there.
    pub(crate) fn read(&mut self, keys: &KeypairReply, index: &MessageBoxIndex) -> Result<Vec<u8>, u8> {
        let mut read = self.sealed_read(keys, index);
        read.no_retry_on_box_id_not_found = true;
        self.send(read).expect("sent");
        self.answer()
    }

    /// Asks for a box until it is there; see [`answer`](Self::answer).
    pub(crate) fn start_read(&mut self, keys: &KeypairReply, index: &MessageBoxIndex) {
        let read = self.sealed_read(keys, index);
        self.send(read).expect("sent");
    }

    fn sealed_read(
        &mut self,
        keys: &KeypairReply,
        index: &MessageBoxIndex,
    ) -> StartResendingEncryptedMessage {
        let sealed =
            self.call(EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: index.clone() });
        let Ok(AnyReply::EncryptRead(sealed)) = sealed else { panic!("{sealed:?}") };
        let mut read = start(
            sealed,
            BoxAccess::Read { read_cap: keys.read_cap.clone(), message_box_index: index.clone() },
        );
        read.no_retry_on_box_id_not_found = false;
        read
    }

    /// The content of the box that was asked for.
    pub(crate) fn answer(&mut self) -> Result<Vec<u8>, u8> {
        match self.reply().expect("the daemon has closed the connection") {
            Ok(AnyReply::StartResendingEncryptedMessage(reply)) => {
                Ok(reply.plaintext.expect("content").to_vec())
            }
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.error_code),
        }
    }
}

fn start(sealed: EncryptReply, access: BoxAccess) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        access,
        reply_index: None,
        envelope_descriptor: sealed.envelope_descriptor,
        message_ciphertext: sealed.message_ciphertext,
        envelope_hash: sealed.envelope_hash,
        no_retry_on_box_id_not_found: true,
        no_idempotent_box_already_exists: true,
    }
}
