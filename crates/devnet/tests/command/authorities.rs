//! Whom a client of the network trusts, as the command prints it.

use super::*;

fn printed(args: &[&str]) -> String {
    let ended = Running::start(args).ended();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{args:?}");
    ended.out
}

#[test]
fn the_authorities_of_a_seed_or_a_store_are_printed() {
    let folder = Folder::new("authorities");
    let store = folder.text("boxes");
    let file = printed(&["--print-authorities=file", "--seed", "7", "--epoch", "60"]);
    let mut lines = file.lines();
    assert_eq!((lines.next(), lines.next()), (Some("Ed25519"), Some("60")));
    let keys: Vec<_> = lines.collect();
    assert_eq!(keys.len(), 3);
    for (number, line) in (1..).zip(&keys) {
        let (name, key) = line.split_once(' ').expect(line);
        assert_eq!((name, key.len()), (format!("devnet-authority-{number}").as_str(), 64));
    }
    let all = printed(&["--print-authorities", "--seed", "7", "--epoch", "60"]);
    assert!(
        all.contains(&file) && all.contains("BEGIN ED25519 PUBLIC KEY") && all.contains(".authority_hex("),
        "{all}"
    );
    assert_ne!(printed(&["--print-authorities=file", "--seed", "8", "--epoch", "60"]), file);

    // Those of a store are those of its seed, also while it is in use.
    let error = failed(&["--print-authorities", "--store", &store], 1);
    assert!(error.contains(&store) && error.contains("give the --seed"), "{error}");
    let mut running = Running::start(&["--listen", "127.0.0.1:0", "--store", &store, "--seed", "7"]);
    let _ = running.until("Ctrl-C");
    assert_eq!(printed(&["--print-authorities=file", "--store", &store, "--epoch", "60"]), file);
    let error = failed(&["--print-authorities", "--store", &store, "--seed", "8"], 1);
    assert!(error.contains("belongs to the network of seed 7, not to that of 8"), "{error}");
    let error = failed(&["--print-authorities"], 1);
    assert!(error.contains("give --seed, or a --store"), "{error}");
}
