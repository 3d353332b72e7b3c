//! What plain threads alone have to show: they end, and no dial keeps anyone.

use std::{
    net::TcpStream,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use kpthin::{
    CallError, CloseReason, Event, FirstConnect, WaitError, blocking,
    devnet::{DevnetConfig, Server},
};

use crate::support::{SOON, daemon};

fn net() -> (Arc<Server>, std::net::SocketAddr) {
    let net = daemon(DevnetConfig::instant());
    let address = net.tcp_addr().expect("on TCP");
    (net, address)
}

/// Names of the threads that belong to clients.
#[cfg(target_os = "linux")]
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("a process has threads").flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("kpthin ")).collect()
}

/// In a process of its own, because other tests have threads of the same names.
#[cfg(target_os = "linux")]
#[test]
fn stopping_joins_every_thread() {
    const INSIDE: &str = "KPTHIN_TEST_COUNTS_THREADS";
    if std::env::var_os(INSIDE).is_none() {
        let this = std::env::current_exe().expect("a test runs");
        let mut alone = std::process::Command::new(this);
        alone.args(["--exact", "on_threads::stopping_joins_every_thread"]).env(INSIDE, "1");
        let output = alone.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let (_net, address) = net();
    let (client, thread) = blocking::connect_with_thread(address).expect("connected");
    let stream = client.create_stream().wait_timeout(SOON).expect("a stream");
    let ask = client.ask(&stream.read_cap, &stream.first_message_index);
    assert!(ask.wait_timeout(SOON).is_ok());
    let running = threads();
    assert_eq!(running.len(), 5, "one drives, two serve each link: {running:?}");
    assert!(client.stop().wait().is_ok());
    assert_eq!(thread.join(), CloseReason::Stopped);
    assert_eq!(threads(), [""; 0]);
}

#[test]
fn a_dial_that_never_ends_keeps_nobody() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let config = blocking::connector(move || {
        let _never = wait.lock().expect("one at a time").recv();
        TcpStream::connect("127.0.0.1:1")
    });
    let (client, thread) = blocking::connect_with_thread(config.first_connect(FirstConnect::KeepTrying))
        .expect("a client at once");
    let call = client.create_stream();
    assert!(client.stop().wait().is_ok());
    assert!(matches!(call.wait(), Err(WaitError::Call(CallError::Closed(..)))));
    assert_eq!(thread.join(), CloseReason::Stopped);
    drop(go);
}

#[test]
fn a_wait_ends_when_another_thread_cancels() {
    let (_net, address) = net();
    let client = blocking::connect(address).expect("connected");
    let call = client.flow(kpthin::FlowKind::Finite, |_| std::future::pending::<Result<(), _>>());
    let canceller = call.canceller();
    let (started, waits) = mpsc::channel();
    let waiting = thread::spawn(move || {
        started.send(()).expect("received");
        call.wait()
    });
    waits.recv().expect("started");
    canceller.cancel();
    let ended = waiting.join().expect("joined");
    assert!(matches!(ended, Err(WaitError::Call(CallError::Cancelled(_)))), "{ended:?}");
}

#[test]
fn a_wait_ends_at_its_time() {
    let (_net, address) = net();
    let client = blocking::connect(address).expect("connected");
    let call = client.flow(kpthin::FlowKind::Finite, |_| std::future::pending::<Result<(), _>>());
    let ended = call.wait_timeout(Duration::from_millis(20));
    assert!(matches!(ended, Err(WaitError::Call(CallError::TimedOut(_)))), "{ended:?}");
}

#[test]
fn events_are_an_iterator() {
    let (net, address) = net();
    let client = blocking::connect(address).expect("connected");
    let mut events = client.events().into_blocking();
    net.set_mixnet(false);
    assert_eq!(events.next(), Some(Event::Mixnet { connected: false }));
    let listening = thread::spawn(move || events.count());
    assert!(client.stop().wait().is_ok());
    assert!(listening.join().is_ok(), "it ends with the client");
}
