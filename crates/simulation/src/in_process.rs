//! How a client reaches a devnet without a socket.

use std::{
    fmt, io,
    sync::Arc,
    task::{Context, Poll},
};

use kpthin_client::{Config, Duplex};
use kpthin_devnet::{Pipe, Server};

/// A connection within the process: no port, no path.
///
/// It works on every runtime, with a devnet on either clock. The client does not keep the devnet
/// running: once it is dropped, dialling is refused.
pub fn in_process(net: &Arc<Server>) -> Config {
    let net = Arc::downgrade(net);
    Config::connector(move || {
        let link = net.upgrade().map(|net| InProcess::connect(&net));
        async { link.ok_or_else(|| io::ErrorKind::ConnectionRefused.into()) }
    })
}

/// The client's end of a connection within the process: for a [connector](Config::connector) of a
/// program's own, which may refuse it, delay it, or look at what passes.
///
/// # Examples
///
/// The first three connections are refused:
///
/// ```
/// use std::{io, sync::atomic::{AtomicU32, Ordering}};
///
/// use kpthin_client::{Config, FirstConnect};
/// use kpthin_devnet::DevnetConfig;
/// use kpthin_simulation::{InProcess, Simulation};
///
/// let sim = Simulation::new(DevnetConfig::instant(), [7; 32]);
/// let (net, dials) = (sim.handle(), AtomicU32::new(0));
/// let config = Config::connector(move || {
///     let refused = dials.fetch_add(1, Ordering::Relaxed) < 3;
///     let link = InProcess::connect(&net);
///     async move { if refused { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok(link) } }
/// });
/// let client = sim.block_on(sim.connect_with(config.first_connect(FirstConnect::KeepTrying)))?;
/// sim.block_on(client.wait_until_ready())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct InProcess(Pipe);

impl InProcess {
    /// Connects to a devnet.
    #[must_use]
    pub fn connect(net: &Server) -> Self {
        Self(net.connect_in_process())
    }
}

impl Duplex for InProcess {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InProcess").field(&self.0).finish()
    }
}
