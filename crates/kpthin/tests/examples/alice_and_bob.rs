//! The quickstart.

use std::fs;

use kpthin::devnet::{DevnetConfig, Server};

use crate::support::{assert_prints, example, folder, output, run};

const NAME: &str = "alice_and_bob";

const EVERYWHERE: [&str; 5] = [
    "received  \"ping\"",
    "1550 bytes are too many, at most 1549 are allowed",
    "box 1     \"Hello, Bob. Nobody can tell that this is from me to you.\"",
    "box 3     \"Third box.\"",
    "box 1     is a tombstone now",
];

#[test]
fn it_runs_without_a_network_and_survives_a_restart() {
    let output = run(&mut example(NAME));
    assert_prints(&output, &EVERYWHERE);
    assert_prints(
        &output,
        &[
            "reconnected: same daemon false, session resumed false, 1 call sent again, 0 failed",
            "Bob       has it: \"Written after the restart, read by a call from before it.\"",
        ],
    );
    let instances: Vec<_> = output.lines().filter(|line| line.starts_with("  daemon    instance")).collect();
    let named: Vec<_> = instances.iter().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert!(named.len() == 3 && named[0] == named[1] && named[1] != named[2], "{instances:?}");
}

#[test]
fn it_runs_against_the_daemon_of_a_configuration_file() {
    let folder = folder("quickstart");
    let socket = folder.join("daemon.sock");
    let config = folder.join("thinclient.toml");
    let server = Server::builder(DevnetConfig::instant(), [3; 32])
        .unix_path(&socket)
        .start()
        .expect("the daemon starts");
    fs::write(&config, format!("[Dial.Unix]\nAddress = {socket:?}\n")).expect("the file is written");

    let output = run(example(NAME).arg("--config").arg(&config));
    assert_prints(&output, &EVERYWHERE);
    assert_prints(&output, &["The restart is left out"]);
    drop(server);
    fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn a_wrong_argument_is_told_with_the_usage() {
    let output = output(example(NAME).arg("--conifg"));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: alice_and_bob"));
}
