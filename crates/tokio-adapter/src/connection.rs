//! Sockets: TCP everywhere, Unix sockets where there are any.

#[cfg(any(target_os = "linux", target_os = "android"))]
use std::ffi::OsString;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use kpthin_client::{Duplex, Endpoint, Family};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
};

/// A socket of the daemon's.
#[derive(Debug)]
pub struct Connection(Socket);

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Connection {
    pub(crate) async fn dial(endpoint: &Endpoint) -> io::Result<Self> {
        match endpoint {
            Endpoint::Tcp { address, family } => dial_tcp(address, *family).await,
            #[cfg(unix)]
            Endpoint::Unix(path) => Ok(Self(Socket::Unix(UnixStream::connect(path).await?))),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Endpoint::Abstract(name) => {
                // The leading NUL makes it a name that is no path.
                let path = OsString::from(format!("\0{name}"));
                Ok(Self(Socket::Unix(UnixStream::connect(path).await?)))
            }
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("{endpoint} can't be dialled on this platform"),
            )),
        }
    }
}

/// Tries what the name stands for, one address after the other.
async fn dial_tcp(address: &str, family: Family) -> io::Result<Connection> {
    let wanted = |address: &SocketAddr| match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address of that family");
    for address in lookup_host(address).await?.filter(wanted) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(Connection(Socket::Tcp(stream)));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

macro_rules! each {
    ($connection:expr, $socket:ident => $then:expr) => {
        match &mut $connection.0 {
            Socket::Tcp($socket) => $then,
            #[cfg(unix)]
            Socket::Unix($socket) => $then,
        }
    };
}

impl Duplex for Connection {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(each!(self, socket => Pin::new(socket).poll_read(cx, &mut buffer)))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, socket => Pin::new(socket).poll_write(cx, bytes))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, socket => Pin::new(socket).poll_shutdown(cx))
    }
}
