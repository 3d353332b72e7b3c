//! A Unix socket in the file system: bound, kept to its owner, removed.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::{Address, StartError};

/// A socket in the file system, by its path and by what makes it this one and no other.
pub(super) struct SocketFile {
    path: PathBuf,
    device_and_inode: (u64, u64),
}

impl SocketFile {
    /// Binds a socket to a path, in the place of one that nobody listens on any more.
    pub(super) fn bind(path: &Path) -> Result<(UnixListener, Self), StartError> {
        let refused = || StartError::listen(Address::Unix(path.to_owned()));
        if let Ok(found) = fs::symlink_metadata(path) {
            // Refused means that nobody listens; whatever else happens, somebody may.
            let is_stale =
                || try_connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
            if !found.file_type().is_socket() || !is_stale() {
                return Err(StartError::PathInUse(path.to_owned()));
            }
            fs::remove_file(path).map_err(refused())?;
        }
        let listener = UnixListener::bind(path).map_err(refused())?;
        let keep = || {
            keep_to_owner(path, &listener)?;
            // The process may change its folder before the end.
            Ok(Self { path: std::path::absolute(path)?, device_and_inode: device_and_inode(path)? })
        };
        let file = keep().map_err(refused())?;
        Ok((listener, file))
    }

    pub(super) fn is_there(&self) -> bool {
        device_and_inode(&self.path).is_ok_and(|found| found == self.device_and_inode)
    }

    /// Removes it, unless something else has taken its place.
    pub(super) fn remove(&self) {
        if self.is_there() {
            // It is not there any more, or the folder can't be written any more.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Connects without waiting: where nobody accepts, a full queue would keep us for ever.
pub(super) fn try_connect(path: &Path) -> io::Result<()> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(rustix::net::connect(&socket, &address)?)
}

fn device_and_inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// Lets nobody but the owner connect, and forgets who did before that was said.
fn keep_to_owner(path: &Path, listener: &UnixListener) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    while listener.accept().is_ok() {}
    listener.set_nonblocking(false)
}
