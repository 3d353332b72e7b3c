//! Boxes that outlive the process, and files that are none of ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::*;

fn args(file: &str) -> [&str; 4] {
    ["--listen", "127.0.0.1:0", "--store", file]
}

#[test]
fn killed_at_any_moment_it_loses_no_box_that_it_has_confirmed() {
    let folder = Folder::new("killed");
    let file = folder.text("boxes");
    let mut written = Vec::new();
    for life in 0..4 {
        let mut running = Running::start(&args(&file));
        let mut client = Client::connect(&running.until("Ctrl-C"));
        let keys = client.keys();
        let mut index = keys.first_message_index.clone();
        for (number, text) in written.iter().enumerate() {
            let content = String::as_bytes(text).to_vec();
            assert_eq!(client.read(&keys, &index), Ok(content), "box {number}, life {life}");
            index = client.next(index);
        }
        assert_eq!(client.read(&keys, &index), Err(1), "nothing else is there");
        for number in 0..5 {
            let text = format!("life {life}, box {number}");
            index = client.write(&keys, &index, &text);
            written.push(text);
        }
        // Dropping it kills it, as no signal that it could handle does.
        drop(running);
    }
    assert_eq!(folder.names(), ["boxes"]);
}

#[test]
fn a_first_start_that_is_killed_at_any_moment_is_in_nobody_s_way() {
    let folder = Folder::new("first");
    // How long a first start takes.
    let began = Instant::now();
    let mut running = Running::start(&args(&folder.text("measured")));
    let _ = running.until("Ctrl-C");
    let whole = began.elapsed();
    drop(running);
    let (mut without, mut with) = (0, 0);
    for moment in 0.. {
        // A machine that has slowed down since then takes longer.
        if moment >= 60 && with > 0 {
            break;
        }
        let file = folder.text(&format!("boxes-{moment}"));
        let began = Instant::now();
        let mut killed = command(&args(&file)).stdout(Stdio::null()).spawn().expect("started");
        while began.elapsed() < whole * moment / 50 {
            std::hint::spin_loop();
        }
        killed.kill().expect("killed");
        let _ = killed.wait().expect("ended");
        let there = if Path::new(&file).exists() { &mut with } else { &mut without };
        *there += 1;
        let mut running = Running::start(&args(&file));
        let mut client = Client::connect(&running.until("Ctrl-C"));
        let keys = client.keys();
        let _ = client.write(&keys, &keys.first_message_index, "it works");
    }
    assert!(
        without > 0 && with > 0,
        "killed before it had made the file {without} times, after that {with} times"
    );
    assert!(!folder.names().iter().any(|name| name.ends_with(".new")), "{:?}", folder.names());
}

/// What clients go by that replay only if they meet another process (§3.4), and what they find then.
#[test]
fn after_a_kill_the_same_store_has_another_mark_and_a_read_that_is_asked_again_is_answered() {
    let folder = Folder::new("mark");
    let file = folder.text("boxes");
    let token = [5; 16];
    let args = [&args(&file)[..], &["--seed", "7"]].concat();
    let life = |known: Option<[u8; 16]>| {
        let mut running = Running::start(&args);
        let greeting = running.until("Ctrl-C");
        let mut client = Client::connect(&greeting);
        let (mark, resumed) = client.present(token);
        assert!(known != Some(mark) && !resumed);
        (running, greeting, client, mark)
    };
    let (running, _, mut client, mark) = life(None);
    let keys = client.keys();
    client.start_read(&keys, &keys.first_message_index);
    drop(running);

    let (_running, greeting, mut client, _) = life(Some(mark));
    client.start_read(&keys, &keys.first_message_index);
    let _ = Client::connect(&greeting).write(&keys, &keys.first_message_index, "at last");
    assert_eq!(client.answer(), Ok(b"at last".to_vec()));
}

#[test]
fn a_store_that_can_be_written_no_more_ends_the_command_and_it_says_why() {
    let folder = Folder::new("full");
    let file = folder.text("boxes");
    // No file of this process grows beyond so many blocks.
    let mut running = Running::spawn(shell("ulimit -f 1024; exec \"$@\"", &args(&file)));
    let mut client = Client::connect(&running.until("Ctrl-C"));
    let keys = client.keys();
    let mut index = keys.first_message_index.clone();
    let mut written = 0;
    while let Some(next) = client.try_write(&keys, &index, "it grows") {
        index = next;
        written += 1;
        assert!(written < 10_000, "the file has no bound");
    }
    let ended = running.ended();
    assert!(
        ended.code == Some(1) && ended.err.contains("store can't be written any more: File too large"),
        "{ended:?}"
    );
    // What was confirmed is there.
    let mut again = Running::start(&args(&file));
    let mut client = Client::connect(&again.until("Ctrl-C"));
    let mut index = keys.first_message_index.clone();
    for _ in 0..written {
        assert_eq!(client.read(&keys, &index).as_deref(), Ok(&b"it grows"[..]));
        index = client.next(index);
    }
}

#[test]
fn a_file_that_is_no_whole_store_is_refused_by_name_and_reason_without_a_panic() {
    let folder = Folder::new("refused");
    let file = folder.text("boxes");
    let mut running = Running::start(&args(&file));
    let mut client = Client::connect(&running.until("Ctrl-C"));
    let keys = client.keys();
    let _ = client.write(&keys, &keys.first_message_index, "a box");
    let second = failed(&args(&file), 1);
    assert!(second.contains(&format!("{file}: is in use by another process")), "{second}");
    drop(running);

    let whole = fs::read(&file).expect("read");
    let mut flipped = whole.clone();
    flipped[300] ^= 1;
    let appended = [&whole[..], b"something else"].concat();
    for (bytes, reason) in [
        (&b""[..], "is empty"),
        (&whole[..30], "is cut off: it ends after 30 bytes"),
        (&flipped[..], "is damaged at byte 72,"),
        (&appended[..], &format!("is damaged at byte {},", whole.len())),
        (b"#!/bin/sh\necho hello\n", "is not a devnet store: it begins with \"#!/bin/sh\\necho h\""),
        (b"redb\x1a\x0a\xa9\x0d\x0a", "belongs to another version"),
    ] {
        fs::write(&file, bytes).expect("written");
        let error = failed(&args(&file), 1);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with(&format!("kpthin-devnet: {file}: {reason}")), "{error}");
        assert_eq!(fs::read(&file).expect("read"), bytes, "it is left as it was");
    }

    // What a killed process had not written to the end was never confirmed.
    fs::write(&file, &whole[..whole.len() - 5]).expect("written");
    let mut running = Running::start(&args(&file));
    let told = running.until_error("the store ended with");
    assert!(told.contains("never written completely; they are cut off"), "{told}");
    let _ = running.until("Ctrl-C");
}

#[test]
fn what_can_t_be_a_store_is_refused_by_name_and_reason() {
    let folder = Folder::new("places");
    let error = failed(&args(folder.path().to_str().expect("text")), 1);
    assert!(error.contains("is a folder, not a file"), "{error}");
    let nowhere = folder.text("nowhere/boxes");
    let error = failed(&args(&nowhere), 1);
    assert!(error.contains(&format!("{nowhere}: there is no folder ")), "{error}");
    let error = failed(&args("/dev/null"), 1);
    assert!(error.contains("/dev/null: is not a regular file"), "{error}");
    assert_eq!(failed(&args(""), 2).lines().next().map(|line| line.contains("--store")), Some(true));
}

#[test]
fn a_file_or_folder_that_may_not_be_written_is_refused_by_name_and_reason() {
    let folder = Folder::new("rights");
    let file = folder.text("boxes");
    drop(Running::start(&args(&file)).until("Ctrl-C"));
    // Whoever may do everything becomes somebody who may not, with a copy of the command that can be run from there.
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0);
    let copy = folder.at("command");
    let _ = fs::copy(env!("CARGO_BIN_EXE_kpthin-devnet"), &copy).expect("copied");
    let set_mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    set_mode(&copy, 0o755);
    set_mode(folder.path(), 0o555);
    set_mode(Path::new(&file), 0o444);
    let told = |file: &str| {
        let mut command = Command::new(&copy);
        let _ = command.args(args(file));
        if is_root {
            let _ = command.uid(65_534).gid(65_534);
        }
        let ended = Running::spawn(command).ended();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        ended.err
    };
    let expected = "permission denied; the file has to be readable and writable, and so has its folder";
    for file in [&file, &folder.text("another")] {
        let error = told(file);
        assert!(error.contains(file.as_str()) && error.contains(expected), "{error}");
    }
    set_mode(folder.path(), 0o755);
}

#[test]
fn a_new_store_gets_the_seed_and_one_of_another_seed_is_refused() {
    let folder = Folder::new("seed");
    let file = folder.text("boxes");
    let with = |seed: &'static str| [&args(&file)[..], &["--seed", seed]].concat();
    let greeting = Running::start(&with("7")).until("Ctrl-C");
    assert!(greeting.contains("seed 7, boxes are kept in"), "{greeting}");
    let again = Running::start(&args(&file)).until("Ctrl-C");
    assert!(again.contains("seed 7, boxes are kept in"), "{again}");
    let same = Running::start(&with("7")).until("Ctrl-C");
    assert!(same.contains("seed 7"), "{same}");
    let error = failed(&with("8"), 1);
    let expected = format!("{file}: belongs to the network of seed 7, not to that of 8; leave --seed out");
    assert!(error.contains(&expected), "{error}");
}
