//! Stores on a real disk, whole, cut, damaged and half made.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::file::beside;
use super::*;

/// A folder of its own for each test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kpthin-store-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("boxes")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SEED: [u8; 32] = [7; 32];

fn record(epoch: u64, number: u8) -> Record {
    Record::new(epoch, [number; 32], [number; 64], vec![number; 20 + usize::from(number)])
}

fn numbers(records: &[Record]) -> Vec<u8> {
    records.iter().map(|record| record.box_id[0]).collect()
}

fn open(path: &Path) -> Result<Opened, StartError> {
    Store::open(path, SEED)
}

fn reason(path: &Path) -> String {
    match open(path) {
        Err(StartError::Store { path: named, reason }) => {
            assert!(named.starts_with(path.parent().unwrap()), "{named:?}");
            reason
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// The bytes of a store with so many boxes, and where each of its parts ends.
fn sample(folder: &Folder, boxes: u8) -> (Vec<u8>, Vec<usize>) {
    let path = folder.file();
    let mut store = open(&path).unwrap().store;
    let mut ends = vec![HEADER_LEN];
    for number in 0..boxes {
        store.commit(&[record(5, number)], 0).unwrap();
        ends.push(usize::try_from(store.end).unwrap());
    }
    drop(store);
    (fs::read(&path).unwrap(), ends)
}

#[test]
fn what_was_committed_is_there_again_and_the_seed_is_the_first() {
    let folder = Folder::new("again");
    let mut store = open(&folder.file()).unwrap().store;
    let tombstone = Record::new(6, [2; 32], [9; 64], Vec::new());
    store.commit(&[record(5, 1), record(5, 1), record(6, 2)], 0).unwrap();
    store.commit(std::slice::from_ref(&tombstone), 0).unwrap();
    drop(store);
    let opened = Store::open(&folder.file(), [8; 32]).unwrap();
    assert_eq!((opened.records, opened.cut, opened.store.seed()), (vec![record(5, 1), tombstone], 0, SEED));
    assert_eq!(Store::stored_seed(&folder.file()), Ok(Some(SEED)), "also while it is in use");
    assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.names(), ["boxes"]);
}

#[test]
fn a_box_that_is_known_takes_no_room_again() {
    let folder = Folder::new("known");
    let mut store = open(&folder.file()).unwrap().store;
    store.commit(&[record(5, 1)], 0).unwrap();
    let end = store.end;
    store.commit(&[record(5, 1), record(5, 1)], 0).unwrap();
    assert_eq!(store.end, end);
}

#[test]
fn cut_at_every_byte_it_is_refused_or_gives_the_boxes_before_the_cut() {
    let folder = Folder::new("cut");
    let (bytes, ends) = sample(&folder, 4);
    for len in 0..=bytes.len() {
        fs::write(folder.file(), &bytes[..len]).unwrap();
        if len < HEADER_LEN {
            let expected =
                if len == 0 { "is empty; remove it".to_owned() } else { format!("ends after {len} bytes") };
            assert!(reason(&folder.file()).contains(&expected), "cut at {len}");
            continue;
        }
        let Opened { mut store, records, cut } = open(&folder.file()).unwrap();
        let whole = ends.iter().filter(|end| **end <= len).count() - 1;
        assert_eq!(numbers(&records), (0..4).take(whole).collect::<Vec<_>>(), "cut at {len}");
        assert_eq!(cut, (len - ends[whole]) as u64);
        // It goes on behind the last whole box, and what was left is not found again.
        store.commit(&[record(9, 0)], 0).unwrap();
        drop(store);
        let again = open(&folder.file()).unwrap();
        assert_eq!((again.records.len(), again.cut), (whole + 1, 0), "cut at {len}");
    }
}

#[test]
fn every_changed_bit_is_found() {
    let folder = Folder::new("flipped");
    let (bytes, ends) = sample(&folder, 3);
    for at in 0..bytes.len() {
        for bit in [0, 7] {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            fs::write(folder.file(), &changed).unwrap();
            let reason = reason(&folder.file());
            let expected = match at {
                0..20 => "is not a devnet store: it begins with".to_owned(),
                20..24 => "belongs to another version".to_owned(),
                24..HEADER_LEN => "is damaged at byte 0,".to_owned(),
                _ => format!("is damaged at byte {},", ends.iter().rfind(|end| **end <= at).unwrap()),
            };
            assert!(reason.contains(&expected), "bit {bit} of byte {at}: {reason}");
            assert_eq!(fs::read(folder.file()).unwrap(), changed, "it is left as it was");
        }
    }
}

#[test]
fn swapped_and_repeated_entries_are_damage() {
    let folder = Folder::new("swapped");
    let (bytes, ends) = sample(&folder, 2);
    let mut repeated = bytes.clone();
    repeated.extend(&bytes[ends[1]..ends[2]]);
    let swapped = [&bytes[..ends[0]], &bytes[ends[1]..ends[2]], &bytes[ends[0]..ends[1]]].concat();
    for changed in [repeated, swapped] {
        fs::write(folder.file(), changed).unwrap();
        assert!(reason(&folder.file()).contains("is damaged at byte"));
    }
}

#[test]
fn bytes_behind_the_end_are_cut_off_if_they_were_never_written_and_else_refused() {
    let folder = Folder::new("behind");
    let (bytes, ends) = sample(&folder, 2);
    for len in [1, 7, 8, 9, 100, 5_000] {
        let with = |byte: u8| [&bytes[..], &vec![byte; len]].concat();
        // A disk that was cut off from its power may have reserved room and written nothing there.
        fs::write(folder.file(), with(0)).unwrap();
        let opened = open(&folder.file()).unwrap();
        assert_eq!((numbers(&opened.records), opened.cut), (vec![0, 1], len as u64));
        drop(opened);
        fs::write(folder.file(), with(1)).unwrap();
        if len < format::PREFIX_LEN {
            assert_eq!(open(&folder.file()).unwrap().cut, len as u64);
        } else {
            assert!(reason(&folder.file()).contains(&format!("is damaged at byte {}", ends[2])));
        }
        // The same where the last entry had been begun.
        let mut half = bytes.clone();
        half[ends[1] + 20..].fill(0);
        half.extend(vec![0; len]);
        fs::write(folder.file(), half).unwrap();
        assert_eq!(numbers(&open(&folder.file()).unwrap().records), [0]);
    }
}

#[test]
fn what_is_no_store_is_refused_by_name_and_reason() {
    let folder = Folder::new("foreign");
    let path = folder.file();
    for (content, expected) in [
        (&b""[..], "is empty; remove it, and a new store is made"),
        (b"k", "is cut off: it ends after 1 bytes, within its header"),
        (b"hello, world\n", "is not a devnet store: it begins with \"hello, world\\n\""),
        (b"\x7fELF\x02\x01\x01 and so on and on", "it begins with \"\\x7fELF\\x02\\x01\\x01 and so o\""),
        (
            b"redb\x1a\x0a\xa9\x0d\x0a",
            "belongs to another version of the devnet: its form is 0, this one reads 1",
        ),
        (
            b"kpthin devnet store\n\0\0\0\x02..........................................................",
            "its form is 2",
        ),
    ] {
        fs::write(&path, content).unwrap();
        let reason = reason(&path);
        assert!(reason.contains(expected), "{reason}");
        assert_eq!(fs::read(&path).unwrap(), content, "it is left as it was");
        assert!(Store::stored_seed(&path).is_err());
    }
}

#[test]
fn what_is_no_file_is_refused_by_name_and_reason() {
    let folder = Folder::new("places");
    assert!(reason(&folder.0).contains("is a folder, not a file"));
    assert!(
        reason(&folder.0.join("none/boxes"))
            .contains(&format!("there is no folder {}", folder.0.join("none").display()))
    );
    fs::write(folder.0.join("file"), "x").unwrap();
    assert!(reason(&folder.0.join("file/boxes")).contains("Not a directory"));
    let socket = folder.0.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(reason(&socket).contains("is not a regular file"));
    assert!(reason(Path::new("/dev/null")).contains("is not a regular file"));
    let link = folder.0.join("link");
    std::os::unix::fs::symlink(folder.0.join("nowhere"), &link).unwrap();
    assert!(reason(&link).contains("is a link to something that is not there"));
    assert_eq!(folder.names(), ["file", "link", "socket"]);
}

#[test]
fn a_file_in_use_is_refused_and_free_again_at_the_end() {
    let folder = Folder::new("use");
    let first = open(&folder.file()).unwrap();
    assert!(reason(&folder.file()).contains("is in use by another process"));
    drop(first);
    drop(open(&folder.file()).unwrap());
}

#[test]
fn a_link_stays_a_link() {
    let folder = Folder::new("link");
    let (there, link) = (folder.0.join("there"), folder.file());
    drop(open(&there).unwrap());
    std::os::unix::fs::symlink(&there, &link).unwrap();
    let mut store = open(&link).unwrap().store;
    store.commit(&[record(5, 1)], 0).unwrap();
    store.rewrite().unwrap();
    drop(store);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(numbers(&open(&there).unwrap().records), [1]);
}

#[test]
fn whatever_a_killed_first_start_leaves_the_next_one_works_and_cleans_up() {
    let folder = Folder::new("first");
    let (path, header) = (folder.file(), format::header([1; 32]));
    // Killed while it wrote the file beside, at any byte; only complete it gets its name.
    for len in 0..=header.len() {
        fs::write(beside(&path), &header[..len]).unwrap();
        let opened = open(&path).unwrap();
        assert_eq!(opened.store.seed(), SEED, "nothing in the half-made file counts");
        drop(opened);
        assert_eq!(folder.names(), ["boxes"]);
        fs::remove_file(&path).unwrap();
    }
    // Killed while it wrote the file anew.
    let (bytes, _) = sample(&folder, 3);
    fs::write(beside(&path), &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(numbers(&open(&path).unwrap().records), [0, 1, 2]);
    assert_eq!(folder.names(), ["boxes"]);
}

#[test]
fn a_file_that_somebody_else_makes_at_the_same_time_is_in_use() {
    let folder = Folder::new("same-time");
    let other = File::create(beside(&folder.file())).unwrap();
    rustix::fs::flock(&other, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert!(reason(&folder.file()).contains("is in use by another process"));
    assert_eq!(folder.names(), ["boxes.new"], "it is not touched");
}

#[test]
fn many_first_starts_at_once_make_one_store() {
    let folder = Folder::new("at-once");
    for round in 0..20 {
        let path = folder.0.join(format!("boxes-{round}"));
        let opened: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|number| {
                    let path = &path;
                    scope.spawn(move || Store::open(path, [number; 32]))
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let winners: Vec<_> = opened.iter().flatten().map(|opened| opened.store.seed()).collect();
        assert_eq!(
            winners.len(),
            1,
            "{:?}",
            opened.iter().map(|opened| opened.as_ref().err()).collect::<Vec<_>>()
        );
        assert_eq!(Store::stored_seed(&path), Ok(Some(winners[0])));
    }
}

#[test]
fn boxes_of_earlier_epochs_are_forgotten_and_the_file_shrinks() {
    let folder = Folder::new("shrinks");
    let mut store = open(&folder.file()).unwrap().store;
    let large =
        |epoch: u64, number: u8| Record::new(epoch, [number; 32], [number; 64], vec![number; 200_000]);
    for number in 0..10 {
        store.commit(&[large(5 + u64::from(number % 2), number)], 0).unwrap();
    }
    let before = fs::metadata(folder.file()).unwrap().len();
    store.commit(&[], 6).unwrap();
    assert_eq!(fs::metadata(folder.file()).unwrap().len(), before, "half of it still counts");
    store.commit(&[large(7, 10)], 7).unwrap();
    assert!(fs::metadata(folder.file()).unwrap().len() < before / 5);
    assert!(reason(&folder.file()).contains("in use"), "the new file is kept from others, too");
    store.commit(&[large(8, 11)], 7).unwrap();
    drop(store);
    let opened = open(&folder.file()).unwrap();
    assert_eq!((numbers(&opened.records), opened.store.seed()), (vec![10, 11], SEED));
    assert_eq!(folder.names(), ["boxes"]);
}

#[test]
fn a_file_that_can_t_be_written_anew_stays_as_it_is() {
    let folder = Folder::new("stays");
    let mut store = open(&folder.file()).unwrap().store;
    let large = |number: u8| Record::new(5, [number; 32], [number; 64], vec![number; 1 << 20]);
    for number in 0..3 {
        store.commit(&[large(number)], 0).unwrap();
    }
    fs::create_dir(beside(&folder.file())).unwrap();
    store.commit(&[], 6).unwrap();
    store.commit(&[record(6, 9)], 6).unwrap();
    drop(store);
    fs::remove_dir(beside(&folder.file())).unwrap();
    assert_eq!(numbers(&open(&folder.file()).unwrap().records), [0, 1, 2, 9]);
}
