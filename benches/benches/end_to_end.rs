//! The client on tokio against the stub in another process, beside a raw socket that does the same.
//!
//! Every line compares runs that followed each other at once, in turn, on the same socket type:
//! this process's calls per second, and the CPU time it spent per call. The raw client keeps one
//! request encoded and reads nothing but lengths, so it is the floor, not a competitor.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use kpthin_benches::{PLAINTEXT_LEN, Stub, encrypt_write, greeting};
use kpthin_client::{
    Client, Config,
    wire::{MessageBoxIndex, QueryId, RequestFrame, SecretBytes, WriteCap},
};

/// Rounds of every measurement; the median is printed.
const ROUNDS: usize = 3;
/// How long one round lasts.
const ROUND: Duration = Duration::from_secs(1);
/// How the stub is told to be one.
const STUB: &str = "KPTHIN_BENCH_STUB";

fn main() {
    if let Ok(address) = env::var(STUB) {
        return serve(&address);
    }
    if env::args().any(|arg| arg == "--test") {
        // `cargo test` runs benchmarks once, to see that they work; this one takes too long for that.
        return;
    }
    let folder = env::temp_dir().join(format!("kpthin-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let unix = folder.join("stub.sock");
    println!("encrypt_write of {PLAINTEXT_LEN} bytes, median of {ROUNDS} rounds of {ROUND:?}\n");
    println!("{:<6} {:<24} {:>10} {:>12} {:>8}", "", "", "calls/s", "CPU us/call", "of raw");
    let stub = Stubbed::start(&format!("unix:{}", unix.display()));
    measure("unix", &stub, &Config::unix(&unix));
    drop(stub);
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let stub = Stubbed::start(&format!("tcp:127.0.0.1:{port}"));
    measure("tcp", &stub, &Config::tcp(format!("127.0.0.1:{port}")));
    drop(stub);
    let _gone = fs::remove_dir_all(&folder);
}

/// The stub's process, which ends with this value.
struct Stubbed {
    child: Child,
    address: String,
}

impl Stubbed {
    fn start(address: &str) -> Self {
        let child = Command::new(env::current_exe().expect("this program"))
            .env(STUB, address)
            .stdout(Stdio::null())
            .spawn()
            .expect("the stub starts");
        let stub = Self { child, address: address.to_owned() };
        let begin = Instant::now();
        while stub.try_connect().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(10), "the stub does not listen");
            thread::yield_now();
        }
        stub
    }

    /// A connection, as its reading and its writing half.
    fn try_connect(&self) -> Option<(Box<dyn Socket>, Box<dyn Socket>)> {
        if let Some(path) = self.address.strip_prefix("unix:") {
            let socket = UnixStream::connect(path).ok()?;
            return Some((Box::new(socket.try_clone().ok()?), Box::new(socket)));
        }
        let socket = TcpStream::connect(self.address.strip_prefix("tcp:")?).ok()?;
        socket.set_nodelay(true).ok()?;
        Some((Box::new(socket.try_clone().ok()?), Box::new(socket)))
    }
}

impl Drop for Stubbed {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

trait Socket: Read + Write + Send {}

impl Socket for UnixStream {}
impl Socket for TcpStream {}

fn serve(address: &str) {
    if let Some(path) = address.strip_prefix("unix:") {
        let listener = UnixListener::bind(Path::new(path)).expect("the stub binds");
        for socket in listener.incoming().flatten() {
            thread::spawn(move || answer(socket));
        }
    } else if let Some(address) = address.strip_prefix("tcp:") {
        let listener = TcpListener::bind(address).expect("the stub binds");
        for socket in listener.incoming().flatten() {
            socket.set_nodelay(true).expect("nodelay");
            thread::spawn(move || answer(socket));
        }
    }
}

fn answer(mut socket: impl Socket) {
    let stub = Stub::new();
    let (mut input, mut out, mut chunk) = (Vec::new(), Vec::new(), vec![0; 1 << 18]);
    if socket.write_all(&greeting()).is_err() {
        return;
    }
    while let Ok(read @ 1..) = socket.read(&mut chunk) {
        input.extend_from_slice(&chunk[..read]);
        let _calls = stub.answer(&mut input, &mut out);
        if socket.write_all(&out).is_err() {
            return;
        }
        out.clear();
    }
}

/// One round: calls per second, CPU microseconds per call.
#[derive(Clone, Copy)]
struct Figures {
    rate: f64,
    cpu: f64,
}

fn measure(kind: &str, stub: &Stubbed, config: &Config) {
    for callers in [1, 256] {
        let (mut raw, mut ours) = (Vec::new(), Vec::new());
        // In turn, so that a machine that drifts drifts for both.
        for _ in 0..ROUNDS {
            raw.push(timed(|until| raw_calls(stub, callers, until)));
            ours.push(timed(|until| client_calls(config, callers, until)));
        }
        let (raw, ours) = (median(raw), median(ours));
        let callers_of = |who| format!("{who}, {callers} callers");
        println!("{kind:<6} {:<24} {:>10.0} {:>12.2}", callers_of("raw"), raw.rate, raw.cpu);
        println!(
            "{kind:<6} {:<24} {:>10.0} {:>12.2} {:>8.2}",
            callers_of("kpthin"),
            ours.rate,
            ours.cpu,
            ours.rate / raw.rate
        );
    }
}

fn median(mut rounds: Vec<Figures>) -> Figures {
    let mut by = |key: fn(&Figures) -> f64| {
        rounds.sort_by(|a, b| key(a).total_cmp(&key(b)));
        key(&rounds[rounds.len() / 2])
    };
    Figures { rate: by(|figures| figures.rate), cpu: by(|figures| figures.cpu) }
}

fn timed(run: impl FnOnce(Instant) -> (usize, Duration, Duration)) -> Figures {
    let (calls, wall, cpu) = run(Instant::now() + ROUND);
    let calls = calls.max(1) as f64;
    Figures { rate: calls / wall.as_secs_f64(), cpu: cpu.as_secs_f64() * 1e6 / calls }
}

/// The CPU time of this process so far, from the kernel's own accounting in nanoseconds.
fn cpu() -> Duration {
    let mut total = 0;
    for task in fs::read_dir("/proc/self/task").expect("the tasks of this process").flatten() {
        let stat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        total += stat.split(' ').next().and_then(|run| run.parse::<u64>().ok()).unwrap_or(0);
    }
    Duration::from_nanos(total)
}

/// Keeps `callers` requests outstanding on a plain socket.
///
/// One thread writes and one reads: a single one would wait for ever once both sides' socket
/// buffers are full.
fn raw_calls(stub: &Stubbed, callers: usize, until: Instant) -> (usize, Duration, Duration) {
    let (mut reader, mut writer) = stub.try_connect().expect("the stub listens");
    let mut greeted = vec![0; greeting().len()];
    reader.read_exact(&mut greeted).expect("the greeting");
    let request = RequestFrame { query_id: Some(QueryId::from([1; 16])), request: encrypt_write() };
    let mut frame = Vec::new();
    request.encode(&mut frame).expect("the frame is small");
    let batch = frame.repeat(callers);
    let (begin, cpu_before) = (Instant::now(), cpu());
    let mut write =
        move |frames: usize| writer.write_all(&batch[..frame.len() * frames]).expect("the stub reads");
    if callers == 1 {
        // Nothing to overlap: the floor for one caller is one thread.
        let calls = raw_reader(&mut *reader, 1, until, &mut write);
        return (calls, begin.elapsed(), cpu() - cpu_before);
    }
    let (more, due) = mpsc::channel();
    let writing = thread::spawn(move || {
        while let Ok(frames) = due.recv() {
            write(frames);
        }
    });
    let calls =
        raw_reader(&mut *reader, callers, until, &mut |frames| more.send(frames).expect("the writer runs"));
    let figures = (calls, begin.elapsed(), cpu() - cpu_before);
    drop(more);
    writing.join().expect("the writer ends");
    figures
}

fn raw_reader(
    reader: &mut dyn Socket,
    callers: usize,
    until: Instant,
    write: &mut dyn FnMut(usize),
) -> usize {
    let (mut chunk, mut pending) = (vec![0; 1 << 18], Vec::new());
    let mut calls = 0;
    write(callers);
    let mut outstanding = callers;
    while outstanding > 0 {
        let read = reader.read(&mut chunk).expect("the stub answers");
        pending.extend_from_slice(&chunk[..read]);
        let mut at = 0;
        let mut answered = 0;
        while let Some(prefix) = pending.get(at..at + 4) {
            let len = u32::from_be_bytes(prefix.try_into().expect("four bytes")) as usize;
            if pending.len() < at + 4 + len {
                break;
            }
            at += 4 + len;
            answered += 1;
        }
        drop(pending.drain(..at));
        calls += answered;
        outstanding -= answered;
        if answered > 0 && Instant::now() < until {
            write(answered);
            outstanding += answered;
        }
    }
    calls
}

/// The same with as many tasks that share a client.
fn client_calls(config: &Config, callers: usize, until: Instant) -> (usize, Duration, Duration) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let client = kpthin_tokio::connect(config.clone()).await.expect("the stub greets");
        let (begin, cpu_before) = (Instant::now(), cpu());
        let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(caller(client.clone(), until))).collect();
        let mut calls = 0;
        for task in tasks {
            calls += task.await.expect("a caller ends");
        }
        let figures = (calls, begin.elapsed(), cpu() - cpu_before);
        client.stop().await.expect("the client stops");
        figures
    })
}

async fn caller(client: Client, until: Instant) -> usize {
    let (cap, index) = (WriteCap::from([1; 168]), MessageBoxIndex::from([2; 104]));
    let plaintext = SecretBytes::from(vec![7; PLAINTEXT_LEN]);
    let mut calls = 0;
    while Instant::now() < until {
        let _envelope =
            client.encrypt_write(&cap, &index, plaintext.clone()).await.expect("the stub answers");
        calls += 1;
    }
    calls
}
