//! A daemon, its clients and the program in one thread, on a clock that jumps.

mod tasks;
mod time;

use std::{fmt, future::Future, pin::pin, sync::Arc, task::Context, time::Duration};

use kpthin_client::{Config, Connecting, Instant};
use kpthin_devnet::{DevnetConfig, Server};

pub use self::time::Sleep;
use self::{
    tasks::{Flag, Tasks},
    time::Time,
};
use super::in_process;

/// How much simulated time one [`block_on`](Simulation::block_on) may take.
const PATIENCE: Duration = Duration::from_secs(100 * 24 * 60 * 60);

/// A devnet and the clients connected to it, on virtual time: for tests of programs.
///
/// Whenever nothing is left to do at this moment, the clock jumps to the moment when something
/// happens next. Days pass in milliseconds, nothing depends on how fast the machine is, and what
/// happens happens in the same order every time.
///
/// Everything runs in [`block_on`](Self::block_on), on one thread. Code that waits for a thread or
/// for the wall clock does not belong there: [`Call::wait`](kpthin_client::Call::wait) is refused,
/// and a pause is [`sleep`](Self::sleep) or [`Client::pause`](kpthin_client::Client::pause).
///
/// # Examples
///
/// A test in virtual time. A network that works like the reference takes seconds for each step, and
/// this takes none:
///
/// ```
/// use kpthin::{Client, CallError, Read, devnet::{DevnetConfig, Simulation}};
///
/// /// The application: leaves a note for itself.
/// async fn note(client: &Client, text: &str) -> Result<Read, CallError> {
///     let stream = client.create_stream().await?;
///     client.write(&stream.write_cap, &stream.first_message_index, text).await?;
///     client.read(&stream.read_cap, &stream.first_message_index).await
/// }
///
/// let sim = Simulation::new(DevnetConfig::reference(), [7; 32]);
/// let client = sim.block_on(sim.connect())?;
/// let read = sim.block_on(note(&client, "milk"))?;
/// assert!(matches!(read, Read::Message { plaintext, .. } if plaintext[..] == *b"milk"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Simulation {
    net: Arc<Server>,
    time: Time,
    tasks: Tasks,
}

impl Simulation {
    /// A devnet, and no clients yet.
    #[must_use]
    pub fn new(config: DevnetConfig, seed: [u8; 32]) -> Self {
        let net = Arc::new(Server::with_manual_clock(config, seed));
        Self { time: Time::new(net.clone()), net, tasks: Tasks::default() }
    }

    /// The devnet: restart it, take the mix network away, look into its boxes.
    #[must_use]
    pub fn net(&self) -> &Server {
        &self.net
    }

    /// The devnet, for a [spawned](Self::spawn) task or a connector that has to own it.
    #[must_use]
    pub fn handle(&self) -> Arc<Server> {
        self.net.clone()
    }

    /// Begins to connect a client to the devnet.
    pub fn connect(&self) -> Connecting {
        self.connect_with(in_process(&self.net))
    }

    /// Begins to connect a client in a way of the program's own, for example through a
    /// [connector](Config::connector) that fails; endpoints outside of the simulation can't be
    /// dialled.
    pub fn connect_with(&self, config: impl Into<Config>) -> Connecting {
        let (connecting, driver) = kpthin_client::connect(self.time.clone(), config);
        self.spawn(async move {
            let _ = driver.await;
        });
        connecting
    }

    /// Runs a future beside the others, for as long as some [`block_on`](Self::block_on) runs.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.tasks.spawn(Box::pin(future));
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.net.now()
    }

    /// Pauses for a time on the simulated clock.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.time.sleep(self.now() + duration)
    }

    /// Runs a future to its end, and everything else meanwhile.
    ///
    /// # Panics
    ///
    /// If the future can never end, or has not after a hundred simulated days: a test would
    /// hang. Also within itself.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let (flag, waker) = Flag::new();
        let until = self.now() + PATIENCE;
        loop {
            loop {
                if flag.take()
                    && let std::task::Poll::Ready(output) =
                        future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    return output;
                }
                if !self.tasks.poll() && !flag.is_set() {
                    break;
                }
            }
            match self.time.next() {
                Some(at) if at <= until => self.time.advance_to(at),
                Some(_) => {
                    panic!("the future has not ended after {} simulated days", PATIENCE.as_secs() / 86_400)
                }
                None => panic!("the future waits for something that can never happen"),
            }
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("now", &self.now()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn sim() -> Simulation {
        Simulation::new(DevnetConfig::instant(), [1; 32])
    }

    #[test]
    fn time_passes_in_steps_of_what_happens() {
        let sim = sim();
        let before = std::time::Instant::now();
        sim.block_on(sim.sleep(Duration::from_secs(24 * 60 * 60)));
        assert_eq!(sim.now().since_origin(), Duration::from_secs(24 * 60 * 60));
        assert!(before.elapsed() < Duration::from_secs(60 * 60));
    }

    #[test]
    fn what_is_spawned_runs_beside() {
        let sim = sim();
        let (done, waker) = Flag::new();
        assert!(done.take());
        let pause = sim.sleep(Duration::from_secs(5));
        sim.spawn(async move {
            pause.await;
            waker.wake();
        });
        sim.block_on(sim.sleep(Duration::from_secs(4)));
        assert!(!done.is_set());
        sim.block_on(sim.sleep(Duration::from_secs(2)));
        assert!(done.is_set());
    }

    #[test]
    #[should_panic(expected = "100 simulated days")]
    fn a_future_that_never_ends_is_found_out() {
        let mut config = DevnetConfig::instant();
        config.epoch_period = Duration::from_secs(60 * 24 * 60 * 60);
        Simulation::new(config, [1; 32]).block_on(pending::<()>());
    }

    #[test]
    fn a_client_is_refused_to_block_the_only_thread() {
        let sim = sim();
        let client = sim.block_on(sim.connect()).unwrap();
        assert_eq!(client.wait_until_ready().wait(), Err(kpthin_client::WaitError::WouldBlock));
    }

    #[test]
    fn other_endpoints_are_not_dialled() {
        let sim = sim();
        let error = sim.block_on(sim.connect_with(Config::tcp("localhost:1"))).unwrap_err();
        assert!(matches!(error, kpthin_client::ConnectError::Dial { .. }), "{error}");
    }
}
