//! The file itself: found or made, kept from others, replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::format::{HEADER_LEN, Refusal, header, read_header};
use crate::server::StartError;

/// How often a file may be replaced under our eyes before that is told.
const TRIES: usize = 16;

/// A file that nobody else has.
pub(super) struct Held {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

/// Opens the file and keeps it from others, or makes it with this seed.
pub(super) fn hold(path: &Path, seed: [u8; 32]) -> Result<Held, StartError> {
    let path = resolve(path)?;
    for _ in 0..TRIES {
        let held = if is_there(&path)? { open(&path)? } else { make(&path, seed)? };
        if let Some(file) = held {
            return Ok(Held { path, file });
        }
    }
    Err(StartError::store(&path, &"is replaced by somebody else again and again"))
}

/// The seed of the network that a file belongs to, if it is there; it may be in use.
pub(super) fn seed(path: &Path) -> Result<Option<[u8; 32]>, StartError> {
    let path = resolve(path)?;
    if !is_there(&path)? {
        return Ok(None);
    }
    let mut file = File::open(&path).map_err(|error| refused(&path, &error))?;
    read_seed(&mut file, &path).map(Some)
}

pub(super) fn read_seed(file: &mut File, path: &Path) -> Result<[u8; 32], StartError> {
    let mut bytes = Vec::new();
    let read = file.take(HEADER_LEN as u64).read_to_end(&mut bytes);
    let _ = read.map_err(|error| refused(path, &error))?;
    read_header(&bytes).map_err(|refusal| StartError::store(path, &refusal))
}

/// Puts a new file in the place of the one at this path; `fill` writes what is in it.
///
/// It is made beside it and complete on the disk before it gets its name: whoever is killed in between leaves the old file, or
/// none. Nothing happens, and nothing is returned, if `fill` wants it so or somebody else did the same in this moment.
pub(super) fn replace(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<Filled, StartError>,
) -> Result<Option<File>, StartError> {
    let beside = beside(path);
    // Not emptied before it is known that nobody else is writing it.
    let file = open_to_write(OpenOptions::new().create(true), &beside);
    let mut file = file.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => match path.parent() {
            Some(folder) => StartError::store(path, &format!("there is no folder {}", folder.display())),
            None => refused(path, &error),
        },
        _ => refused(&beside, &error),
    })?;
    lock(&file, path)?;
    if !is_still(&file, &beside) {
        return Ok(None);
    }
    let write = || {
        file.set_len(0).map_err(|error| refused(&beside, &error))?;
        if fill(&mut file)? == Filled::Unwanted {
            return Ok(Filled::Unwanted);
        }
        file.sync_all().map_err(|error| refused(&beside, &error))?;
        fs::rename(&beside, path).map_err(|error| refused(path, &error))?;
        sync_folder(path).map_err(|error| refused(path, &error))?;
        Ok(Filled::Complete)
    };
    let written = write();
    if is_still(&file, &beside) {
        // What has failed is told; that this fails, too, would add nothing.
        drop(fs::remove_file(&beside));
    }
    Ok((written? == Filled::Complete).then_some(file))
}

/// What became of a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Complete,
    Unwanted,
}

/// Why the operating system refuses, in words that say what to do.
pub(super) fn refused(path: &Path, error: &io::Error) -> StartError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => StartError::store(
            path,
            &"permission denied; the file has to be readable and writable, and so has its folder",
        ),
        io::ErrorKind::ReadOnlyFilesystem => {
            StartError::store(path, &"lies on a read-only file system; choose another place")
        }
        _ => StartError::store(path, error),
    }
}

/// Where a new file is made before it gets its name.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// An absolute path that is no link, so that the file can be replaced.
fn resolve(path: &Path) -> Result<PathBuf, StartError> {
    let absolute = std::path::absolute(path).map_err(|error| refused(path, &error))?;
    match fs::symlink_metadata(&absolute) {
        Ok(found) if found.is_symlink() => fs::canonicalize(&absolute).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StartError::store(path, &"is a link to something that is not there"),
            _ => refused(path, &error),
        }),
        _ => Ok(absolute),
    }
}

/// Whether there is a file; something else is refused, as opening a pipe would wait.
fn is_there(path: &Path) -> Result<bool, StartError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(StartError::store(path, &"is a folder, not a file")),
        Ok(found) if !found.is_file() => Err(StartError::store(path, &"is not a regular file")),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(refused(path, &error)),
    }
}

/// Opens a file that is there, unless it has been replaced meanwhile.
fn open(path: &Path) -> Result<Option<File>, StartError> {
    let file = match open_to_write(&mut OpenOptions::new(), path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(path, &error)),
    };
    lock(&file, path)?;
    if !is_still(&file, path) {
        return Ok(None);
    }
    // Whoever made it was killed. Nobody else makes one while the lock is ours.
    drop(fs::remove_file(beside(path)));
    Ok(Some(file))
}

/// Makes a file, unless somebody else has been faster.
fn make(path: &Path, seed: [u8; 32]) -> Result<Option<File>, StartError> {
    replace(path, |file| {
        // The lock on the file beside it is ours: if there is none now, nobody else makes one.
        if is_there(path)? {
            return Ok(Filled::Unwanted);
        }
        file.write_all(&header(seed)).map_err(|error| refused(path, &error))?;
        Ok(Filled::Complete)
    })
}

fn open_to_write(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    let options = std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.read(true).write(true).open(path)
}

/// Keeps a file from other processes, and from others in this one, until it is closed.
#[cfg(unix)]
fn lock(file: &File, path: &Path) -> Result<(), StartError> {
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StartError::store(
            path,
            &"is in use by another process, or another server in this one; stop it, or choose another file",
        )),
        Err(error) => Err(StartError::store(path, &format!("can't be locked: {}", io::Error::from(error)))),
    }
}

/// Elsewhere two processes are not kept apart.
#[cfg(not(unix))]
fn lock(_: &File, _: &Path) -> Result<(), StartError> {
    Ok(())
}

/// Whether the path still leads to this file.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let (ours, found) = (file.metadata(), fs::metadata(path));
    matches!((ours, found), (Ok(ours), Ok(found)) if (ours.dev(), ours.ino()) == (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Puts the name on the disk, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// A refusal of the file at this path.
pub(super) fn refusal(path: &Path, refusal: &Refusal) -> StartError {
    StartError::store(path, refusal)
}
