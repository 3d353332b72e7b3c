//! What only a real socket and a real runtime show, against a daemon of a few lines.
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use kpthin_client::{
    CallError, Client, CloseReason, Config, ConnectError, Fate, FirstConnect, FlowKind, WaitError,
    wire::{MessageBoxIndex, Seed},
};
use kpthin_core::{
    frame::FrameBuffer,
    wire::{
        AnyReply, AnyRequest, AnyResponse, ConnectionStatus, IndexReply, NewPkiDocument, PigeonholeGeometry,
        ReplyFrame, RequestFrame, SessionTokenReply, SphinxGeometry,
    },
};
use tokio::runtime::Builder;

const SOON: Duration = Duration::from_secs(20);

/// Serves one connection: greets, steps indexes, and keeps silent about everything else.
fn serve(mut socket: impl Read + Write) -> io::Result<()> {
    let status = ConnectionStatus {
        is_connected: true,
        instance_token: [5; 16].into(),
        sphinx_geometry: Some(SphinxGeometry {
            packet_length: 3082,
            nr_hops: 5,
            header_length: 476,
            routing_info_length: 410,
            per_hop_routing_info_length: 82,
            surb_length: 572,
            sphinx_plaintext_header_length: 2,
            payload_tag_length: 32,
            forward_payload_length: 2574,
            user_forward_payload_length: 2000,
            next_node_hop_length: 65,
            sprp_key_material_length: 64,
            nike_name: "x25519".to_owned(),
            kem_name: String::new(),
        }),
        pigeonhole_geometry: PigeonholeGeometry::from_user_forward_payload_length(2000),
    };
    let mut out = Vec::new();
    let mut send = |socket: &mut dyn Write, response: AnyResponse| {
        out.clear();
        response.encode(&mut out).expect("short");
        socket.write_all(&out)
    };
    send(&mut socket, AnyResponse::ConnectionStatus(status))?;
    send(&mut socket, AnyResponse::NewPkiDocument(NewPkiDocument { payload: None }))?;
    let mut frames = FrameBuffer::default();
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer)? {
            0 => return Ok(()),
            len => frames.push(&buffer[..len]),
        }
        while let Some(body) = frames.next_frame().expect("short") {
            let frame = RequestFrame::decode(body).expect("readable").expect("known");
            let response = match frame.request {
                AnyRequest::SessionToken(_) => {
                    AnyResponse::SessionToken(SessionTokenReply { app_id: [6; 16].into(), resumed: false })
                }
                AnyRequest::NextMessageBoxIndex(next) => {
                    let result = AnyReply::NextMessageBoxIndex(IndexReply {
                        next_message_box_index: next.message_box_index.expect("set"),
                    });
                    let kind = result.kind();
                    AnyResponse::Reply(ReplyFrame { query_id: frame.query_id, kind, result: Ok(result) })
                }
                AnyRequest::ThinClose(_) => return Ok(()),
                _ => continue,
            };
            send(&mut socket, response)?;
        }
    }
}

/// A daemon on TCP, and its address.
fn daemon() -> Config {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            thread::spawn(move || serve(socket));
        }
    });
    Config::tcp(address)
}

async fn works(client: &Client) {
    let index = MessageBoxIndex::from([1; 104]);
    assert_eq!(client.next_message_box_index(&index).timeout(SOON).await, Ok(index));
}

#[tokio::test]
async fn tcp() {
    let client = kpthin_tokio::connect(daemon()).await.expect("connected");
    works(&client).await;
    assert_eq!(client.stop().timeout(SOON).await, Ok(()));
}

#[tokio::test]
async fn a_name_is_resolved_and_its_family_respected() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || serve(listener.accept().expect("dialled").0));
    let toml = |network| format!("[Dial.Tcp]\nAddress = \"localhost:{port}\"\nNetwork = \"{network}\"");
    let wrong = Config::from_toml(&toml("tcp6")).expect("valid");
    assert!(matches!(kpthin_tokio::connect(wrong).await, Err(ConnectError::Dial { .. })));
    let right = Config::from_toml(&toml("tcp4")).expect("valid");
    works(&kpthin_tokio::connect(right).await.expect("connected")).await;
}

#[cfg(unix)]
#[tokio::test]
async fn unix() {
    let path = std::env::temp_dir().join(format!("kpthin-{}", std::process::id()));
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("free");
    thread::spawn(move || serve(listener.accept().expect("dialled").0));
    let client = kpthin_tokio::connect(Config::unix(&path)).await.expect("connected");
    std::fs::remove_file(&path).expect("made above");
    works(&client).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn abstract_sockets() {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    };
    let name = format!("kpthin-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("short");
    let listener = UnixListener::bind_addr(&address).expect("free");
    thread::spawn(move || serve(listener.accept().expect("dialled").0));
    let client = kpthin_tokio::connect(Config::unix(format!("@{name}"))).await.expect("connected");
    works(&client).await;
}

#[tokio::test]
async fn a_connector_works_as_well() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || serve(listener.accept().expect("dialled").0));
    struct Ours(tokio::net::TcpStream);
    impl kpthin_client::Duplex for Ours {
        fn poll_read(
            &mut self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<io::Result<usize>> {
            std::task::ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.poll_read(cx, buffer),
                result => std::task::Poll::Ready(result),
            }
        }

        fn poll_write(
            &mut self,
            cx: &mut std::task::Context<'_>,
            bytes: &[u8],
        ) -> std::task::Poll<io::Result<usize>> {
            tokio::io::AsyncWrite::poll_write(std::pin::Pin::new(&mut self.0), cx, bytes)
        }

        fn poll_shutdown(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
            tokio::io::AsyncWrite::poll_shutdown(std::pin::Pin::new(&mut self.0), cx)
        }
    }
    let config =
        Config::connector(move || async move { tokio::net::TcpStream::connect(address).await.map(Ours) });
    works(&kpthin_tokio::connect(config).await.expect("connected")).await;
}

#[tokio::test]
async fn a_refused_dial_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let error = kpthin_tokio::connect(Config::tcp(free.to_string())).await.expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Dial { .. }), "{error}");
    assert!(error.to_string().contains(&free.to_string()), "{error}");
}

#[tokio::test]
async fn dropping_a_pending_connect_closes_the_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let config = Config::tcp(listener.local_addr().expect("bound").to_string());
    let connect = tokio::spawn(kpthin_tokio::connect(config));
    let mut socket =
        tokio::task::spawn_blocking(move || listener.accept().expect("dialled").0).await.expect("joined");
    connect.abort();
    let read = tokio::task::spawn_blocking(move || {
        socket.set_read_timeout(Some(SOON)).expect("not zero");
        socket.read(&mut [0; 16])
    });
    assert_eq!(read.await.expect("joined").expect("closed"), 0);
}

#[test]
fn a_runtime_that_goes_fails_every_waiter() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let client = runtime.block_on(kpthin_tokio::connect(daemon())).expect("connected");
    let call = client.new_keypair(&Seed::from([1; 32]));
    runtime.shutdown_timeout(SOON);
    let gone = match call.wait() {
        Err(WaitError::Call(CallError::Closed(reason, _))) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(gone, CloseReason::DriverGone);
    let refused = CallError::Closed(CloseReason::DriverGone, Fate::NotSent);
    assert_eq!(client.new_keypair(&Seed::from([1; 32])).wait(), Err(WaitError::Call(refused)));
}

#[test]
fn plain_threads_wait_and_workers_do_not() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let client = runtime.block_on(kpthin_tokio::connect(daemon())).expect("connected");
    let index = MessageBoxIndex::from([1; 104]);
    let (done, results) = mpsc::channel();
    for _ in 0..8 {
        let (client, index, done) = (client.clone(), index.clone(), done.clone());
        thread::spawn(move || {
            for _ in 0..50 {
                done.send(client.next_message_box_index(&index).wait_timeout(SOON)).expect("received");
            }
        });
    }
    drop(done);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 400);

    let inside = client.clone();
    let on_worker = runtime.spawn(async move { inside.new_keypair(&Seed::from([1; 32])).wait() });
    assert_eq!(runtime.block_on(on_worker).expect("joined"), Err(WaitError::WouldBlock));
    let on_blocking =
        runtime.spawn_blocking(move || client.next_message_box_index(&index).wait_timeout(SOON));
    assert!(runtime.block_on(on_blocking).expect("joined").is_ok());
}

#[test]
fn threads_that_wait_drop_cancel_and_detach_leave_nothing_behind() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let client = runtime.block_on(kpthin_tokio::connect(daemon())).expect("connected");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || {
                let index = MessageBoxIndex::from([1; 104]);
                for round in 0..400 {
                    let call = client.next_message_box_index(&index);
                    match round % 5 {
                        0 => drop(call),
                        1 => call.detach(),
                        2 => {
                            call.cancel();
                            assert!(matches!(
                                call.wait_timeout(SOON),
                                Ok(_) | Err(WaitError::Call(CallError::Cancelled(_)))
                            ));
                        }
                        3 => drop(client.flow(FlowKind::Finite, |_| call)),
                        _ => assert!(call.wait_timeout(SOON).is_ok()),
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("joined");
    }
    assert_eq!(runtime.block_on(client.stop_after(SOON).timeout(SOON)), Ok(()));
    assert_eq!(client.status().outstanding, 0);
}

#[test]
fn a_current_thread_runtime_says_that_waiting_would_block() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = kpthin_tokio::connect(daemon()).await.expect("connected");
        assert_eq!(client.new_keypair(&Seed::from([1; 32])).wait(), Err(WaitError::WouldBlock));
    });
}

#[tokio::test]
async fn a_program_may_start_before_its_daemon() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let config = Config::tcp(free.to_string()).first_connect(FirstConnect::KeepTrying);
    let client = kpthin_tokio::connect(config).await.expect("a client at once");
    let mut events = client.events();
    while client.status().link != kpthin_client::LinkStatus::Down {
        let _ = events.recv().await;
    }
    let listener = TcpListener::bind(free).expect("still free");
    thread::spawn(move || serve(listener.accept().expect("dialled").0));
    works(&client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_calls_at_once_are_answered() {
    let client = kpthin_tokio::connect(daemon()).await.expect("connected");
    let calls: Vec<_> = (0..4000)
        .map(|_| client.next_message_box_index(&MessageBoxIndex::from([1; 104])).timeout(SOON))
        .collect();
    for call in calls {
        call.await.expect("answered");
    }
}
