//! A network, a daemon and links in which things go wrong: every message arrives, once and in order.
//!
//! `KPTHIN_SEED=n` runs one seed alone, `KPTHIN_SEEDS=n` so many instead of three.

use std::{
    cell::Cell,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use kpthin::{
    Client, Config, Duplex,
    devnet::{DevnetConfig, Faults, InProcess, Simulation},
    streams::{Attention, CopyJob, CopyOutcome, Inbox},
};

use crate::support::*;

/// How long a fault that stops everything lasts.
const A_WHILE: Duration = Duration::from_secs(300);

fn faults(texts: &[&str]) -> Faults {
    texts.iter().map(|text| text.parse::<Faults>().unwrap()).fold(Faults::default(), Faults::and)
}

fn set(sim: &Simulation, faults: Faults) {
    sim.net().with(|net, now| net.set_faults(now, faults));
}

/// All daemons, as slow as the reference was observed.
fn daemons() -> Vec<DevnetConfig> {
    let mut daemons = profiles();
    daemons.iter_mut().for_each(|config| config.timing = DevnetConfig::reference().timing);
    daemons
}

/// A writer and a reader of their own clients, while things go wrong, for as long as that lasts.
fn survives(config: DevnetConfig, seed: u64, texts: &[&str], lasts: Option<Duration>) -> u64 {
    let what = format!("{texts:?} with seed {seed}, quirks {}", config.quirks);
    let (sim, writing) = start_seeded(config, seed);
    let reading = client(&sim);
    let stream = Stream::new(&sim, &writing, 1);
    let ended = Rc::new(Cell::new(false));
    set(&sim, faults(texts));
    if let Some(lasts) = lasts {
        let (net, pause, ended) = (sim.handle(), sim.sleep(lasts), ended.clone());
        sim.spawn(async move {
            pause.await;
            net.with(|net, now| net.set_faults(now, Faults::default()));
            ended.set(true);
        });
    }
    let (writer, reader) = (stream.writer(&writing), stream.reader(&reading));
    send(&writer, 0..6);
    assert_eq!(read(&sim, &reader, 6), (0..6).map(text).collect::<Vec<_>>(), "{what}");
    sim.block_on(writer.flush()).unwrap();
    assert!(
        ended.get() || lasts.is_none() || texts.len() == 1,
        "{what}: something passed while nothing could"
    );
    let struck = sim.net().with(|net, _| net.traffic().faults);
    set(&sim, Faults::default());
    // Both clients are as good as new.
    for client in [&writing, &reading] {
        let other = Stream::new(&sim, client, 2);
        let _ = sim.block_on(client.write(&other.write_cap, &other.first, "after all")).unwrap();
    }
    assert_eq!(stream.stored(&sim, &writing, 7), [texts_of(6), vec![None]].concat(), "{what}");
    struck
}

fn seeds() -> std::ops::Range<u64> {
    match kpthin_tests::number_from("KPTHIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..kpthin_tests::number_from("KPTHIN_SEEDS").unwrap_or(3),
    }
}

fn texts_of(count: u64) -> Vec<Option<String>> {
    texts(0..count)
}

macro_rules! survived {
    ($($name:ident: $faults:expr $(, $lasts:expr)?;)+) => {
        $(
            #[test]
            fn $name() {
                for config in daemons() {
                    let survives = |seed| survives(config.clone(), seed, &$faults, None $(.or(Some($lasts)))?);
                    let struck: u64 = seeds().map(survives).sum();
                    assert!(struck > 0, "nothing went wrong");
                }
            }
        )+
    };
}

/// All of it at once.
const EVERYTHING: [&str; 15] = [
    "loss=0.05",
    "reply-loss=0.05",
    "latency=3000",
    "replication-lag=5000",
    "corrupt-box=0.05",
    "wrong-signature=0.05",
    "stale-epoch=0.05",
    "unanswered=0.02",
    "cut=0.01",
    "malformed=0.01",
    "unknown=0.1",
    "duplicate=0.1",
    "misdirected=0.1",
    "flapping=120000",
    "dribble",
];

survived! {
    lost_packets: ["loss=0.3", "reply-loss=0.3"];
    latency: ["latency=30000"];
    a_replica_that_is_down: ["replica-down=1"];
    all_replicas_down_for_a_while: ["replica-down=0", "replica-down=1", "replica-down=2"], A_WHILE;
    a_partitioned_replica: ["partition=0"];
    slow_replication: ["replication-lag=60000"];
    a_full_replica_for_a_while: ["storage-full=2"], A_WHILE;
    full_storage_for_a_while: ["storage-full=0", "storage-full=1", "storage-full=2"], A_WHILE;
    corrupt_boxes: ["corrupt-box=0.3"];
    wrong_signatures: ["wrong-signature=0.3"];
    stale_epochs: ["stale-epoch=0.3"];
    operations_without_an_answer: ["unanswered=0.1"];
    local_calls_without_an_answer: ["unanswered-local=0.1"];
    couriers_that_forget: ["unstored=0.3"];
    replies_of_the_other_kind: ["wrong-type=0.1"];
    no_document_for_a_while: ["missing-document"], A_WHILE;
    a_flapping_mixnet: ["flapping=10000"];
    a_daemon_that_is_restarted: ["restarts=15000"];
    a_daemon_that_is_shut_down: ["shutdowns=15000"];
    links_cut_in_mid_frame: ["cut=0.1"];
    malformed_frames: ["malformed=0.1"];
    frames_that_are_too_long: ["oversize=0.1"];
    unknown_frames: ["unknown=0.5"];
    duplicate_answers: ["duplicate=0.5"];
    misdirected_answers: ["misdirected=0.5"];
    bytes_one_at_a_time: ["dribble"];
    a_daemon_that_reads_slowly: ["slow-reading=3000"];
    everything_a_little: EVERYTHING;
}

/// §3.7: results are lost while a session is away, whatever else the daemon is like.
#[test]
fn lost_results() {
    for mut config in daemons() {
        config.quirks.lost_results = true;
        let struck: u64 = seeds().map(|seed| survives(config.clone(), seed, &["cut=0.1"], None)).sum();
        assert!(struck > 0, "nothing went wrong");
    }
}

/// another program's frame ends the daemon for everybody, until somebody starts it again.
#[test]
fn a_crash_on_a_body_of_null() {
    for mut config in profiles() {
        config.quirks.crash_on_null = true;
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let (writer, reader) = (stream.writer(&client), stream.reader(&client));
        send(&writer, 0..4);
        assert_eq!(read(&sim, &reader, 2), [text(0), text(1)]);
        let stranger = sim.net().connect_in_process();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(stranger.poll_write(&mut cx, b"\0\0\0\x01\xf6").is_ready());
        sim.block_on(sim.sleep(secs(60)));
        assert!(sim.net().with(|net, _| net.crash().is_some()));
        sim.net().restart();
        assert_eq!(read(&sim, &reader, 2), [text(2), text(3)]);
        sim.block_on(writer.flush()).unwrap();
    }
}

/// A link whose client's side stands still for some time, as when a laptop is shut.
struct Frozen {
    link: InProcess,
    frozen: Arc<AtomicBool>,
}

impl Frozen {
    fn connector(sim: &Simulation, frozen: Arc<AtomicBool>, dials: Arc<AtomicUsize>) -> Config {
        let net = sim.handle();
        Config::connector(move || {
            let _ = dials.fetch_add(1, Ordering::Relaxed);
            let link = Self { link: InProcess::connect(&net), frozen: frozen.clone() };
            async { Ok(link) }
        })
    }
}

impl Duplex for Frozen {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.frozen.load(Ordering::Relaxed) {
            // Polled again by whoever thaws it: the driver has a timer of its own.
            return Poll::Pending;
        }
        self.link.poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.link.poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.poll_shutdown(cx)
    }
}

/// §1.4: the daemon ends a connection whose client does not read.
#[test]
fn a_daemon_that_waits_for_a_client_no_longer() {
    for config in profiles() {
        let sim = Simulation::new(config, [7; 32]);
        let (frozen, dials) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let connector = Frozen::connector(&sim, frozen.clone(), dials.clone());
        let client = sim.block_on(sim.connect_with(connector)).unwrap();
        let _ = sim.block_on(client.wait_until_ready()).unwrap();
        let stream = Stream::new(&sim, &client, 1);
        let (writer, reader) = (stream.writer(&client), stream.reader(&client));
        send(&writer, 0..2);
        assert_eq!(read(&sim, &reader, 2), [text(0), text(1)]);
        frozen.store(true, Ordering::Relaxed);
        send(&writer, 2..4);
        let ended = (0..600).any(|_| {
            sim.block_on(sim.sleep(secs(1)));
            sim.net().with(|net, _| net.connections()) == 0
        });
        // In between it dials, in vain.
        assert!(ended, "the daemon keeps the connections");
        let before = dials.load(Ordering::Relaxed);
        frozen.store(false, Ordering::Relaxed);
        assert_eq!(read(&sim, &reader, 2), [text(2), text(3)]);
        sim.block_on(writer.flush()).unwrap();
        assert!(dials.load(Ordering::Relaxed) > before);
    }
}

#[test]
fn a_replica_that_is_back_has_what_it_missed() {
    for config in profiles() {
        for down in ["replica-down=0", "replica-down=1", "replica-down=2"] {
            let (sim, client) = start(config.clone());
            let stream = Stream::new(&sim, &client, 1);
            set(&sim, faults(&[down]));
            let writer = stream.writer(&client);
            send(&writer, 0..4);
            sim.block_on(writer.flush()).unwrap();
            set(&sim, Faults::default());
            sim.block_on(sim.sleep(secs(60)));
            let reader = stream.reader(&client);
            assert_eq!(read(&sim, &reader, 4), (0..4).map(text).collect::<Vec<_>>(), "{down}");
        }
    }
}

#[test]
fn an_inbox_through_everything_a_little() {
    for seed in seeds() {
        for config in daemons() {
            let (sim, writing) = start_seeded(config, seed);
            let reading = client(&sim);
            let streams: Vec<_> = (0..5).map(|number| Stream::new(&sim, &writing, number)).collect();
            set(&sim, faults(&EVERYTHING));
            let writers: Vec<_> = streams.iter().map(|stream| stream.writer(&writing)).collect();
            writers.iter().for_each(|writer| send(writer, 0..3));
            let inbox = Inbox::new(&reading);
            for (key, stream) in streams.iter().enumerate() {
                assert!(inbox.insert(key, stream.reader_state(), Attention::Normal).is_none());
            }
            let mut read = vec![Vec::new(); streams.len()];
            for _ in 0..15 {
                let (key, delivery) = sim.block_on(inbox.next()).unwrap();
                read[key].push(message(&delivery.unwrap()));
            }
            assert!(read.iter().all(|texts| *texts == [text(0), text(1), text(2)]), "seed {seed}: {read:?}");
            writers.iter().for_each(|writer| sim.block_on(writer.flush()).unwrap());
        }
    }
}

/// A copy through all of it is done, or says that nobody knows; never is anything else in the boxes.
#[test]
fn a_copy_through_everything_a_little() {
    let mut done = 0;
    for seed in seeds() {
        for config in daemons() {
            let (sim, client) = start_seeded(config, seed);
            let stream = Stream::new(&sim, &client, 1);
            set(&sim, faults(&EVERYTHING));
            let outcome = copied(&sim, &client, &stream);
            set(&sim, Faults::default());
            let reader = stream.reader(&client);
            let read =
                |sim: &Simulation| within(sim, secs(600), reader.next()).map(|it| message(&it.unwrap()));
            let boxes = [read(&sim), read(&sim), read(&sim)];
            match outcome {
                CopyOutcome::Done => {
                    done += 1;
                    assert_eq!(boxes.map(Option::unwrap).concat(), "x".repeat(4_000), "seed {seed}");
                }
                CopyOutcome::Uncertain => {
                    assert!("x".repeat(4_000).starts_with(&boxes.map(Option::unwrap_or_default).concat()));
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
    }
    assert!(done > 0);
}

fn copied(sim: &Simulation, client: &Client, stream: &Stream) -> CopyOutcome {
    let mut job = CopyJob::new(client, sim.block_on(CopyJob::begin(client)).unwrap());
    job.append(stream.write_cap.clone(), stream.first.clone(), "x".repeat(4_000)).unwrap();
    sim.block_on(job.run(|_| Ok::<(), ()>(()))).unwrap()
}

#[test]
fn a_copy_is_carried_out_past_a_replica_that_is_down() {
    let (sim, client) = start(even());
    let stream = Stream::new(&sim, &client, 1);
    set(&sim, faults(&["replica-down=1"]));
    assert_eq!(copied(&sim, &client, &stream), CopyOutcome::Done);
}

/// How long a copy takes whose replicas are all down between two moments.
fn copying_takes(down: Option<(Duration, Duration)>) -> Duration {
    let (sim, client) = start(even());
    let stream = Stream::new(&sim, &client, 1);
    let begun = sim.now();
    if let Some((from, until)) = down {
        let (net, begins, ends) = (sim.handle(), sim.sleep(from), sim.sleep(until));
        sim.spawn(async move {
            begins.await;
            let down = faults(&["replica-down=0", "replica-down=1", "replica-down=2"]);
            net.with(|net, now| net.set_faults(now, down));
            ends.await;
            net.with(|net, now| net.set_faults(now, Faults::default()));
        });
    }
    assert_eq!(copied(&sim, &client, &stream), CopyOutcome::Done);
    sim.now().saturating_since(begun)
}

#[test]
fn a_courier_tries_again_while_no_replica_answers() {
    let usual = copying_takes(None);
    // The daemon asks the courier every five seconds how far it is, which ends by then.
    let (from, until) = (usual - secs(12), usual + secs(10));
    let time = copying_takes(Some((from, until)));
    assert!(time > until, "{time:?} instead of {usual:?}: it was over before anything went wrong");
}
