//! The command: starts a server, says where it is, and ends it when asked to.

mod args;
mod authorities;
mod failure;
mod files;
mod printer;
mod signals;
mod thin_client;

use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use kpthin_devnet::{Faults, NOTICE, Server, ServerBuilder, ServerEvent};

use args::{Args, Form, Listen, UnixPlace};
use failure::{explained, seed_bytes, seed_text};
use files::ReadyFile;
use printer::Printer;

/// How long clients have to read that the daemon stops.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long whoever reads our output has to read the rest.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Why the command ends.
enum Stop {
    /// It can't go on.
    Failed(String),
    /// A signal asks for it.
    Signal(&'static str),
}

/// Runs until it is told to stop, and tells how that went.
pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    let printer = match Printer::new(args.output.level()) {
        Ok(printer) => printer,
        Err(error) => {
            // Nobody may be there to read it.
            let _ = writeln!(std::io::stderr(), "kpthin-devnet: cannot start a thread: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = match args.output.print_authorities {
        Some(form) => print_authorities(&args, form),
        None => run(&args, &printer),
    };
    if let Err(failure) = &result {
        printer.error(failure);
    }
    printer.finish(LAST_LINES);
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(args: &Args, printer: &Printer) -> Result<(), String> {
    for name in Args::unknown_variables() {
        printer.warn(&format!("{name} is set and stands for no flag; --help has a list"));
    }
    // Before anything is started, so that no signal finds it half-way.
    let (stop, stopped) = mpsc::channel();
    signals::tell(stop.clone()).map_err(|error| format!("cannot watch for signals: {error}"))?;
    if let Some(path) = &args.output.ready_file {
        ReadyFile::clear(path)?;
    }
    let seed = args.seed_or_random();
    let server = start(args, seed_bytes(seed), printer, stop)?;
    let faults = args.network.faults();
    server.with(|devnet, now| devnet.set_faults(now, faults.clone()));
    greet(args, &server, &faults, printer)?;
    let ready = args.output.ready_file.as_deref();
    let ready = ready.map(|path| ReadyFile::write(path, server.addresses())).transpose()?;
    printer.info("Ctrl-C stops it.");

    let result = match stopped.recv() {
        Ok(Stop::Signal(name)) => {
            printer.info("stopping: clients are told");
            printer.debug(format!("it was {name}"));
            server.shutdown();
            if !server.wait_until_closed(GOODBYE) {
                printer.info("not all of them have listened");
            }
            Ok(())
        }
        Ok(Stop::Failed(why)) => Err(why),
        Err(_) => Err("nobody is left who could stop it".to_owned()),
    };
    let done = server.with(|devnet, _| devnet.traffic());
    printer.debug(format!(
        "it has sent {} packets and encrypted {} reads and {} writes; faults have struck {} times",
        done.packets, done.encrypted_reads, done.encrypted_writes, done.faults
    ));
    if let Some(Err(error)) = ready.map(ReadyFile::remove) {
        printer.warn(&error);
    }
    result
}

/// Says what was started, and where.
fn greet(args: &Args, server: &Server, faults: &Faults, printer: &Printer) -> Result<(), String> {
    let (profile, seed) = (args.network.profile.name(), seed_text(&server.seed()));
    printer.info(NOTICE);
    printer.info(match &args.store {
        Some(path) => format!("profile {profile}, seed {seed}, boxes are kept in {}", path.display()),
        None => format!("profile {profile}, seed {seed}; the same seed makes the same network"),
    });
    if *faults != Faults::default() {
        printer.info(format!("on purpose: {faults}"));
    }
    if !args.network.quirks().is_empty() {
        printer.info(format!("otherwise than the profile: {}", args.network.quirks().join(" ")));
    }
    printer.debug(format!("quirks: {}", args.config().quirks));
    for service in &args.config().services {
        printer.debug(format!("service {service}"));
    }
    for (name, value) in args.settings() {
        printer.debug(format!("{name} {value}"));
    }
    for address in server.addresses() {
        printer.info(format!("listening on {address}"));
    }
    let config = thin_client::toml(server.addresses());
    match (&config, &args.output.write_config) {
        (Ok(config), _) => printer.info(format!("\n# thinclient.toml\n{config}")),
        (Err(problem), Some(_)) => return Err(problem.clone()),
        (Err(problem), None) => printer.warn(problem),
    }
    if let (Some(path), Ok(config)) = (&args.output.write_config, &config) {
        files::write_whole(path, config.as_bytes())?;
        printer.info(format!("written to {}", path.display()));
    }
    Ok(())
}

fn start(args: &Args, seed: [u8; 32], printer: &Printer, stop: Sender<Stop>) -> Result<Server, String> {
    let told = printer.clone();
    let builder = builder(args, seed).on_event(move |event| match event {
        ServerEvent::AcceptFailed { address, reason } => {
            told.warn(&format!("nobody can be accepted on {address} at present: {reason}"));
        }
        ServerEvent::Closed { conn, reason } => told.info(format!("connection {conn} closed: {reason}")),
        ServerEvent::Crashed(crash) => {
            let _ = stop.send(Stop::Failed(format!("crashed as the reference daemon does: {crash}")));
        }
        ServerEvent::Opened { conn, over } => told.info(format!("connection {conn} opened over {over}")),
        ServerEvent::StoreCut { bytes } => told.warn(&format!(
            "the store ended with {bytes} bytes that were never written completely; they are cut off"
        )),
        ServerEvent::StoreFailed { reason } => {
            let _ = stop.send(Stop::Failed(format!("the store can't be written any more: {reason}")));
        }
        ServerEvent::ThreadFailed { conn, reason } => {
            told.warn(&format!("connection {conn} can't be served: {reason}"));
        }
        _ => {}
    });
    builder.start().map_err(|error| explained(&error))
}

fn builder(args: &Args, seed: [u8; 32]) -> ServerBuilder {
    let mut builder = Server::builder(args.config(), seed);
    for place in args.places.listen() {
        builder = match place {
            Listen::Address(address) => builder.tcp(address),
            Listen::Localhost(port) => builder.localhost(port),
        };
    }
    for place in &args.places.unix {
        builder = match place {
            UnixPlace::Abstract(name) => builder.abstract_name(name),
            UnixPlace::Path(path) => builder.unix_path(path),
        };
    }
    if let Some(path) = &args.store {
        builder = builder.store(path);
    }
    if args.seed.is_some() {
        builder = builder.exact_seed();
    }
    if args.places.allow_public {
        builder = builder.allow_public_addresses();
    }
    builder
}

fn print_authorities(args: &Args, form: Form) -> Result<(), String> {
    let stored = builder(args, [0; 32]).stored_seed().map_err(|error| explained(&error))?;
    let given = args.seed.map(seed_bytes);
    let seed = match (stored, given) {
        (Some(found), Some(given)) if found != given => {
            let path = args.store.clone().unwrap_or_default();
            return Err(explained(&kpthin_devnet::StartError::OtherSeed { path, found, given }));
        }
        (Some(seed), _) | (None, Some(seed)) => seed,
        (None, None) => {
            return Err(match &args.store {
                Some(path) => format!(
                    "{}: is not there yet, so it has no seed; give the --seed that it is to have",
                    path.display()
                ),
                None => "the authorities' keys follow from the seed; give --seed, or a --store that has one"
                    .to_owned(),
            });
        }
    };
    let text = authorities::text(args.config(), seed, form);
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| format!("standard output: {error}"))
}
