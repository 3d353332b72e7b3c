//! The command line, as it is understood.

use std::time::Duration;

use super::*;

fn try_parse(args: &[&str]) -> Result<Args, String> {
    let args = ["kpthin-devnet"].iter().chain(args).map(OsString::from);
    Args::try_parse_from(args).map_err(|error| error.to_string())
}

fn parse(args: &[&str]) -> Args {
    try_parse(args).unwrap()
}

fn refused(args: &[&str]) -> String {
    try_parse(args).expect_err(&format!("{args:?} was taken"))
}

/// The words alone: another member of the workspace may have `clap` break the lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_command_line_is_consistent() {
    environment::with_variables(Args::command()).debug_assert();
}

#[test]
fn every_flag_has_a_default_and_a_variable_that_are_told() {
    let mut command = environment::with_variables(Args::command());
    let help = command.render_long_help().to_string();
    let flags: Vec<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
    assert!(flags.len() > 25, "{flags:?}");
    for flag in flags.into_iter().filter(|flag| !["help", "version"].contains(flag)) {
        let begin = help.find(&format!("      --{flag}")).expect(flag);
        let rest = &help[begin + 8..];
        let told = &rest[..rest.find("\n      --").unwrap_or(rest.len())];
        let variable = environment::variable(flag);
        let told = words(told);
        assert!(told.contains("[default: ") && told.contains(&format!("[env: {variable}]")), "{told}");
    }
    let help = words(&help);
    assert!(help.ends_with("as with --listen :0 --listen [::1]:0"), "{help}");
    assert!(help.contains("[default: 0; 2000 with --profile reference or reference-2026-10]"), "{help}");
}

#[test]
fn without_a_place_it_listens_where_the_reference_does() {
    let listens = |args| parse(args).places.listen();
    assert_eq!(listens(&[]), [Listen::Address(([127, 0, 0, 1], 64_331).into())]);
    assert_eq!(listens(&["--unix", "/tmp/socket"]), []);
    let both = ["--unix", "/tmp/socket", "--listen", "127.0.0.1:0", "--listen=:5", "--listen", "localhost:6"];
    let expected = [Listen::Address(([127, 0, 0, 1], 0).into()), Listen::Localhost(5), Listen::Localhost(6)];
    assert_eq!(listens(&both), expected);
    assert_eq!(listens(&["--listen", "[::1]:7"]), [Listen::Address(([0, 0, 0, 0, 0, 0, 0, 1], 7).into())]);
}

#[test]
fn addresses_that_can_t_be_used_are_refused_with_the_reason_and_an_example() {
    for (address, reason) in [
        ("127.0.0.1", "an address and a port are needed"),
        ("64331", "an address and a port are needed"),
        ("", "an address and a port are needed"),
        ("::1:64331", "an IPv6 address has brackets"),
        ("127.0.0.1:65536", "the port has to be a number from 0 to 65535"),
        ("localhost:", "the port has to be a number from 0 to 65535"),
        ("example.org:1", "\"example.org\" is no address, and of names only localhost can be used"),
    ] {
        let error = refused(&["--listen", address]);
        let example = "as in 127.0.0.1:64331, [::1]:64331, localhost:64331 or :64331";
        assert!(error.contains(reason) && error.contains(example) && error.contains("--listen"), "{error}");
    }
}

#[test]
fn unix_sockets_are_absolute_paths_or_names() {
    let args = parse(&["--unix", "here", "--unix", "@name", "--unix", "./@file"]);
    let here = std::env::current_dir().unwrap();
    let expected = [
        UnixPlace::Path(here.join("here")),
        UnixPlace::Abstract("name".to_owned()),
        UnixPlace::Path(here.join("@file")),
    ];
    assert_eq!(args.places.unix, expected);
    for (place, reason) in [
        ("@".to_owned(), "a name behind the @"),
        (
            format!("/{}", "x".repeat(107)),
            "it has 108 bytes as an absolute path, and a Unix socket's path or name at most 107",
        ),
        (format!("@{}", "x".repeat(108)), "it has 108 bytes, and a Unix socket's path or name at most 107"),
    ] {
        let error = refused(&["--unix", &place]);
        assert!(error.contains(reason), "{error}");
    }
    parse(&["--unix", &format!("/{}", "x".repeat(106)), "--unix", &format!("@{}", "x".repeat(107))]);
}

#[test]
fn the_profile_comes_first_and_single_values_change_it() {
    let config =
        parse(&["--profile=reference", "--encrypt-time=20", "--open-time=30", "--epoch=60"]).config();
    let mut expected = DevnetConfig::reference();
    expected.timing.encrypt_time = Duration::from_millis(20);
    expected.timing.open_time = Duration::from_millis(30);
    expected.epoch_period = Duration::from_secs(60);
    assert_eq!(config, expected);
    assert_eq!(parse(&[]).config(), DevnetConfig::instant());
    assert_eq!(parse(&["--seed", "7"]).seed, Some(7));
}

#[test]
fn every_number_changes_what_it_names() {
    let mut config = DevnetConfig::instant();
    let args = [
        ("encrypt-time", 1),
        ("group-action", 2),
        ("open-time", 3),
        ("round-trip", 4),
        ("send-slot", 5),
        ("replica-time", 6),
        ("write-deadline", 7),
        ("silence-deadline", 8),
        ("grace-period", 9),
    ];
    for (time, millis) in [
        &mut config.timing.encrypt_time,
        &mut config.timing.group_action,
        &mut config.timing.open_time,
        &mut config.timing.round_trip,
        &mut config.timing.send_slot,
        &mut config.timing.replica_time,
        &mut config.write_deadline,
        &mut config.silence_deadline,
        &mut config.grace_period,
    ]
    .into_iter()
    .zip(1..)
    {
        *time = Duration::from_millis(millis);
    }
    config.epoch_period = Duration::from_secs(10);
    config.replicas = 11;
    config.replica_capacity = 12;
    config.memory_max = 100_000_000;
    config.user_forward_payload_length = 1_200;
    config.timing.pacing = kpthin_devnet::Pacing::Poisson;
    let args = args.into_iter().chain([
        ("epoch", 10),
        ("replicas", 11),
        ("replica-capacity", 12),
        ("memory-max", 100_000_000),
        ("payload-length", 1_200),
    ]);
    let args: Vec<_> = args.map(|(name, value)| format!("--{name}={value}")).collect();
    let mut args: Vec<_> = args.iter().map(String::as_str).collect();
    args.push("--pacing=poisson");
    assert_eq!(parse(&args).config(), config);
    let told: Vec<_> =
        parse(&args).settings().into_iter().map(|(name, value)| format!("--{name}={value}")).collect();
    assert_eq!(told, args);
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    let year = 365 * 24 * 60 * 60;
    for (flag, wrong, range) in [
        ("--payload-length", vec!["511", "1048577"], "512..=1048576".to_owned()),
        ("--epoch", vec!["0", "31536001", "18446744073709551615"], format!("1..={year}")),
        ("--replicas", vec!["0", "1", "33", "256"], "2..=32".to_owned()),
        ("--replica-capacity", vec!["4294967296"], "0..=4294967295".to_owned()),
        ("--write-deadline", vec!["0"], format!("1..={year}000")),
        ("--encrypt-time", vec!["31536000001", "18446744073709551615"], format!("0..={year}000")),
        ("--grace-period", vec!["31536000001"], format!("0..={year}000")),
    ] {
        for value in wrong {
            let error = refused(&[flag, value]);
            assert!(error.contains(&range) && error.contains(flag), "{error}");
        }
    }
    for (fault, range) in [
        ("loss=1.5", "a number from 0 to 1"),
        ("loss=-0.1", "a number from 0 to 1"),
        ("latency=31536000001", "latency=MS with a number from 1 to 31536000000"),
        ("luck=1", "there are loss, reply-loss,"),
    ] {
        let error = refused(&["--fault", fault]);
        assert!(error.contains(range) && error.contains("--fault"), "{error}");
    }
    assert!(refused(&["--encrypt-time=-1"]).contains("--encrypt-time"));
    parse(&[
        "--payload-length=512",
        "--epoch=1",
        "--replicas=32",
        "--encrypt-time=31536000000",
        "--fault=latency=31536000000",
    ]);
}

#[test]
fn faults_add_up_and_name_replicas_that_are_there() {
    let args = ["--fault", "loss=0.5", "--fault", "replica-down=3"];
    let error = refused(&args);
    assert!(error.contains("there is no replica 3 for a --fault: they are numbered from 0 to 2"), "{error}");
    let faults = parse(&[&args[..], &["--replicas", "4"]].concat()).network.faults();
    assert_eq!((faults.loss, faults.replicas_down), (0.5, [3].into()));
}

#[test]
fn quiet_counts_more_than_a_level() {
    assert_eq!(parse(&[]).output.level(), Level::Info);
    assert_eq!(parse(&["--log", "debug"]).output.level(), Level::Debug);
    assert_eq!(parse(&["--log", "debug", "--quiet"]).output.level(), Level::Error);
    let error = refused(&["--log", "loud"]);
    assert!(error.contains("[possible values: error, warn, info, debug]"), "{error}");
}

#[test]
fn authorities_are_printed_in_all_forms_or_in_one() {
    let form = |args| parse(args).output.print_authorities;
    assert_eq!(form(&[]), None);
    assert_eq!(form(&["--print-authorities", "--seed", "7"]), Some(Form::All));
    assert_eq!(form(&["--print-authorities=pem"]), Some(Form::Pem));
}

#[test]
fn every_profile_is_there_and_one_factor_scales_its_times() {
    for (name, config) in DevnetConfig::PROFILES {
        assert_eq!(parse(&["--profile", name]).config(), config());
    }
    let error = refused(&["--profile", "kind"]);
    assert!(error.contains("[possible values: instant, reference, reference-2026-10]"), "{error}");

    let config = parse(&["--profile=reference", "--scale=0.01", "--send-slot=7"]).config();
    let mut expected = DevnetConfig::reference().scaled(0.01);
    expected.timing.send_slot = Duration::from_millis(7);
    assert_eq!(config, expected);
    for factor in ["-1", "1001", "NaN", "inf", "fast", ""] {
        let error = refused(&[&format!("--scale={factor}")]);
        assert!(error.contains("a factor is a number from 0 to 1000") || factor.is_empty(), "{error}");
    }
}

#[test]
fn quirks_are_switched_in_their_order() {
    let args = [
        "--profile",
        "reference",
        "--quirk",
        "crash-on-null=off,silent-courier=1",
        "--quirk=connection-limit=9",
    ];
    let mut expected = DevnetConfig::reference();
    expected.quirks.crash_on_null = false;
    expected.quirks.silent_couriers = [1].into();
    expected.quirks.connection_limit = Some(9);
    assert_eq!(parse(&args).config(), expected);
    let config = parse(&["--quirk", "late-end", "--quirk", "late-end=off"]).config();
    assert_eq!(config, DevnetConfig::instant());
    for (quirk, reason) in [
        ("oddity", "\"oddity\" is no quirk; there are crash-on-null,"),
        ("crash-on-null=1", "\"crash-on-null=1\" has to be crash-on-null, perhaps with =on or =off"),
        ("frame-deadline=31536000001", "frame-deadline=MS with a number from 1 to 31536000000, or off"),
        ("silent-courier=2", "there is no courier 2 for a --quirk: they are numbered from 0 to 1"),
    ] {
        let error = refused(&["--quirk", quirk]);
        assert!(error.contains(reason) && error.contains("--quirk"), "{error}");
    }
}

#[test]
fn the_help_has_the_table_of_quirks() {
    let help = words(&Args::command().render_long_help().to_string());
    for line in kpthin_devnet::Quirks::help().lines() {
        assert!(help.contains(&words(line)), "{line}");
    }
}

#[test]
fn services_are_added_and_one_of_a_name_that_is_there_replaces_it() {
    let services = |args: &[&str]| {
        let config = parse(args).config();
        config.services.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(services(&[]), ["testdest=echo"]);
    assert_eq!(
        services(&["--service=weather=silent,news=echo"]),
        ["testdest=echo", "weather=silent", "news=echo"]
    );
    assert_eq!(services(&["--service", "testdest=silent"]), ["testdest=silent"]);
    for (service, reason) in [
        ("weather", "has to be NAME=KIND with the kind echo or silent"),
        ("weather=loud", "has to be NAME=KIND with the kind echo or silent"),
        ("echo=silent", "is no name for a service"),
        ("a=echo,a=silent", "there is more than one --service a"),
    ] {
        let error = refused(&["--service", service]);
        assert!(error.contains(reason) && error.contains("--service"), "{error}");
    }
}
