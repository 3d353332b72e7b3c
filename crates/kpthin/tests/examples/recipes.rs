//! Every recipe, in both forms, on a daemon of its own and on one that a configuration file names.

use std::{collections::BTreeSet, fs, path::Path};

use kpthin::devnet::{DevnetConfig, Server};

use crate::support::{assert_prints, example, folder, output, run};

/// A recipe's name, what it prints everywhere, and what it prints only if the daemon is its own.
type Recipe = (&'static str, &'static [&'static str], &'static [&'static str]);

const RECIPES: [Recipe; 21] = [
    (
        "cancel",
        &["by dropping it", "by a deadline: timed out", "elsewhere: cancelled", "envelope: cancelled"],
        &[],
    ),
    (
        "connect",
        &["connected, the mix network is up: true", "the client has stopped"],
        &["event: the mix network is down, calls wait\nevent: the mix network is up"],
    ),
    (
        "conversation",
        &[
            "Alice said: Are you there?\nBob heard: Are you there?",
            "Bob said: I am. Nobody knows that we talk.\nAlice heard: I am.",
        ],
        &[],
    ),
    (
        "contact_voucher",
        &["Bob was invited by Alice\nBob reads: Hello, Bob.\nAlice reads: Hello, Alice."],
        &[],
    ),
    ("copy_to_many", &["outcome: Done\n"], &["read: to member 0\nread: to member 1\nread: to member 2"]),
    (
        "copy_to_one",
        &["saved: CopyState(1 destinations", "4500 bytes are written\nreceived the same: true"],
        &[],
    ),
    ("create_channel", &["168 bytes", "136 bytes", "first box:        MessageBoxIndex(#", "1549 bytes"], &[]),
    (
        "disconnects",
        &["stored\nread: written across a restart"],
        &["the daemon is gone: ", "connected again, to the same daemon: false", "failed: 0"],
    ),
    ("discover_services", &["echo     +echo on ", "courier  courier on ", "chosen   +echo on "], &[]),
    (
        "end_to_end",
        &["Bob reads: first\nBob reads: second\nBob reads: third\nall of Alice's boxes are stored"],
        &[],
    ),
    ("message_a_service", &["echo says: hello, echo\n"], &[]),
    ("multi_call_buffers", &["2 batches, ", "outcome: Done"], &[]),
    (
        "persist",
        &["box 0: Stored\nbox 1: Stored", "read: written before the crash\nread: written after it"],
        &[],
    ),
    (
        "pki_document",
        &[
            "3 mixes in 3 layers",
            "storage replicas keep the boxes",
            "signed with Ed25519",
            "same network: true",
        ],
        &[],
    ),
    ("prepare_offline", &["sent\nread: prepared offline"], &["the mix network is there: false"]),
    ("read", &["a message: hello\nnothing yet in the box behind it"], &[]),
    (
        "tombstone_range_by_copy",
        &["outcome: Done", "(deleted)\nread: (deleted)\nread: (deleted)\nread: (deleted)\nread: message 6"],
        &[],
    ),
    (
        "tombstones",
        &["the first box is deleted: true", "(deleted)\nread: (deleted)\nread: (deleted)\nread: four"],
        &[],
    ),
    (
        "verify_document",
        &[
            "3 of 3 authorities signed, 2 are needed",
            "\"scheme\":\"Ed25519\"",
            "\"verdict\":\"signed\"",
            "echoes, say the authorities",
        ],
        &["  devnet-authority-1  "],
    ),
    ("wait_for_message", &["nothing after two seconds\nreceived: here I am"], &[]),
    (
        "write",
        &[
            "two boxes are stored, the next one is 2",
            "refused: 100000 bytes are too many, at most 1549 are allowed",
            "refused: box already exists (code 10)",
        ],
        &[],
    ),
];

fn forms() -> impl Iterator<Item = (String, Recipe)> {
    let both = |recipe: Recipe| [(recipe.0.to_owned(), recipe), (format!("{}_blocking", recipe.0), recipe)];
    RECIPES.into_iter().flat_map(both)
}

#[test]
fn every_recipe_runs_without_a_network() {
    for (name, (_, everywhere, own)) in forms() {
        let output = run(&mut example(&name));
        assert_prints(&output, everywhere);
        assert_prints(&output, own);
        assert_prints(&output, &["It gives no anonymity."]);
        assert!(!output.contains("unexpected"), "{name}: {output}");
    }
}

#[test]
fn every_recipe_runs_against_the_daemon_of_a_configuration_file() {
    let folder = folder("recipes");
    let (socket, config) = (folder.join("daemon.sock"), folder.join("thinclient.toml"));
    let server = Server::builder(DevnetConfig::instant(), [3; 32]).unix_path(&socket);
    let server = server.start().expect("the daemon starts");
    fs::write(&config, format!("[Dial.Unix]\nAddress = {socket:?}\n")).expect("the file is written");
    let trusted = folder.join("authorities");
    let keys = server.with(|net, _| net.authority_keys());
    let line = |(number, (_, key)): (usize, (String, [u8; 32]))| {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("auth{number} {key}\n")
    };
    let lines: String = keys.into_iter().enumerate().map(line).collect();
    fs::write(&trusted, format!("Ed25519\n1200\n{lines}")).expect("the file is written");
    for (name, (_, everywhere, _)) in forms() {
        let mut recipe = example(&name);
        let recipe = recipe.arg("--config").arg(&config).env("KPTHIN_TRUST_ROOT", &trusted);
        let output = run(recipe);
        assert_prints(&output, everywhere);
        let names_nodes = name.contains("services") || name.contains("verify");
        assert!(!output.contains("devnet") || names_nodes, "{name}: {output}");
    }
    drop(server);
    fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn every_recipe_says_how_to_use_it_and_what_is_wrong() {
    for (name, _) in forms() {
        assert_prints(
            &run(example(&name).arg("--help")),
            &[&format!("usage: {name} [--config THINCLIENT.TOML]")],
        );
        let wrong = output(example(&name).arg("--conifg"));
        assert_eq!(wrong.status.code(), Some(2), "{name}");
        let missing = output(example(&name).args(["--config", "no/such/file.toml"]));
        let error = String::from_utf8_lossy(&missing.stderr).into_owned();
        assert!(missing.status.code() == Some(1) && error.contains("no/such/file.toml"), "{name}: {error}");
    }
}

#[test]
fn no_recipe_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).expect("there are examples").map(|file| file.expect("a file").path());
    let names: BTreeSet<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
        .collect();
    let expected: BTreeSet<_> = forms().map(|(name, _)| name).chain(["alice_and_bob".to_owned()]).collect();
    assert_eq!(names, expected);
}
