//! A simulated network, a client on it and a stream.

use std::{future::Future, time::Duration};

use kpthin::{
    Client,
    devnet::{BoxState, DevnetConfig, Pacing, Simulation},
    streams::{Delivery, Item, Outcome, ReaderState, Receipt, Seq, StreamReader, StreamWriter, WriterState},
    wire::{MessageBoxIndex, ReadCap, Seed, WriteCap},
};
pub use kpthin_tests::profiles;

pub const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// As slow as was observed: a packet a second on average, two seconds for an encryption.
pub fn slow() -> DevnetConfig {
    DevnetConfig::reference()
}

/// The same with a packet in every second, so that every wait has a bound.
pub fn even() -> DevnetConfig {
    let mut config = slow();
    config.timing.pacing = Pacing::Even;
    config
}

/// Epochs as long as replica epochs, so that weeks pass quickly.
pub fn long_epochs(mut config: DevnetConfig) -> DevnetConfig {
    config.epoch_period = WEEK;
    config
}

pub fn client(sim: &Simulation) -> Client {
    sim.block_on(sim.connect()).unwrap()
}

pub fn start(config: DevnetConfig) -> (Simulation, Client) {
    start_seeded(config, 7)
}

pub fn start_seeded(config: DevnetConfig, seed: u64) -> (Simulation, Client) {
    let sim = Simulation::new(config, kpthin_tests::Rng::new(seed).bytes());
    let client = client(&sim);
    let _ = sim.block_on(client.wait_until_ready()).unwrap();
    (sim, client)
}

/// A stream, which is the same for the same number.
#[derive(Clone)]
pub struct Stream {
    pub write_cap: WriteCap,
    pub read_cap: ReadCap,
    pub first: MessageBoxIndex,
}

impl Stream {
    pub fn new(sim: &Simulation, client: &Client, number: u8) -> Self {
        let keys = sim.block_on(client.new_keypair(&Seed::from([number; 32]))).unwrap();
        Self { write_cap: keys.write_cap, read_cap: keys.read_cap, first: keys.first_message_index }
    }

    pub fn writer_state(&self) -> WriterState {
        WriterState::new(self.write_cap.clone(), self.first.clone()).unwrap()
    }

    pub fn reader_state(&self) -> ReaderState {
        ReaderState::new(self.read_cap.clone(), self.first.clone()).unwrap()
    }

    pub fn writer(&self, client: &Client) -> StreamWriter {
        StreamWriter::new(client, self.writer_state())
    }

    pub fn reader(&self, client: &Client) -> StreamReader {
        StreamReader::new(client, self.reader_state())
    }

    pub fn seq(&self, step: u64) -> Seq {
        Seq::from(self.first.counter() + step)
    }

    /// The box that many steps from the beginning.
    pub fn index(&self, sim: &Simulation, client: &Client, step: u64) -> MessageBoxIndex {
        let mut index = self.first.clone();
        for _ in 0..step {
            index = sim.block_on(client.next_message_box_index(&index)).unwrap();
        }
        index
    }

    /// What the replicas hold in the first boxes.
    pub fn stored(&self, sim: &Simulation, client: &Client, count: u64) -> Vec<Option<String>> {
        let mut index = self.first.clone();
        let mut boxes = Vec::new();
        for _ in 0..count {
            boxes.push(match sim.net().with(|net, _| net.read_box(&self.read_cap, &index)) {
                BoxState::Message(text) => Some(String::from_utf8(text).unwrap()),
                BoxState::Tombstone => Some("(deleted)".into()),
                _ => None,
            });
            index = sim.block_on(client.next_message_box_index(&index)).unwrap();
        }
        boxes
    }
}

/// Messages that are told apart.
pub fn text(step: u64) -> String {
    format!("message {step}")
}

pub fn texts(steps: std::ops::Range<u64>) -> Vec<Option<String>> {
    steps.map(|step| Some(text(step))).collect()
}

/// Pushes and releases messages, saving nothing.
pub fn send(writer: &StreamWriter, steps: std::ops::Range<u64>) {
    for step in steps {
        let _ = writer.send(text(step)).unwrap();
    }
}

pub fn receipts(sim: &Simulation, writer: &StreamWriter, count: usize) -> Vec<(Seq, Outcome)> {
    (0..count)
        .map(|_| {
            let Receipt { seq, outcome, .. } = sim.block_on(writer.receipt()).unwrap();
            (seq, outcome)
        })
        .collect()
}

pub fn message(delivery: &Delivery) -> String {
    match &delivery.item {
        Item::Message(text) => String::from_utf8(text.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Reads that many messages.
pub fn read(sim: &Simulation, reader: &StreamReader, count: usize) -> Vec<String> {
    (0..count).map(|_| message(&sim.block_on(reader.next()).unwrap())).collect()
}

/// The future's output if it has one within that time.
pub fn within<T>(sim: &Simulation, time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let pause = sim.sleep(time);
    sim.block_on(async {
        futures_util::select_biased! {
            output = futures_util::FutureExt::fuse(Box::pin(future)) => Some(output),
            () = futures_util::FutureExt::fuse(pause) => None,
        }
    })
}
