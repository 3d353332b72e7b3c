//! The same seed lets the same things happen, to the last byte.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures_util::future::join;
use kpthin_client::{Call, Client, Config, Duplex, FirstConnect, FlowKind};
use kpthin_simulation::InProcess;
use kpthin_streams::{Attention, CopyJob, Inbox, ReaderState, StreamReader, StreamWriter, WriterState};

use crate::*;

/// Everything that happened, a line each.
#[derive(Clone, Default)]
struct Transcript(Arc<Mutex<Vec<String>>>);

impl Transcript {
    fn note(&self, sim_time: Duration, what: impl AsRef<str>) {
        self.0.lock().unwrap().push(format!("{sim_time:?} {}", what.as_ref()));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A link of which every byte is written down.
struct Tapped {
    link: InProcess,
    net: Arc<kpthin_devnet::Server>,
    name: String,
    transcript: Transcript,
}

impl Tapped {
    fn connector(sim: &Simulation, client: &'static str, transcript: &Transcript) -> Config {
        let (net, transcript, dials) = (sim.handle(), transcript.clone(), Mutex::new(0));
        Config::connector(move || {
            let dial = {
                let mut dials = dials.lock().unwrap();
                *dials += 1;
                *dials
            };
            let link = InProcess::connect(&net);
            let name = format!("{client}{dial}");
            let link = Self { link, net: net.clone(), name, transcript: transcript.clone() };
            async { Ok(link) }
        })
        .first_connect(FirstConnect::KeepTrying)
    }

    fn note(&self, what: &str, bytes: &[u8]) {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let (name, hash) = (&self.name, hasher.finish());
        self.transcript
            .note(self.net.now().since_origin(), format!("{name} {what} {} bytes, {hash:016x}", bytes.len()));
    }
}

impl Duplex for Tapped {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let result = self.link.poll_read(cx, buffer);
        if let Poll::Ready(Ok(len)) = result {
            self.note("reads", &buffer[..len]);
        }
        result
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.link.poll_write(cx, bytes);
        if let Poll::Ready(Ok(len)) = result {
            self.note("writes", &bytes[..len]);
        }
        result
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note("ends", &[]);
        self.link.poll_shutdown(cx)
    }
}

/// Everything at once that an application may meet.
const EVERYTHING: [&str; 13] = [
    "loss=0.05",
    "reply-loss=0.05",
    "latency=3000",
    "replication-lag=5000",
    "corrupt-box=0.05",
    "stale-epoch=0.05",
    "unanswered=0.02",
    "cut=0.01",
    "malformed=0.01",
    "duplicate=0.1",
    "misdirected=0.1",
    "flapping=120000",
    "restarts=90000",
];

/// A stream of a client's own: what random numbers it draws decides which.
async fn stream(client: &Client) -> (WriterState, ReaderState) {
    let keys = client.create_stream().await.unwrap();
    let writer = WriterState::new(keys.write_cap, keys.first_message_index.clone()).unwrap();
    (writer, ReaderState::new(keys.read_cap, keys.first_message_index).unwrap())
}

/// Asks for a box that nobody writes, again and again.
fn wait_for_nothing(client: &Client) -> Call<()> {
    client.flow(FlowKind::Standing, |client| async move {
        let keys = client.create_stream().await?;
        loop {
            drop(client.read(&keys.read_cap, &keys.first_message_index).await);
            client.pause(secs(1)).await;
        }
    })
}

/// Writers, a reader, an inbox, a copy job and a service, on three clients, while everything goes wrong.
fn run(seed: u8) -> Vec<String> {
    let transcript = Transcript::default();
    let sim = Simulation::new(DevnetConfig::reference(), [seed; 32]);
    set(&sim, faults(&EVERYTHING));
    let connect = |name| sim.block_on(sim.connect_with(Tapped::connector(&sim, name, &transcript))).unwrap();
    let [writing, reading, copying] = ["writing", "reading", "copying"].map(connect);
    for (name, client) in [("writing", &writing), ("reading", &reading), ("copying", &copying)] {
        let (mut events, net, transcript) = (client.events(), sim.handle(), transcript.clone());
        sim.spawn(async move {
            while let Some(event) = events.recv().await {
                transcript.note(net.now().since_origin(), format!("{name}: {event:?}"));
            }
        });
    }
    let note = |what: String| transcript.note(sim.now().since_origin(), what);

    let copied = Rc::new(RefCell::new(None));
    let copying_job = {
        let (client, copied, net, transcript) =
            (copying.clone(), copied.clone(), sim.handle(), transcript.clone());
        async move {
            let (writer, reader) = stream(&client).await;
            let mut job = CopyJob::new(&client, CopyJob::begin(&client).await.unwrap());
            job.append(writer.write_cap().clone(), writer.next_index().clone(), "x".repeat(4_000)).unwrap();
            let outcome = job.run(|_| Ok::<(), ()>(())).await;
            transcript.note(net.now().since_origin(), format!("copied: {outcome:?}"));
            *copied.borrow_mut() = Some(reader);
        }
    };
    sim.spawn(copying_job);

    let streams: Vec<_> = (0..4).map(|_| sim.block_on(stream(&writing))).collect();
    let writers: Vec<_> =
        streams.iter().map(|(writer, _)| StreamWriter::new(&writing, writer.clone())).collect();
    for number in 0..3 {
        for writer in &writers {
            let _ = writer.send(format!("message {number}")).unwrap();
        }
    }
    let reader = StreamReader::new(&reading, streams[0].1.clone());
    let inbox = Inbox::new(&reading);
    for (key, (_, state)) in streams.iter().enumerate() {
        let _ = inbox.insert(key, state.clone(), Attention::Normal);
    }
    sim.block_on(join(
        async {
            for _ in 0..3 {
                let delivery = reader.next().await.unwrap();
                note(format!("read {:?}", delivery.item));
            }
        },
        async {
            for _ in 0..12 {
                let (key, delivery) = inbox.next().await.unwrap();
                note(format!("inbox {key}: {:?}", delivery.unwrap().item));
            }
        },
    ));
    for writer in &writers {
        sim.block_on(writer.flush()).unwrap();
    }
    let service = writing.service("courier").map(|service| service.identity_hash);
    let couriers = writing.distinct_couriers(2).into_iter().flatten().map(|service| service.identity_hash);
    note(format!("{service:?}, {:?}", couriers.collect::<Vec<_>>()));
    let echo = sim.block_on(reading.send_and_await_reply("echo", "hello").timeout(secs(120)));
    note(format!("echo: {:?}", echo.map(|reply| reply.len())));
    while copied.borrow().is_none() {
        sim.block_on(sim.sleep(secs(60)));
    }
    // Ends many flows at once, whose operations are cancelled one after the other.
    let waiting: Vec<_> = (0..8).map(|_| wait_for_nothing(&copying)).collect();
    sim.advance(secs(40));
    note(format!("stopped: {:?}", sim.block_on(copying.stop_after(secs(60)))));
    note(format!("{:?}", waiting.into_iter().map(|call| sim.block_on(call)).collect::<Vec<_>>()));
    for client in [writing, reading] {
        note(format!("stopped: {:?}", sim.block_on(client.stop())));
    }
    note(format!(
        "{:?}, {:?}",
        sim.net().with(|net, _| net.traffic()),
        sim.net().with(|net, _| net.stored_boxes())
    ));
    transcript.take()
}

/// Fails with the first line in which they differ.
fn assert_same(first: &[String], other: &[String]) {
    if let Some(at) = first.iter().zip(other).position(|(first, other)| first != other) {
        panic!("line {at} of {}:\n  {}\nand\n  {}", first.len(), first[at], other[at]);
    }
    assert_eq!(first.len(), other.len());
}

#[test]
fn a_program_does_the_same_for_the_same_seed_and_something_else_for_another() {
    let first = run(1);
    assert!(first.len() > 400, "{} lines", first.len());
    assert!(first.iter().any(|line| line.contains("Reconnected")), "no link was ever lost");
    for _ in 1..10 {
        assert_same(&first, &run(1));
    }
    let other = run(2);
    assert_ne!(first.last(), other.last());
    assert_ne!(
        first.iter().find(|line| line.contains("writes")),
        other.iter().find(|line| line.contains("writes"))
    );
}

/// What one client draws changes nothing for another.
#[test]
fn each_client_has_random_numbers_of_its_own() {
    let capability = |streams: usize| {
        let sim = instant();
        let [first, second] =
            [sim.connect(), sim.connect()].map(|connecting| sim.block_on(connecting).unwrap());
        for _ in 0..streams {
            let _ = sim.block_on(first.create_stream()).unwrap();
        }
        let stream = |client: &Client| sim.block_on(client.create_stream()).unwrap().write_cap;
        (stream(&first), stream(&second))
    };
    let (none, some) = (capability(0), capability(3));
    assert_ne!(none.0, some.0);
    assert_eq!(none.1, some.1);
    assert_ne!(none.0, none.1);
}
