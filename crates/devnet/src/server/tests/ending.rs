//! How a server ends, wherever and whenever that is.

use std::sync::mpsc;
use std::sync::{Mutex, Weak};

use super::*;

#[test]
fn dropping_the_server_leaves_alone_what_has_taken_its_path() {
    let path = path("taken");
    let net = builder().unix_path(&path).start().unwrap();
    std::fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(net);
    assert!(path.exists());
    other.set_nonblocking(true).unwrap();
    assert!(other.accept().is_err(), "nobody knocked");
    std::fs::remove_file(&path).unwrap();

    // Neither does it wait for a knock that nobody hears.
    let net = builder().unix_path(&path).start().unwrap();
    std::fs::remove_file(&path).unwrap();
    drop(net);
}

#[test]
fn dropping_the_server_waits_for_no_stuck_client() {
    let path = path("drop-stuck");
    let net = builder().tcp(loopback()).unix_path(&path).start().unwrap();
    let mut local = unix(&path);
    local.check();
    overfill(&mut local.stream).unwrap();
    let mut remote = Client::new(TcpStream::connect(net.tcp_addr().unwrap()).unwrap());
    remote.check_as(2);
    overfill(&mut remote.stream).unwrap();
    let began = std::time::Instant::now();
    drop(net);
    assert!(began.elapsed() < DEADLINE / 2);
}

#[test]
fn a_farewell_closes_the_socket_and_dropping_the_server_all_of_them() {
    let path = path("close");
    let net = builder().unix_path(&path).start().unwrap();
    let mut client = unix(&path);
    client.check();
    client.send(ThinClose {});
    assert_eq!(client.next(), None);

    let (mut first, mut second) = (unix(&path), Client::new(Blocking::new(net.connect_in_process())));
    first.check();
    second.check_as(2);
    drop(net);
    assert_eq!(first.next(), None);
    assert_eq!(second.next(), None);
}

/// A server that an observer or a waker can reach, and drop.
type Slot = Arc<Mutex<Option<Server>>>;

/// Waits until the state of a server is gone, and with it all its threads.
fn is_gone(shared: &Weak<Shared>) {
    let began = std::time::Instant::now();
    while shared.strong_count() > 0 {
        assert!(began.elapsed() < DEADLINE, "its threads go on");
        std::thread::yield_now();
    }
}

/// Starts a server that its observer drops at the first event of this kind.
fn dropped_at(path: &Path, is_it: fn(&ServerEvent) -> bool) -> (Slot, mpsc::Receiver<()>, Weak<Shared>) {
    let slot = Slot::default();
    let (tell, told) = mpsc::channel();
    let inner = Arc::clone(&slot);
    let net = builder().unix_path(path).tcp(loopback()).on_event(move |event| {
        if is_it(event) {
            let net = inner.lock().unwrap().take();
            drop(net);
            tell.send(()).unwrap();
        }
    });
    let net = net.start().unwrap();
    let shared = Arc::downgrade(&net.shared);
    *slot.lock().unwrap() = Some(net);
    (slot, told, shared)
}

#[test]
fn an_observer_may_drop_the_server_on_the_thread_that_accepts() {
    let path = path("drop-opened");
    let (_slot, told, shared) = dropped_at(&path, |event| matches!(event, ServerEvent::Opened { .. }));
    let mut client = unix(&path);
    told.recv_timeout(DEADLINE).unwrap();
    while client.next().is_some() {}
    is_gone(&shared);
    assert!(!path.exists());
}

#[test]
fn an_observer_may_drop_the_server_on_the_thread_of_a_connection() {
    let path = path("drop-closed");
    let (_slot, told, shared) = dropped_at(&path, |event| matches!(event, ServerEvent::Closed { .. }));
    let mut other = unix(&path);
    other.check();
    drop(unix(&path));
    told.recv_timeout(DEADLINE).unwrap();
    assert_eq!(other.next(), None);
    is_gone(&shared);
}

/// Does something when it is woken or dropped.
struct Trap(Box<dyn Fn() + Send + Sync>, Option<Box<dyn Fn() + Send + Sync>>);

impl Wake for Trap {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.1.iter().for_each(|act| act());
    }
}

#[test]
fn a_waker_of_a_pipe_may_drop_the_server_on_the_thread_that_keeps_time() {
    let mut config = DevnetConfig::instant();
    config.epoch_period = Duration::from_secs(1);
    let net = Server::builder(config, [1; 32]).start().unwrap();
    let shared = Arc::downgrade(&net.shared);
    let mut client = Client::new(Blocking::new(net.connect_in_process()));
    client.check();
    let slot: Slot = Arc::new(Mutex::new(Some(net)));
    let (tell, told) = mpsc::channel();
    let wake = move || {
        let net = slot.lock().unwrap().take();
        drop(net);
        tell.send(()).unwrap();
    };
    let waker = Waker::from(Arc::new(Trap(Box::new(wake), None)));
    // The documents of the epochs that have begun come first.
    while client.stream.0.poll_read(&mut Context::from_waker(&waker), &mut [0; 4_096]).is_ready() {}
    told.recv_timeout(DEADLINE).unwrap();
    drop((client, waker));
    is_gone(&shared);
}

#[test]
fn a_waker_that_is_dropped_may_use_the_server() {
    let net = Arc::new(builder().start().unwrap());
    let pipe = net.connect_in_process();
    let (tell, told) = mpsc::channel();
    let waker = || {
        let (net, tell) = (Arc::clone(&net), tell.clone());
        let act = move || {
            let _ = net.wake_at();
            let _ = tell.send(());
        };
        Waker::from(Arc::new(Trap(Box::new(|| ()), Some(Box::new(act)))))
    };
    let (first, second) = (waker(), waker());
    let thread = std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while pipe.poll_read(&mut Context::from_waker(&first), &mut buffer).is_ready() {}
        drop(first);
        // The second takes the place of the first, and the pipe goes with the second.
        assert!(pipe.poll_read(&mut Context::from_waker(&second), &mut buffer).is_pending());
        drop(second);
        drop(pipe);
    });
    for _ in 0..2 {
        told.recv_timeout(DEADLINE).unwrap();
    }
    thread.join().unwrap();
}

#[test]
fn waiting_without_bound_ends_with_the_last_connection() {
    let net = Arc::new(builder().start().unwrap());
    assert!(net.wait_until_closed(Duration::MAX), "there is none");
    let pipe = net.connect_in_process();
    assert!(!net.wait_until_closed(Duration::ZERO));
    let (tell, told) = mpsc::channel();
    let waiting = Arc::clone(&net);
    let thread = std::thread::spawn(move || tell.send(waiting.wait_until_closed(Duration::MAX)).unwrap());
    drop(pipe);
    assert_eq!(told.recv_timeout(DEADLINE), Ok(true));
    thread.join().unwrap();
}

#[cfg(feature = "store")]
#[test]
fn a_store_is_free_again_though_a_pipe_is_left() {
    let path = path("store-free");
    let start = || builder().store(&path).start();
    let net = start().unwrap();
    let pipe = net.connect_in_process();
    assert!(matches!(start(), Err(StartError::Store { .. })));
    drop(net);
    drop(start().unwrap());
    drop(pipe);
    std::fs::remove_file(&path).unwrap();
}

#[cfg(feature = "store")]
#[test]
fn a_store_of_another_seed_is_refused_if_the_seed_matters() {
    let path = path("store-seed");
    let with = |seed| Server::builder(DevnetConfig::instant(), seed).store(&path);
    assert_eq!(with([1; 32]).stored_seed(), Ok(None));
    drop(with([1; 32]).exact_seed().start().unwrap());
    assert_eq!(with([2; 32]).stored_seed(), Ok(Some([1; 32])));
    assert_eq!(with([2; 32]).start().unwrap().seed(), [1; 32]);
    let error = with([2; 32]).exact_seed().start().unwrap_err();
    assert_eq!(error, StartError::OtherSeed { path: path.clone(), found: [1; 32], given: [2; 32] });
    let hex = ["01".repeat(32), "02".repeat(32)];
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()) && hex.iter().all(|seed| text.contains(seed)), "{text}");
    drop(with([1; 32]).exact_seed().start().unwrap());
    std::fs::remove_file(&path).unwrap();
}
