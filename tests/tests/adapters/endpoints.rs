//! How a client reaches a daemon, and what it is told when it doesn't.

use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use kpthin::{
    Config, ConnectError, FirstConnect, LinkStatus,
    devnet::{self, Server},
};
use kpthin_tests::adapters::Adapter;

use crate::support::{SOON, answered, daemon, path};

fn works<A: Adapter>(config: Config) {
    A::run(async move {
        let client = A::connect(config).await.expect("connected");
        assert!(answered(&client).await.is_ok());
        assert_eq!(client.stop().await, Ok(()));
    });
}

pub fn tcp_and_names<A: Adapter>() {
    let net = daemon(A::daemon());
    let address = net.tcp_addr().expect("on TCP");
    works::<A>(address.into());
    let named = |network| {
        let port = address.port();
        let toml = format!("[Dial.Tcp]\nAddress = \"localhost:{port}\"\nNetwork = {network:?}");
        Config::from_toml(&toml).expect("valid")
    };
    works::<A>(named("tcp"));
    works::<A>(named("tcp4"));
    let wrong = A::run(A::connect(named("tcp6")));
    assert!(matches!(wrong, Err(ConnectError::Dial { .. })), "{wrong:?}");
}

pub fn unix_sockets<A: Adapter>() {
    let path = path("unix");
    let net = Server::builder(A::daemon(), [7; 32]).unix_path(&path).start();
    let _net = net.expect("the devnet starts");
    works::<A>(Config::unix(path));
}

pub fn abstract_sockets<A: Adapter>() {
    let path = path("abstract");
    let name = path.file_name().and_then(|name| name.to_str()).expect("text");
    let builder = Server::builder(A::daemon(), [7; 32]).abstract_name(name);
    if cfg!(target_os = "linux") {
        let _net = builder.start().expect("the devnet starts");
        works::<A>(Config::unix(format!("@{name}")));
    } else {
        let error = A::run(A::connect(Config::unix(format!("@{name}")))).expect_err("there are none");
        assert!(error.to_string().contains("can't be dialled"), "{error}");
    }
}

pub fn within_the_process<A: Adapter>() {
    let net = Server::builder(A::daemon(), [7; 32]).start().expect("the devnet starts");
    works::<A>(devnet::in_process(&Arc::new(net)));
}

/// Each adapter has a wrapper for its world's streams; all of them work under any executor that
/// runs what they wrap.
pub fn a_connector<A: Adapter>() {
    let net = daemon(A::daemon());
    let address = net.tcp_addr().expect("on TCP");
    works::<A>(kpthin::blocking::connector(move || TcpStream::connect(address)));
    works::<A>(Config::connector(move || async move {
        smol::net::TcpStream::connect(address).await.map(kpthin::smol::Socket)
    }));
    if std::any::type_name::<A>().contains("Tokio") {
        works::<A>(Config::connector(move || async move {
            tokio::net::TcpStream::connect(address).await.map(kpthin::tokio::Socket)
        }));
    }
}

pub fn a_refused_dial_says_so<A: Adapter>() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let error = A::run(A::connect(free.into())).expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Dial { .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("tcp:{free}: could not connect: ")), "{error}");
    let error = A::run(A::connect(Config::unix("/nowhere/at/all"))).expect_err("nobody listens");
    assert!(error.to_string().starts_with("unix:/nowhere/at/all: could not connect: "), "{error}");
}

pub fn a_program_may_start_before_its_daemon<A: Adapter>() {
    let path = path("late");
    A::run(async move {
        let config = Config::unix(&path).first_connect(FirstConnect::KeepTrying);
        let client = A::connect(config).await.expect("a client at once");
        loop {
            let changed = client.status_changed();
            if client.status().link == LinkStatus::Down {
                break;
            }
            let _ = changed.await;
        }
        let net = Server::builder(A::daemon(), [7; 32]).unix_path(&path).start();
        let _net = net.expect("the devnet starts");
        assert!(client.wait_until_ready().timeout(SOON).await.is_ok());
        assert!(answered(&client).await.is_ok());
    });
}

pub fn dropping_a_pending_connect_closes_the_socket<A: Adapter>() {
    // The blocking adapter's connect can't be dropped: it is a function. Its pending dials are
    // another test's.
    if std::any::type_name::<A>().contains("Blocking") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let config = Config::from(listener.local_addr().expect("bound"));
    let accepted = std::thread::spawn(move || listener.accept().expect("dialled").0);
    A::run(async move {
        let mut connecting = A::connect(config);
        let mut socket = loop {
            // Polled once in a while, as a select does.
            assert!(futures_util::poll!(&mut connecting).is_pending());
            if accepted.is_finished() {
                break accepted.join().expect("accepted");
            }
            blocking_pause().await;
        };
        drop(connecting);
        let read = blocking(move || {
            socket.set_read_timeout(Some(SOON)).expect("not zero");
            socket.read(&mut [0; 16])
        });
        assert_eq!(read.await.expect("the end of the stream"), 0);
    });
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    smol::unblock(work).await
}

async fn blocking_pause() {
    let _at = smol::Timer::after(std::time::Duration::from_millis(5)).await;
}
