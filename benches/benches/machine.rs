//! The machine alone, with the stub's answers made outside the measured part as far as possible.

use core::time::Duration;

use divan::{AllocProfiler, Bencher, counter::ItemsCount};
use kpthin_benches::{Stub, encrypt_write, greeting};
use kpthin_core::{
    Instant,
    machine::{Config, LinkId, Machine, Output},
    testing::Drive,
};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// A machine whose link is up, and the stub at its other end.
struct Bench {
    machine: Machine,
    link: LinkId,
    now: Instant,
    stub: Stub,
    out: Vec<u8>,
    replies: Vec<u8>,
    completed: usize,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::ORIGIN;
        let mut machine = Machine::new(Config::default(), [7; 32], now);
        let Output::Connect(link) = machine.poll_output() else { panic!("a machine connects first") };
        machine.handle_connected(now, link);
        machine.handle_input(now, link, &greeting());
        let (stub, out, replies) = (Stub::new(), Vec::new(), Vec::new());
        let mut bench = Self { machine, link, now, stub, out, replies, completed: 0 };
        // The handshake, then enough rounds for the window to open.
        for _ in 0..300 {
            bench.round(256);
        }
        bench
    }

    /// Starts `calls` and takes their results.
    fn round(&mut self, calls: usize) -> usize {
        self.now = self.now + Duration::from_micros(10);
        for _ in 0..calls {
            let _call = self.machine.start(self.now, encrypt_write(), None);
        }
        self.completed = 0;
        let _wake_at = self.drain();
        self.completed
    }
}

/// The stub answers whatever is written, at once.
impl Drive for Bench {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn act(&mut self, output: Output) {
        if let Output::Completed(_, result) = output {
            self.completed += usize::from(result.is_ok());
        }
    }

    fn transmit(&mut self) -> bool {
        self.machine.poll_transmit(self.now, self.link, &mut self.out);
        if self.out.is_empty() {
            return false;
        }
        let _calls = self.stub.answer(&mut self.out, &mut self.replies);
        self.machine.handle_input(self.now, self.link, &self.replies);
        self.replies.clear();
        true
    }
}

#[divan::bench(args = [1, 256])]
fn encrypt_write_calls(bencher: Bencher<'_, '_>, callers: usize) {
    let mut bench = Bench::new();
    assert_eq!(bench.round(callers), callers);
    bencher.counter(ItemsCount::new(callers)).bench_local(|| bench.round(callers));
}
