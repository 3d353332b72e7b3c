//! The threads that accept connections.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::StartError;
use super::shared::Shared;
use super::socket::{Stream, serve};

/// How long a listener is knocked at to make it notice that the server stops.
const KNOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Somewhere the server listens, and how to make that end.
pub(super) enum Listening {
    #[cfg(target_os = "linux")]
    Abstract(std::os::unix::net::SocketAddr),
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(SocketFile),
}

impl Listening {
    /// Wakes the accepting thread, which then sees that the server has stopped.
    pub(super) fn end(self) {
        // A thread that is not woken so has ended already.
        match self {
            #[cfg(target_os = "linux")]
            Self::Abstract(address) => drop(std::os::unix::net::UnixStream::connect_addr(&address)),
            Self::Tcp(address) => drop(TcpStream::connect_timeout(&address, KNOCK_TIMEOUT)),
            #[cfg(unix)]
            Self::Unix(file) => file.end(),
        }
    }
}

/// A socket in the file system, by its path and by what makes it this one and no other.
#[cfg(unix)]
pub(super) struct SocketFile {
    path: PathBuf,
    device_and_inode: (u64, u64),
    /// The same socket again: shutting it down wakes who accepts, also when the path leads there no more.
    handle: std::os::unix::net::UnixStream,
}

#[cfg(unix)]
impl SocketFile {
    fn new(path: &Path, listener: &std::os::unix::net::UnixListener) -> io::Result<Self> {
        let handle = std::os::fd::OwnedFd::from(listener.try_clone()?);
        Ok(Self { path: path.to_owned(), device_and_inode: device_and_inode(path)?, handle: handle.into() })
    }

    fn is_there(&self) -> bool {
        device_and_inode(&self.path).is_ok_and(|found| found == self.device_and_inode)
    }

    fn end(self) {
        let woken = self.handle.shutdown(std::net::Shutdown::Both).is_ok();
        if self.is_there() {
            if !woken {
                drop(std::os::unix::net::UnixStream::connect(&self.path));
            }
            drop(std::fs::remove_file(&self.path));
        }
    }
}

#[cfg(unix)]
fn device_and_inode(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    std::fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

fn accept_on(
    shared: &Arc<Shared>,
    mut accept: impl FnMut() -> io::Result<Stream> + Send + 'static,
) -> Result<(), StartError> {
    shared.spawn("listener", move |shared| {
        loop {
            let accepted = accept();
            if shared.lock().stopped {
                return;
            }
            match accepted {
                Ok(stream) => serve(shared, stream),
                Err(_) => {
                    if shared.pause() {
                        return;
                    }
                }
            }
        }
    })
}

pub(super) fn tcp(shared: &Arc<Shared>, address: SocketAddr) -> Result<(Listening, SocketAddr), StartError> {
    let listener = TcpListener::bind(address).map_err(StartError::io("listen on the address"))?;
    let address = listener.local_addr().map_err(StartError::io("learn the address"))?;
    accept_on(shared, move || {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        Ok(Stream::Tcp(stream))
    })?;
    let mut knock = address;
    if knock.ip().is_unspecified() {
        knock.set_ip(match knock {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok((Listening::Tcp(knock), address))
}

#[cfg(unix)]
pub(super) fn unix(shared: &Arc<Shared>, path: &Path) -> Result<Listening, StartError> {
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::net::{UnixListener, UnixStream};

    if let Ok(found) = std::fs::symlink_metadata(path) {
        // Refused means that nobody listens; whatever else goes wrong, somebody may.
        let stale = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        if !found.file_type().is_socket() || !UnixStream::connect(path).is_err_and(stale) {
            return Err(StartError::PathInUse(path.to_owned()));
        }
        std::fs::remove_file(path).map_err(StartError::io("replace the stale socket"))?;
    }
    let listener = UnixListener::bind(path).map_err(StartError::io("listen on the path"))?;
    keep_to_owner(path, &listener).map_err(StartError::io("keep the socket to its owner"))?;
    let file = SocketFile::new(path, &listener).map_err(StartError::io("learn which socket it is"))?;
    accept_on(shared, move || listener.accept().map(|(stream, _)| Stream::Unix(stream)))?;
    Ok(Listening::Unix(file))
}

/// Lets nobody but the owner connect, and forgets who did before that was said.
#[cfg(unix)]
fn keep_to_owner(path: &Path, listener: &std::os::unix::net::UnixListener) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    while listener.accept().is_ok() {}
    listener.set_nonblocking(false)
}

#[cfg(not(unix))]
pub(super) fn unix(_: &Arc<Shared>, _: &Path) -> Result<Listening, StartError> {
    Err(StartError::Unsupported("Unix sockets"))
}

#[cfg(target_os = "linux")]
pub(super) fn abstract_name(shared: &Arc<Shared>, name: &str) -> Result<Listening, StartError> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    let address = SocketAddr::from_abstract_name(name).map_err(StartError::io("use the name"))?;
    let listener = UnixListener::bind_addr(&address).map_err(StartError::io("listen on the name"))?;
    accept_on(shared, move || listener.accept().map(|(stream, _)| Stream::Unix(stream)))?;
    Ok(Listening::Abstract(address))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn abstract_name(_: &Arc<Shared>, _: &str) -> Result<Listening, StartError> {
    Err(StartError::Unsupported("abstract sockets"))
}
