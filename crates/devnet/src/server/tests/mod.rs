//! Real sockets and pipes; everything waits for the event itself.
#![cfg(target_os = "linux")]

mod clock;
mod ending;
mod events;
mod places;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::{
    AnyRequest, AnyResponse, NewKeypair, PresentSessionToken, QueryId, RequestFrame, Seed, SessionToken,
    ThinClose,
};

use super::*;

const DEADLINE: Duration = Duration::from_secs(60);

/// A client that reads frames from anything.
struct Client<S> {
    stream: S,
    frames: FrameBuffer,
}

impl<S: Read + Write> Client<S> {
    fn new(stream: S) -> Self {
        Self { stream, frames: FrameBuffer::default() }
    }

    fn send(&mut self, request: impl Into<AnyRequest>) {
        let mut bytes = Vec::new();
        let query_id = Some(QueryId::from([1; 16]));
        RequestFrame { query_id, request: request.into() }.encode(&mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
    }

    /// The next response, or nothing at the end.
    fn next(&mut self) -> Option<AnyResponse> {
        loop {
            if let Some(body) = self.frames.next_frame().unwrap() {
                return AnyResponse::decode(body).unwrap();
            }
            let mut buffer = [0; 4_096];
            match self.stream.read(&mut buffer).unwrap() {
                0 => return None,
                len => self.frames.push(&buffer[..len]),
            }
        }
    }

    /// Takes the greeting and asks for something.
    fn check(&mut self) {
        self.check_as(1);
    }

    fn check_as(&mut self, token: u8) {
        assert!(matches!(self.next(), Some(AnyResponse::ConnectionStatus(_))));
        assert!(matches!(self.next(), Some(AnyResponse::NewPkiDocument(_))));
        self.send(PresentSessionToken { client_instance_token: SessionToken::from([token; 16]) });
        assert!(matches!(self.next(), Some(AnyResponse::SessionToken(_))));
        self.ask();
    }

    fn ask(&mut self) {
        self.send(NewKeypair { seed: Seed::from([1; 32]) });
        assert!(matches!(self.next(), Some(AnyResponse::Reply(reply)) if reply.result.is_ok()));
    }
}

fn builder() -> ServerBuilder {
    Server::builder(DevnetConfig::instant(), [1; 32])
}

/// A path of its own for each test.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("kpthin-devnet-{}-{name}", std::process::id()))
}

fn unix(path: &Path) -> Client<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    Client::new(stream)
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A pipe as a blocking stream: whoever waits is woken by the server.
struct Blocking(Pipe, Arc<Bell>);

#[derive(Default)]
struct Bell {
    rung: std::sync::Mutex<bool>,
    changed: std::sync::Condvar,
    count: AtomicUsize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let _ = self.count.fetch_add(1, Ordering::SeqCst);
        *self.rung.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

impl Blocking {
    fn new(pipe: Pipe) -> Self {
        Self(pipe, Arc::default())
    }

    fn wait<T>(&self, mut poll: impl FnMut(&Pipe, &mut Context<'_>) -> Poll<T>) -> T {
        let waker = Waker::from(Arc::clone(&self.1));
        loop {
            if let Poll::Ready(result) = poll(&self.0, &mut Context::from_waker(&waker)) {
                return result;
            }
            let rung = self.1.rung.lock().unwrap();
            let (mut rung, waited) =
                self.1.changed.wait_timeout_while(rung, DEADLINE, |rung| !*rung).unwrap();
            assert!(!waited.timed_out());
            *rung = false;
        }
    }
}

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.wait(|pipe, cx| pipe.poll_read(cx, buffer))
    }
}

impl Write for Blocking {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.wait(|pipe, cx| pipe.poll_write(cx, bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_kind_of_connection_is_served() {
    let path = path("kinds");
    let name = format!("kpthin-devnet-{}", std::process::id());
    let net = builder().tcp(loopback()).unix_path(&path).abstract_name(&name).start().unwrap();
    Client::new(TcpStream::connect(net.tcp_addr().unwrap()).unwrap()).check();
    assert_eq!(net.unix_path(), Some(path.as_path()));
    unix(&path).check();
    let address = <std::os::unix::net::SocketAddr as SocketAddrExt>::from_abstract_name(&name).unwrap();
    Client::new(UnixStream::connect_addr(&address).unwrap()).check();
    Client::new(Blocking::new(net.connect_in_process())).check();
}

/// Asks for far more than the buffers of a socket hold, and reads nothing of it.
fn overfill(stream: &mut impl Write) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    for _ in 0..4_000 {
        let request = NewKeypair { seed: Seed::from([1; 32]) };
        RequestFrame { query_id: Some(QueryId::from([1; 16])), request: request.into() }
            .encode(&mut bytes)
            .unwrap();
    }
    stream.write_all(&bytes)
}

#[test]
fn a_client_that_never_reads_is_dropped_after_the_deadline_that_was_set() {
    let path = path("deadline");
    let mut config = DevnetConfig::instant();
    config.write_deadline = Duration::from_millis(200);
    let net = Server::builder(config, [1; 32]).unix_path(&path).start().unwrap();
    let mut stuck = unix(&path);
    stuck.check();
    // Nobody reads, so the socket never gets room; the end may come while requests are still written.
    let _ = overfill(&mut stuck.stream);
    let began = std::time::Instant::now();
    while !net.shared.lock().links.is_empty() {
        assert!(began.elapsed() < DEADLINE / 2);
        std::thread::yield_now();
    }
}

#[test]
fn controls_reach_the_clients() {
    let net = builder().start().unwrap();
    let mut client = Client::new(Blocking::new(net.connect_in_process()));
    client.check();
    net.set_mixnet(false);
    assert!(matches!(client.next(), Some(AnyResponse::ConnectionStatus(status)) if !status.is_connected));
    net.advance_epoch();
    assert!(matches!(client.next(), Some(AnyResponse::NewPkiDocument(_))));
    net.restart();
    assert_eq!(client.next(), None);
    assert!(client.stream.write(b"x").is_err());

    let mut client = Client::new(Blocking::new(net.connect_in_process()));
    client.check();
    net.shutdown();
    assert!(matches!(client.next(), Some(AnyResponse::Shutdown(_))));
    assert_eq!(client.next(), None);
    assert_eq!(Client::new(Blocking::new(net.connect_in_process())).next(), None);
}

#[test]
fn a_half_closed_connection_is_answered_and_closed() {
    let path = path("half");
    let net = builder().unix_path(&path).start().unwrap();
    let mut client = unix(&path);
    client.check();
    client.send(NewKeypair { seed: Seed::from([1; 32]) });
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(matches!(client.next(), Some(AnyResponse::Reply(_))));
    assert_eq!(client.next(), None);

    let mut client = Client::new(Blocking::new(net.connect_in_process()));
    client.check();
    client.send(NewKeypair { seed: Seed::from([1; 32]) });
    client.stream.wait(|pipe, cx| pipe.poll_shutdown(cx)).unwrap();
    assert!(client.stream.write(b"x").is_err());
    assert!(matches!(client.next(), Some(AnyResponse::Reply(_))));
    assert_eq!(client.next(), None);
}

#[test]
fn a_client_that_never_reads_delays_nobody() {
    let path = path("stuck");
    let net = builder().unix_path(&path).start().unwrap();
    let mut stuck = unix(&path);
    stuck.check();
    overfill(&mut stuck.stream).unwrap();
    let mut other = Client::new(Blocking::new(net.connect_in_process()));
    assert!(matches!(other.next(), Some(AnyResponse::ConnectionStatus(_))));
    assert!(matches!(other.next(), Some(AnyResponse::NewPkiDocument(_))));
    for _ in 0..10 {
        other.ask();
    }
    for _ in 0..4_000 {
        assert!(matches!(stuck.next(), Some(AnyResponse::Reply(_))));
    }
}

#[test]
fn a_stopped_connection_pushes_back_and_is_woken() {
    let mut config = DevnetConfig::reference();
    config.timing.first_document = Duration::ZERO;
    config.timing.encrypt_time = Duration::ZERO;
    config.timing.send_slot = Duration::ZERO;
    let net = Server::builder(config, [1; 32]).start().unwrap();
    let mut client = Client::new(Blocking::new(net.connect_in_process()));
    client.check();
    net.set_mixnet(false);
    // Frames without a request wait for a slot each; behind the seventeenth nothing is read.
    let empty = b"\0\0\0\x01\xa0".repeat(1_000);
    let mut cx = Context::from_waker(Waker::noop());
    let mut written = 0;
    while let Poll::Ready(len) = client.stream.0.poll_write(&mut cx, &empty) {
        written += len.unwrap();
        assert!(written < 1 << 20);
    }
    let waker = Waker::from(Arc::clone(&client.stream.1));
    assert!(client.stream.0.poll_write(&mut Context::from_waker(&waker), &empty).is_pending());
    net.set_mixnet(true);
    client.stream.wait(|pipe, cx| pipe.poll_write(cx, b"\0\0\0\x01\xa0")).unwrap();
    assert!(client.stream.1.count.load(Ordering::SeqCst) > 0);
}

#[test]
fn time_passes_by_itself() {
    let mut config = DevnetConfig::instant();
    config.epoch_period = Duration::from_secs(1);
    let net = Server::builder(config, [1; 32]).start().unwrap();
    let mut client = Client::new(Blocking::new(net.connect_in_process()));
    assert!(matches!(client.next(), Some(AnyResponse::ConnectionStatus(_))));
    assert!(matches!(client.next(), Some(AnyResponse::NewPkiDocument(_))));
    client.send(PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) });
    assert!(matches!(client.next(), Some(AnyResponse::SessionToken(_))));
    assert!(matches!(client.next(), Some(AnyResponse::NewPkiDocument(_))));
}
