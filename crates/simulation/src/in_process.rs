//! How a client reaches a devnet without a socket.

use std::{
    io,
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
        let end = net.upgrade().map(|net| End(net.connect_in_process()));
        async { end.ok_or_else(|| io::ErrorKind::ConnectionRefused.into()) }
    })
}

/// The client's end of a pipe.
struct End(Pipe);

impl Duplex for End {
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
