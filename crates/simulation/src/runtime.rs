//! What a client gets from a simulation in place of the operating system.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use blake2::{Blake2b512, Digest};
use kpthin_client::{Duplex, Endpoint, Instant, Runtime};

use crate::time::Time;

/// The runtime of one client: the simulated clock, and random numbers of its own.
pub(crate) struct Simulated {
    time: Time,
    draws: Draws,
}

impl Simulated {
    /// The runtime of the client with that number.
    pub(crate) const fn new(time: Time, seed: [u8; 32], client: u64) -> Self {
        Self { time, draws: Draws { seed, client, drawn: AtomicU64::new(0) } }
    }
}

impl Runtime for Simulated {
    fn now(&self) -> Instant {
        self.time.now()
    }

    async fn dial(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("{endpoint} is outside of the simulation")))
    }

    async fn sleep_until(&self, at: Instant) {
        self.time.sleep(at).await;
    }

    /// Whoever blocks the one thread there is waits for ever.
    fn on_worker(&self) -> bool {
        true
    }

    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.draws.fill(bytes);
        Ok(())
    }
}

/// Numbers that look random and follow from a seed: BLAKE2b of the seed, the client and a counter.
///
/// Each client has its own, so that what one draws changes nothing for the others.
struct Draws {
    seed: [u8; 32],
    client: u64,
    drawn: AtomicU64,
}

impl Draws {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(64) {
            let hasher = Blake2b512::new()
                .chain_update(b"kpthin simulation client")
                .chain_update(self.seed)
                .chain_update(self.client.to_be_bytes())
                .chain_update(self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.iter_mut().zip(hasher.finalize()).for_each(|(byte, drawn)| *byte = drawn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_client_give_the_same_numbers_and_never_twice_the_same() {
        let draw = |seed: u8, client: u64| {
            let draws = Draws { seed: [seed; 32], client, drawn: AtomicU64::new(0) };
            let mut bytes = [[0; 100]; 2];
            bytes.iter_mut().for_each(|bytes| draws.fill(bytes));
            bytes
        };
        assert_eq!(draw(1, 1), draw(1, 1));
        let [first, second] = draw(1, 1);
        assert_ne!(first, second);
        assert_ne!(first[..32], first[64..96]);
        assert_ne!(draw(1, 1), draw(1, 2));
        assert_ne!(draw(1, 1), draw(2, 1));
    }
}
