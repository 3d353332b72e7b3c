//! The command, run as a user does.
#![cfg(all(unix, feature = "command"))]
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, EncryptRead, EncryptReply, EncryptWrite, KeypairReply,
    MessageBoxIndex, NewKeypair, NextMessageBoxIndex, QueryId, ReadCap, ReplyFailure, RequestFrame, Seed,
    StartResendingEncryptedMessage, WriteCap,
};

/// The command, killed if the test fails.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        Self::spawn(command(args))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    /// The lines up to and with the one that contains this.
    fn until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        for line in self.lines.by_ref() {
            let line = line.expect("text");
            seen.push_str(&line);
            seen.push('\n');
            if line.contains(text) {
                return seen;
            }
        }
        panic!("{text:?} did not come:\n{seen}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kpthin-devnet"));
    command.args(args);
    command
}

/// A client of the crudest kind.
struct Client {
    stream: TcpStream,
    frames: FrameBuffer,
}

impl Client {
    fn connect(greeting: &str) -> Self {
        let address = greeting.lines().find_map(|line| line.strip_prefix("Address = ")).expect(greeting);
        let stream = TcpStream::connect(address.trim_matches('"')).expect("connected");
        Self { stream, frames: FrameBuffer::default() }
    }

    fn call(&mut self, request: impl Into<AnyRequest>) -> Result<AnyReply, ReplyFailure> {
        self.try_call(request).expect("the daemon has closed the connection")
    }

    /// The answer, unless the daemon closes the connection.
    fn try_call(&mut self, request: impl Into<AnyRequest>) -> Option<Result<AnyReply, ReplyFailure>> {
        let query_id = Some(QueryId::from([1; 16]));
        let mut bytes = Vec::new();
        RequestFrame { query_id, request: request.into() }.encode(&mut bytes).expect("encoded");
        self.stream.write_all(&bytes).ok()?;
        loop {
            while let Some(body) = self.frames.next_frame().expect("a frame") {
                if let Some(AnyResponse::Reply(reply)) = AnyResponse::decode(body).expect("a response") {
                    return Some(reply.result);
                }
            }
            let mut buffer = [0; 4_096];
            let len = self.stream.read(&mut buffer).ok().filter(|len| *len > 0)?;
            self.frames.push(&buffer[..len]);
        }
    }

    fn keys(&mut self) -> KeypairReply {
        match self.call(NewKeypair { seed: Some(Seed::from([9; 32])) }) {
            Ok(AnyReply::NewKeypair(keys)) => keys,
            other => panic!("{other:?}"),
        }
    }

    fn write(&mut self, keys: &KeypairReply, index: &MessageBoxIndex, text: &str) -> MessageBoxIndex {
        self.try_write(keys, index, text).expect("the daemon has closed the connection")
    }

    fn try_write(
        &mut self,
        keys: &KeypairReply,
        index: &MessageBoxIndex,
        text: &str,
    ) -> Option<MessageBoxIndex> {
        let sealed = self.try_call(EncryptWrite {
            plaintext: Some(text.into()),
            write_cap: Some(keys.write_cap.clone()),
            message_box_index: Some(index.clone()),
        })?;
        let Ok(AnyReply::EncryptWrite(sealed)) = sealed else { panic!("{sealed:?}") };
        let next = sealed.next_message_box_index.clone();
        let started = self.try_call(start(sealed, None, Some(keys.write_cap.clone()), index))?;
        assert!(started.is_ok(), "{started:?}");
        Some(next)
    }

    fn next(&mut self, index: MessageBoxIndex) -> MessageBoxIndex {
        match self.call(NextMessageBoxIndex { message_box_index: Some(index) }) {
            Ok(AnyReply::NextMessageBoxIndex(reply)) => reply.next_message_box_index,
            other => panic!("{other:?}"),
        }
    }

    fn read(&mut self, keys: &KeypairReply, index: &MessageBoxIndex) -> Result<Vec<u8>, u8> {
        let sealed = self.call(EncryptRead {
            read_cap: Some(keys.read_cap.clone()),
            message_box_index: Some(index.clone()),
        });
        let Ok(AnyReply::EncryptRead(sealed)) = sealed else { panic!("{sealed:?}") };
        match self.call(start(sealed, Some(keys.read_cap.clone()), None, index)) {
            Ok(AnyReply::StartResendingEncryptedMessage(reply)) => {
                Ok(reply.plaintext.expect("content").to_vec())
            }
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.error_code),
        }
    }
}

fn start(
    sealed: EncryptReply,
    read_cap: Option<ReadCap>,
    write_cap: Option<WriteCap>,
    index: &MessageBoxIndex,
) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        read_cap,
        write_cap,
        message_box_index: Some(index.as_bytes().into()),
        reply_index: None,
        envelope_descriptor: sealed.envelope_descriptor,
        message_ciphertext: sealed.message_ciphertext,
        envelope_hash: Some(sealed.envelope_hash),
        no_retry_on_box_id_not_found: true,
        no_idempotent_box_already_exists: true,
    }
}

#[test]
fn killed_at_any_moment_it_loses_no_box_that_it_has_confirmed() {
    let folder = std::env::temp_dir().join(format!("kpthin-devnet-store-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("boxes");
    let args = ["--listen", "127.0.0.1:0", "--store", file.to_str().expect("text")];
    let mut written = Vec::new();
    for life in 0..4 {
        let mut running = Running::start(&args);
        let mut client = Client::connect(&running.until("Ctrl-C"));
        let keys = client.keys();
        let mut index = keys.first_message_index.clone();
        for (number, text) in written.iter().enumerate() {
            assert_eq!(
                client.read(&keys, &index),
                Ok(String::as_bytes(text).to_vec()),
                "box {number}, life {life}"
            );
            index = client.next(index);
        }
        assert_eq!(client.read(&keys, &index), Err(1), "nothing else is there");
        for number in 0..5 {
            let text = format!("life {life}, box {number}");
            index = client.write(&keys, &index, &text);
            written.push(text);
        }
        // Dropping it kills it, as no signal that it could handle does.
        drop(running);
    }
    // Whoever is second finds the file in use.
    let first = {
        let mut running = Running::start(&args);
        let _ = running.until("Ctrl-C");
        running
    };
    let second = command(&args).output().expect("run");
    let error = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.code() == Some(1) && error.contains("boxes"), "{error}");
    drop(first);
    std::fs::write(&file, b"not a store").expect("written");
    let damaged = command(&args).output().expect("run");
    assert_eq!(damaged.status.code(), Some(1));
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// The responses that a connection gives until it ends.
fn responses(stream: &mut TcpStream) -> Vec<AnyResponse> {
    let (mut bytes, mut frames, mut responses) = (Vec::new(), FrameBuffer::default(), Vec::new());
    let _ = stream.read_to_end(&mut bytes).expect("read");
    frames.push(&bytes);
    while let Some(body) = frames.next_frame().expect("frames") {
        responses.extend(AnyResponse::decode(body).expect("a response"));
    }
    responses
}

#[test]
fn it_says_where_it_is_tells_of_connections_and_stops_when_it_is_interrupted() {
    let faults = ["--fault", "duplicate=0.5", "--fault", "replica-down=1"];
    let mut running = Running::start(&[&["--listen", "127.0.0.1:0", "--seed", "7"], &faults[..]].concat());
    let greeting = running.until("Ctrl-C");
    assert!(greeting.contains("on purpose: replica-down=1 duplicate=0.5\n"), "{greeting}");
    assert!(
        greeting.contains("It gives no anonymity.") && greeting.contains("profile instant, seed 7"),
        "{greeting}"
    );
    let address = greeting.lines().find_map(|line| line.strip_prefix("Address = ")).expect(&greeting);
    let mut stream = TcpStream::connect(address.trim_matches('"')).expect("connected");
    let _ = running.until("connection #0 opened over tcp");

    let pid = running.child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().expect("signalled");
    assert!(killed.success());
    let responses = responses(&mut stream);
    assert!(matches!(responses.first(), Some(AnyResponse::ConnectionStatus(_))), "{responses:?}");
    assert!(matches!(responses.last(), Some(AnyResponse::Shutdown(_))), "{responses:?}");
    let _ = running.until("stopping: clients are told");
    assert!(running.child.wait().expect("ended").success());
}

#[test]
fn it_writes_the_configuration_and_takes_the_place_of_a_stale_socket() {
    let folder = std::env::temp_dir().join(format!("kpthin-devnet-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (socket, config) = (folder.join("socket"), folder.join("thinclient.toml"));
    // Nobody listens here any more.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("bound"));
    let (socket, config) = (socket.to_str().expect("text"), config.to_str().expect("text"));
    let mut running = Running::start(&["--unix", socket, "--write-config", config]);
    let _ = running.until("Ctrl-C");
    let written = std::fs::read_to_string(config).expect("written");
    assert_eq!(written, format!("[Dial.Unix]\nAddress = {socket:?}\n"));
    drop(std::os::unix::net::UnixStream::connect(socket).expect("connected"));
    let _ = running.until("opened over unix");
    drop(running);
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// How the command ended, and what it said last.
fn ended(mut running: Running) -> (Option<i32>, String) {
    let status = running.child.wait().expect("ended");
    let mut text = String::new();
    let _ = running.child.stderr.take().expect("a pipe").read_to_string(&mut text).expect("read");
    (status.code(), text)
}

#[test]
fn a_body_of_null_crashes_the_reference_and_the_command_says_why() {
    let mut running = Running::start(&["--listen", "127.0.0.1:0", "--profile", "reference"]);
    let greeting = running.until("Ctrl-C");
    let address = greeting.lines().find_map(|line| line.strip_prefix("Address = ")).expect(&greeting);
    let mut stream = TcpStream::connect(address.trim_matches('"')).expect("connected");
    stream.write_all(b"\0\0\0\x01\xf6").expect("sent");
    let responses = responses(&mut stream);
    assert!(!responses.iter().any(|response| matches!(response, AnyResponse::Shutdown(_))), "{responses:?}");
    let (code, error) = ended(running);
    assert!(code == Some(1) && error.contains("body of null"), "{code:?} {error}");
}

#[test]
fn a_store_that_can_be_written_no_more_ends_the_command_and_it_says_why() {
    let folder = std::env::temp_dir().join(format!("kpthin-devnet-full-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("boxes");
    // No file of this process grows beyond so many blocks.
    let mut shell = Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" --listen 127.0.0.1:0 --store \"$1\"";
    shell.args(["-c", limited, env!("CARGO_BIN_EXE_kpthin-devnet"), file.to_str().expect("text")]);
    let mut running = Running::spawn(shell);
    let greeting = running.until("Ctrl-C");
    let mut client = Client::connect(&greeting);
    let keys = client.keys();
    let mut index = keys.first_message_index.clone();
    let mut written = 0;
    while let Some(next) = client.try_write(&keys, &index, "it grows") {
        index = next;
        written += 1;
        assert!(written < 10_000, "the file has no bound");
    }
    let (code, error) = ended(running);
    assert!(code == Some(1) && error.contains("store can't be written any more"), "{code:?} {error}");
    // What was confirmed is there.
    let mut again = Running::start(&["--listen", "127.0.0.1:0", "--store", file.to_str().expect("text")]);
    let greeting = again.until("Ctrl-C");
    let mut client = Client::connect(&greeting);
    let mut index = keys.first_message_index.clone();
    for _ in 0..written {
        assert_eq!(client.read(&keys, &index).as_deref(), Ok(&b"it grows"[..]));
        index = client.next(index);
    }
    drop(again);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn what_is_wrong_is_told() {
    let output = |args: &[&str]| {
        let output = command(args).output().expect("run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = output(&["--listen", "0.0.0.0:0"]);
    assert!(code == Some(1) && error.contains("--allow-public"), "{code:?} {error}");
    let (code, error) = output(&["--fault", "luck=1"]);
    assert!(code == Some(2) && error.contains("there are loss, reply-loss,"), "{code:?} {error}");
    let (code, error) = output(&["--listen", "127.0.0.1:0", "--fault", "replica-down=3"]);
    assert!(code == Some(1) && error.contains("there is no replica 3"), "{code:?} {error}");
    let (code, error) = output(&["--profile", "kind"]);
    assert!(code == Some(2) && error.contains("instant, reference"), "{code:?} {error}");
    let (code, error) = output(&["--listen", "127.0.0.1:0", "--write-config", "/no/such/folder/file"]);
    assert!(code == Some(1) && error.contains("/no/such/folder/file"), "{code:?} {error}");
}
