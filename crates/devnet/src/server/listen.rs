//! The threads that accept connections.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(not(target_os = "linux"))]
use std::time::Duration;

use super::shared::Shared;
use super::socket::{Stream, serve};
use super::{Address, ServerEvent, StartError};

/// How often a port is looked for that is free on two addresses.
const PORT_TRIES: usize = 16;
/// How long a listener is knocked at to make it notice that the server stops.
#[cfg(not(target_os = "linux"))]
const KNOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest path of a Unix socket, or name of an abstract one, in bytes.
#[cfg(unix)]
const NAME_LEN_MAX: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

/// Somewhere the server listens; dropping it wakes the accepting thread, which then sees that the server has stopped.
pub(super) struct Listening {
    /// The same socket again: shutting it down wakes who accepts, also when its path leads there no more and when no
    /// further socket is to be had to knock with.
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
    #[cfg(not(target_os = "linux"))]
    address: Address,
    #[cfg(unix)]
    file: Option<super::socket_file::SocketFile>,
}

impl Listening {
    #[cfg_attr(
        target_os = "linux",
        expect(unused_variables, reason = "where a listener can't be shut down it is knocked at")
    )]
    fn on_tcp(listener: &TcpListener, address: &Address) -> Result<Self, StartError> {
        Ok(Self {
            #[cfg(unix)]
            handle: handle(listener)?,
            #[cfg(not(target_os = "linux"))]
            address: address.clone(),
            #[cfg(unix)]
            file: None,
        })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A thread that is not woken so has ended already.
        #[cfg(unix)]
        let _ = rustix::net::shutdown(&self.handle, rustix::net::Shutdown::Both);
        // Elsewhere a listening socket can't be shut down.
        #[cfg(not(target_os = "linux"))]
        self.knock();
        #[cfg(unix)]
        if let Some(file) = &self.file {
            file.remove();
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Listening {
    fn knock(&self) {
        match &self.address {
            Address::Tcp(address) => {
                let mut address = *address;
                if address.ip().is_unspecified() {
                    address.set_ip(match address {
                        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                    });
                }
                drop(std::net::TcpStream::connect_timeout(&address, KNOCK_TIMEOUT));
            }
            #[cfg(unix)]
            Address::Unix(path)
                if self.file.as_ref().is_some_and(super::socket_file::SocketFile::is_there) =>
            {
                let _ = super::socket_file::try_connect(path);
            }
            Address::Abstract(_) | Address::Unix(_) => {}
        }
    }
}

/// An address and what listens there.
type Listens = (Address, Listening);

pub(super) fn tcp(shared: &Arc<Shared>, address: SocketAddr) -> Result<Listens, StartError> {
    let listener = TcpListener::bind(address).map_err(StartError::listen(address.into()))?;
    accept_tcp(shared, listener)
}

/// Listens wherever `localhost` leads, on the same port.
pub(super) fn localhost(shared: &Arc<Shared>, port: u16) -> Result<Vec<Listens>, StartError> {
    for _ in 0..PORT_TRIES {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let first = TcpListener::bind(address).map_err(StartError::listen(address.into()))?;
        let got = first.local_addr().map_err(StartError::listen(address.into()))?.port();
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, got));
        let second = match TcpListener::bind(address) {
            Ok(second) => Some(second),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port == 0 => continue,
            // A client that dials the name would find whoever is there.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(StartError::listen(address.into())(error));
            }
            // The machine has no such address.
            Err(_) => None,
        };
        return [first].into_iter().chain(second).map(|listener| accept_tcp(shared, listener)).collect();
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Err(StartError::listen(address.into())(io::ErrorKind::AddrInUse.into()))
}

fn accept_tcp(shared: &Arc<Shared>, listener: TcpListener) -> Result<Listens, StartError> {
    let address = Address::Tcp(listener.local_addr().map_err(StartError::io("learn the address"))?);
    let listening = Listening::on_tcp(&listener, &address)?;
    accept_on(shared, address, listening, move || {
        let (stream, _) = listener.accept()?;
        // Only a connection that has ended refuses it.
        let _ = stream.set_nodelay(true);
        Ok(Stream::Tcp(stream))
    })
}

#[cfg(unix)]
pub(super) fn unix(shared: &Arc<Shared>, path: PathBuf) -> Result<Listens, StartError> {
    use super::socket_file::SocketFile;

    let address = Address::Unix(path);
    let Address::Unix(path) = &address else { return Err(StartError::Unsupported("Unix sockets")) };
    check_len(&address, path.as_os_str().len())?;
    let (listener, file) = SocketFile::bind(path)?;
    let listening = Listening {
        handle: handle(&listener)?,
        #[cfg(not(target_os = "linux"))]
        address: address.clone(),
        file: Some(file),
    };
    accept_on(shared, address, listening, move || listener.accept().map(|(stream, _)| Stream::Unix(stream)))
}

#[cfg(not(unix))]
pub(super) fn unix(_: &Arc<Shared>, _: PathBuf) -> Result<Listens, StartError> {
    Err(StartError::Unsupported("Unix sockets"))
}

#[cfg(target_os = "linux")]
pub(super) fn abstract_name(shared: &Arc<Shared>, name: String) -> Result<Listens, StartError> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    let named = SocketAddr::from_abstract_name(&name);
    let (len, address) = (name.len(), Address::Abstract(name));
    check_len(&address, len)?;
    let listener = named.and_then(|named| UnixListener::bind_addr(&named));
    let listener = listener.map_err(StartError::listen(address.clone()))?;
    let listening = Listening { handle: handle(&listener)?, file: None };
    accept_on(shared, address, listening, move || listener.accept().map(|(stream, _)| Stream::Unix(stream)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn abstract_name(_: &Arc<Shared>, _: String) -> Result<Listens, StartError> {
    Err(StartError::Unsupported("abstract sockets"))
}

#[cfg(unix)]
fn check_len(address: &Address, len: usize) -> Result<(), StartError> {
    if len > NAME_LEN_MAX {
        return Err(StartError::NameTooLong { address: address.clone(), len, len_max: NAME_LEN_MAX });
    }
    Ok(())
}

#[cfg(unix)]
fn handle(listener: &impl std::os::fd::AsFd) -> Result<std::os::fd::OwnedFd, StartError> {
    listener.as_fd().try_clone_to_owned().map_err(StartError::io("keep a handle on the listening socket"))
}

fn accept_on(
    shared: &Arc<Shared>,
    address: Address,
    listening: Listening,
    mut accept: impl FnMut() -> io::Result<Stream> + Send + 'static,
) -> Result<Listens, StartError> {
    let here = address.clone();
    shared.spawn("listener", move |shared| {
        let mut failing = Failing::default();
        loop {
            let accepted = accept();
            if shared.lock().stopped {
                return;
            }
            match accepted {
                Ok(stream) => {
                    failing = Failing::default();
                    serve(shared, stream);
                }
                Err(error) if is_of_one_connection(&error) => {}
                // Such as too many open files. It is told once, and tried again after a pause.
                Err(error) => {
                    let reason = error.to_string();
                    if failing.is_new(&reason) {
                        shared.tell(&ServerEvent::AcceptFailed { address: here.clone(), reason });
                    }
                    if shared.pause() {
                        return;
                    }
                }
            }
        }
    })?;
    Ok((address, listening))
}

/// Why accepting fails at present, if it does.
#[derive(Default)]
struct Failing(Option<String>);

impl Failing {
    /// Whether that was not the reason the last time.
    fn is_new(&mut self, reason: &str) -> bool {
        let is_new = self.0.as_deref() != Some(reason);
        if is_new {
            self.0 = Some(reason.to_owned());
        }
        is_new
    }
}

/// Whether the failure is over with the connection that had it.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_once_until_it_is_another() {
        let mut failing = Failing::default();
        let told = ["no files", "no files", "no memory", "no memory", "no files"]
            .map(|reason| failing.is_new(reason));
        assert_eq!(told, [true, false, true, false, true]);
    }

    #[test]
    fn whoever_can_accept_nobody_tells_it_once_and_pauses_between_tries() {
        use std::sync::mpsc;

        use super::super::shared::ACCEPT_PAUSE;
        use crate::{DevnetConfig, Server};

        let (tell, told) = mpsc::channel();
        let builder = Server::builder(DevnetConfig::instant(), [1; 32]);
        let mut net = builder.on_event(move |event| tell.send(event.clone()).unwrap()).start().unwrap();
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = Address::from(socket.local_addr().unwrap());
        let listening = Listening::on_tcp(&socket, &address).unwrap();
        let (tried, tries) = mpsc::channel();
        let accept = move || {
            let _ = tried.send(std::time::Instant::now());
            Err(io::ErrorKind::OutOfMemory.into())
        };
        let (address, listening) = accept_on(&net.shared, address, listening, accept).unwrap();
        net.listening.push(listening);
        let times: Vec<_> = tries.iter().take(4).collect();
        // One of them may have been woken early.
        assert!(times[3].duration_since(times[0]) >= ACCEPT_PAUSE * 2, "{times:?}");
        drop(net);
        let reason = io::Error::from(io::ErrorKind::OutOfMemory).to_string();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [ServerEvent::AcceptFailed { address, reason }]);
    }

    #[test]
    fn only_what_befell_one_connection_goes_without_a_word() {
        assert!(is_of_one_connection(&io::ErrorKind::ConnectionAborted.into()));
        #[cfg(target_os = "linux")]
        assert!(
            !is_of_one_connection(&rustix::io::Errno::MFILE.into()),
            "it would be tried again without a pause"
        );
    }
}
