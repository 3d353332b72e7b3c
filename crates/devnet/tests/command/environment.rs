//! Flags that come from the environment.

use super::*;

fn with(variables: &[(&str, &str)], args: &[&str]) -> Running {
    let mut command = command(args);
    let _ = command.envs(variables.iter().map(|(name, value)| (format!("KPTHIN_DEVNET_{name}"), value)));
    Running::spawn(command)
}

#[test]
fn flags_come_from_the_environment_and_those_on_the_command_line_count_more() {
    let folder = Folder::new("environment");
    let (socket, config) = (folder.text("socket"), folder.text("config"));
    let variables = [
        ("LISTEN", "127.0.0.1:0,127.0.0.1:0"),
        ("UNIX", &socket),
        ("SEED", "7"),
        ("PROFILE", "reference"),
        ("FAULT", "loss=0.5,replica-down=1"),
        ("ENCRYPT_TIME", "20"),
        ("WRITE_CONFIG", &config),
        ("LOG", "debug"),
        ("QUIET", "no"),
        ("ALLOW_PUBLIC", "0"),
    ];
    let mut running = with(&variables, &["--seed", "8", "--replicas", "5"]);
    let greeting = running.until("Ctrl-C");
    for line in
        ["profile reference, seed 8;", "on purpose: loss=0.5 replica-down=1", "encrypt-time 20", "replicas 5"]
    {
        assert!(greeting.contains(line), "{line}: {greeting}");
    }
    let tcp = greeting.lines().filter(|line| line.starts_with("listening on 127.0.0.1:")).count();
    assert!(tcp == 2 && greeting.contains(&format!("listening on {socket}\n")), "{greeting}");
    assert!(std::fs::read_to_string(&config).expect("read").contains(&socket));
}

#[test]
fn a_switch_is_any_word_for_true() {
    for value in ["1", "true", "yes", "on"] {
        let ended = with(&[("QUIET", value), ("LISTEN", "0.0.0.0:0")], &[]).ended();
        assert!(ended.code == Some(1) && ended.out.is_empty(), "{value}: {ended:?}");
    }
}

#[test]
fn what_is_wrong_in_the_environment_is_told_by_its_name() {
    let ended = with(&[("EPOCH", "0")], &[]).ended();
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("--epoch") && ended.err.contains("1..=31536000"), "{ended:?}");
    assert!(ended.err.contains("The environment counts, too: KPTHIN_DEVNET_EPOCH is set."), "{ended:?}");
    let ended = with(&[("QUIET", "perhaps")], &[]).ended();
    assert!(ended.code == Some(2) && ended.err.contains("KPTHIN_DEVNET_QUIET is set"), "{ended:?}");
}
