//! Sockets: TCP everywhere, Unix sockets where there are any.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use async_net::{TcpStream, resolve};
use futures_io::{AsyncRead, AsyncWrite};
use kpthin_client::{Duplex, Endpoint, connect_any};

/// Any stream of the ecosystem around `futures-io` as the client wants it, for
/// [`Config::connector`].
///
/// Written bytes must reach the peer without a flush. Closing it should end the writing half, as
/// smol's own streams do; async-std's only flush, and an ended link then lingers for some seconds.
///
/// [`Config::connector`]: kpthin_client::Config::connector
///
/// # Examples
///
/// ```
/// use kpthin_client::Config;
/// use kpthin_smol::Socket;
/// use smol::net::TcpStream;
///
/// let config = Config::connector(|| async { TcpStream::connect("localhost:64331").await.map(Socket) });
/// # let _ = config;
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "it wraps one thing and stays so")]
pub struct Socket<T>(
    /// The stream.
    pub T,
);

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Duplex for Socket<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

pub(crate) async fn dial(endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
    match endpoint {
        Endpoint::Tcp { address, family } => {
            let addresses = resolve(address.as_str()).await?;
            let stream = connect_any(addresses, *family, TcpStream::connect).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Socket(stream)))
        }
        #[cfg(unix)]
        Endpoint::Unix(path) => Ok(Box::new(Socket(async_net::unix::UnixStream::connect(path).await?))),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Endpoint::Abstract(name) => {
            // The leading NUL makes it a name that is no path.
            let stream = async_net::unix::UnixStream::connect(format!("\0{name}")).await?;
            Ok(Box::new(Socket(stream)))
        }
        other => Err(other.unsupported()),
    }
}
