//! Sockets: TCP everywhere, Unix sockets where there are any.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use kpthin_client::{Duplex, Endpoint, connect_any};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
};

/// Any stream of tokio's as the client wants it, for [`Config::connector`].
///
/// Written bytes must reach the peer without a flush.
///
/// [`Config::connector`]: kpthin_client::Config::connector
///
/// # Examples
///
/// ```
/// use kpthin_client::Config;
/// use kpthin_tokio::Socket;
/// use tokio::net::TcpStream;
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
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

pub(crate) async fn dial(endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
    match endpoint {
        Endpoint::Tcp { address, family } => {
            let addresses = lookup_host(address).await?;
            let stream = connect_any(addresses, *family, TcpStream::connect).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Socket(stream)))
        }
        #[cfg(unix)]
        Endpoint::Unix(path) => Ok(Box::new(Socket(tokio::net::UnixStream::connect(path).await?))),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Endpoint::Abstract(name) => {
            // The leading NUL makes it a name that is no path.
            let stream = tokio::net::UnixStream::connect(format!("\0{name}")).await?;
            Ok(Box::new(Socket(stream)))
        }
        other => Err(other.unsupported()),
    }
}
