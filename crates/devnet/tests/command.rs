//! The command, run as a user does.
#![cfg(all(unix, feature = "command"))]
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::AnyResponse;

/// The command, killed if the test fails.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).stdout(Stdio::piped()).spawn().expect("started");
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
    let mut running = Running::start(&["--listen", "127.0.0.1:0", "--seed", "7"]);
    let greeting = running.until("Ctrl-C");
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

#[test]
fn what_is_wrong_is_told() {
    let output = |args: &[&str]| {
        let output = command(args).output().expect("run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = output(&["--listen", "0.0.0.0:0"]);
    assert!(code == Some(1) && error.contains("--allow-public"), "{code:?} {error}");
    let (code, error) = output(&["--profile", "kind"]);
    assert!(code == Some(2) && error.contains("instant, reference"), "{code:?} {error}");
    let (code, error) = output(&["--listen", "127.0.0.1:0", "--write-config", "/no/such/folder/file"]);
    assert!(code == Some(1) && error.contains("/no/such/folder/file"), "{code:?} {error}");
}
