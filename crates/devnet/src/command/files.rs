//! The files that the command writes: whole, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use kpthin_devnet::Address;

/// Writes a file that appears complete in the place of another.
///
/// What is there and no file, such as a terminal, is written to as it is.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let write = || {
        // A link stays a link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return fs::write(&path, bytes);
        }
        let beside = beside(&path);
        let written = make(&beside, bytes).and_then(|()| fs::rename(&beside, &path));
        if written.is_err() {
            drop(fs::remove_file(&beside));
        }
        written
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

fn make(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", process::id()));
    PathBuf::from(name)
}

/// The file that says where the command listens, for as long as it does.
#[derive(Debug)]
pub(crate) struct ReadyFile {
    path: PathBuf,
    text: Vec<u8>,
}

impl ReadyFile {
    /// Removes what an earlier process left, which would be believed.
    pub(crate) fn clear(path: &Path) -> Result<(), String> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => fs::remove_file(path),
            Ok(_) => Err(io::Error::other("there is something that is no file; choose another path")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
        .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes the addresses, a line each.
    pub(crate) fn write(path: &Path, addresses: &[Address]) -> Result<Self, String> {
        let mut text = Vec::new();
        for address in addresses {
            let line = bytes(address);
            if line.contains(&b'\n') {
                let problem = "its name has a line break, and a ready file has a line for each address";
                return Err(format!(
                    "{}: {:?} can't be told: {problem}",
                    path.display(),
                    address.to_string()
                ));
            }
            text.extend(line);
            text.push(b'\n');
        }
        write_whole(path, &text)?;
        // Wherever the process goes meanwhile.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, text })
    }

    /// Removes it, unless another process has written its own there.
    pub(crate) fn remove(self) -> Result<(), String> {
        let is_ours = fs::read(&self.path).is_ok_and(|text| text == self.text);
        let removed = if is_ours { fs::remove_file(&self.path) } else { Ok(()) };
        removed.map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

#[cfg(unix)]
fn bytes(address: &Address) -> Vec<u8> {
    match address {
        Address::Unix(path) => std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec(),
        address => address.to_string().into_bytes(),
    }
}

#[cfg(not(unix))]
fn bytes(address: &Address) -> Vec<u8> {
    address.to_string().into_bytes()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("kpthin-files-{}-{name}", process::id()));
        drop(fs::create_dir_all(&path));
        path
    }

    #[test]
    fn a_file_takes_the_place_of_another_and_leaves_nothing_beside_it() {
        let folder = folder("place");
        let (file, link) = (folder.join("file"), folder.join("link"));
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        fs::write(&file, "a longer text than that").expect("written");
        write_whole(&link, b"text").expect("written");
        assert_eq!(fs::read(&file).expect("read"), b"text");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2);
        write_whole(Path::new("/dev/null"), b"text").expect("written to");
        let error = write_whole(&folder, b"text").expect_err("it is a folder");
        assert!(error.starts_with(&format!("{}: ", folder.display())), "{error}");
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_ready_file_goes_at_the_end_unless_it_is_another_s() {
        let folder = folder("ready");
        let path = folder.join("ready");
        let addresses = [Address::Tcp(([127, 0, 0, 1], 5).into()), Address::Abstract("name".to_owned())];
        let ready = ReadyFile::write(&path, &addresses).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "127.0.0.1:5\n@name\n");
        ready.remove().expect("removed");
        assert!(!path.exists());

        let ready = ReadyFile::write(&path, &addresses[..1]).expect("written");
        let other = ReadyFile::write(&path, &addresses[1..]).expect("written");
        ready.remove().expect("nothing to do");
        assert!(path.exists());
        drop(other);
        ReadyFile::clear(&path).expect("removed");
        assert!(!path.exists());
        ReadyFile::clear(&path).expect("it is not there");
        assert!(ReadyFile::clear(&folder).expect_err("a folder").contains("no file"));
        let named = ReadyFile::write(&path, &[Address::Unix("/a\nb".into())]).expect_err("two lines");
        assert!(named.contains("line break"), "{named}");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
