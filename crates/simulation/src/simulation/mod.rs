//! A daemon, its clients and the program in one thread, on a clock that jumps.

mod run;

use std::{cell::Cell, fmt, future::Future, sync::Arc, time::Duration};

use kpthin_client::{
    Client, CloseReason, Config, ConnectError, Connecting, FirstConnect, Instant, LinkStatus,
};
use kpthin_devnet::{DevnetConfig, Server};

use crate::{
    clients::Clients,
    in_process,
    runtime::Simulated,
    stalled::Stalled,
    tasks::Tasks,
    time::{Sleep, Time},
};

/// A devnet and the clients connected to it, on virtual time: for tests of programs.
///
/// Whenever nothing is left to do at this moment, the clock jumps to the moment when something
/// happens next. Days pass in milliseconds, nothing depends on how fast the machine is, and the same
/// seed lets the same things happen in the same order, byte by byte: the devnet and everything random
/// in the clients follow from it. What the program itself draws or measures is its own.
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
/// use kpthin_client::{CallError, Client, Read};
/// use kpthin_devnet::DevnetConfig;
/// use kpthin_simulation::Simulation;
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
    seed: [u8; 32],
    time: Time,
    tasks: Tasks,
    clients: Clients,
    patience: Cell<Duration>,
    running: Cell<bool>,
}

impl Simulation {
    /// The [patience](Self::set_patience) of a new simulation: a day.
    ///
    /// The longest that a client waits by itself is minutes, and the rarest thing that a devnet does is
    /// to begin an epoch, so what has not come after a day does not come.
    pub const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

    /// A devnet, and no clients yet.
    #[must_use]
    pub fn new(config: DevnetConfig, seed: [u8; 32]) -> Self {
        let net = Arc::new(Server::with_manual_clock(config, seed));
        Self {
            time: Time::new(net.clone()),
            net,
            seed,
            tasks: Tasks::default(),
            clients: Clients::default(),
            patience: Cell::new(Self::PATIENCE),
            running: Cell::new(false),
        }
    }

    /// Sets how much simulated time one [`block_on`](Self::block_on) may take from now on;
    /// [`PATIENCE`](Self::PATIENCE) unless said otherwise.
    ///
    /// [`Duration::MAX`] never gives up, unless nothing can happen any more.
    pub fn set_patience(&self, patience: Duration) {
        self.patience.set(patience);
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

    /// Begins to connect a client to the devnet, and does not give up.
    ///
    /// It ends with the client as soon as there is a link to the daemon: a daemon that is down, connections
    /// that are cut and frames that make no sense are met as a client meets them later, by dialling again
    /// after a pause of a quarter of a second to a minute. Whether the daemon reaches the mix network is
    /// another matter: [`wait_until_ready`](Client::wait_until_ready) waits for that. To see a connection
    /// fail use [`connect_with`](Self::connect_with).
    ///
    /// # Errors
    ///
    /// None that can happen in a simulation; the type is that of connecting everywhere.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives the connection up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use kpthin_devnet::DevnetConfig;
    /// use kpthin_simulation::{Simulation, in_process};
    ///
    /// let sim = Simulation::new(DevnetConfig::reference(), [7; 32]);
    /// sim.net().shutdown();
    /// let error = sim.block_on(sim.connect_with(in_process(&sim.handle()))).unwrap_err();
    /// println!("{error}");
    ///
    /// let (net, pause) = (sim.handle(), sim.sleep(Duration::from_secs(3_600)));
    /// sim.spawn(async move {
    ///     pause.await;
    ///     net.restart();
    /// });
    /// let client = sim.block_on(sim.connect())?;
    /// assert!(client.status().instance.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(&self) -> impl Future<Output = Result<Client, ConnectError>> + use<> {
        let config = in_process(&self.net).first_connect(FirstConnect::KeepTrying);
        let connecting = self.connect_with(config);
        async move {
            let client = connecting.await?;
            loop {
                let changed = client.status_changed();
                match client.status().link {
                    LinkStatus::Up => return Ok(client),
                    LinkStatus::Closed => return Err(ConnectError::Closed(CloseReason::Stopped)),
                    _ => drop(changed.await),
                }
            }
        }
    }

    /// Begins to connect a client in a way of the program's own: with the step that failed as an error at
    /// once, which is what a [`Config`] says unless told otherwise, or through a
    /// [connector](Config::connector) that fails. Endpoints outside of the simulation can't be
    /// dialled.
    pub fn connect_with(&self, config: impl Into<Config>) -> Connecting {
        let runtime = Simulated::new(self.time.clone(), self.seed, self.clients.next());
        let (connecting, driver) = kpthin_client::connect(runtime, config);
        self.spawn(self.clients.add(driver));
        connecting
    }

    /// Runs a future beside the others, for as long as some [`block_on`](Self::block_on) runs.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.tasks.spawn(Box::pin(future));
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.time.now()
    }

    /// Pauses for a time on the simulated clock.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.time.sleep(self.now() + duration)
    }

    /// Lets time pass, however much, and everything happen that happens meanwhile.
    ///
    /// # Panics
    ///
    /// As [`block_on`](Self::block_on), but never for want of patience.
    #[track_caller]
    pub fn advance(&self, duration: Duration) {
        if let Err(stalled) = self.run(self.sleep(duration), Duration::MAX) {
            panic!("{stalled}");
        }
    }

    /// Runs a future to its end, and everything else meanwhile.
    ///
    /// # Panics
    ///
    /// If the future can never end, or has not after the simulation's
    /// [patience](Self::set_patience), a day unless said otherwise: a test would hang. The message is that
    /// of [`Stalled`]. Also within itself.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.try_block_on(future) {
            Ok(output) => output,
            Err(stalled) => panic!("{stalled}"),
        }
    }

    /// Runs a future to its end, and everything else meanwhile, or tells why it does not end.
    ///
    /// A future that is passed by reference is still there after an error, and can be run again.
    ///
    /// # Errors
    ///
    /// Where [`block_on`](Self::block_on) panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{pin::pin, time::Duration};
    ///
    /// use kpthin_devnet::DevnetConfig;
    /// use kpthin_simulation::{Simulation, StallCause};
    ///
    /// let sim = Simulation::new(DevnetConfig::instant(), [7; 32]);
    /// let client = sim.block_on(sim.connect())?;
    /// let stream = sim.block_on(client.create_stream())?;
    ///
    /// // No write ends while the mix network is away.
    /// sim.net().set_mixnet(false);
    /// sim.set_patience(Duration::from_secs(60));
    /// let mut write = pin!(client.write(&stream.write_cap, &stream.first_message_index, "milk"));
    /// let stalled = sim.try_block_on(&mut write).unwrap_err();
    /// assert_eq!(stalled.cause, StallCause::Patience);
    /// assert!(stalled.to_string().contains("mix network away"));
    ///
    /// sim.net().set_mixnet(true);
    /// sim.block_on(write)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_block_on<F: Future>(&self, future: F) -> Result<F::Output, Stalled> {
        self.run(future, self.patience.get())
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("now", &self.now()).finish_non_exhaustive()
    }
}
