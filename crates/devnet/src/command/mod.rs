//! The command: starts a server, says where it is, and ends it when asked to.

mod args;

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use kpthin_devnet::{Faults, NOTICE, Server, ServerEvent, StartError};

pub(crate) use args::Args;

/// How long clients have to read that the daemon stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// Runs until Ctrl-C.
pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    // Before anything is started, so that no signal finds it half-way.
    let (stop, stopped) = mpsc::channel();
    let failed = stop.clone();
    ctrlc::set_handler(move || {
        let _ = stop.send(None);
    })?;
    let seed = args.seed();
    let faults = args.faults()?;
    let server = start(args, seed, failed)?;
    server.with(|devnet, now| devnet.set_faults(now, faults.clone()));
    println!("{NOTICE}");
    match &args.store {
        Some(path) => println!("profile {}, boxes are kept in {}", args.profile, path.display()),
        None => println!("profile {}, seed {seed}; the same seed makes the same network", args.profile),
    }
    if faults != Faults::default() {
        println!("on purpose: {faults}");
    }
    let config = thin_client_toml(&server, args);
    println!("\n# thinclient.toml\n{config}");
    if let Some(path) = &args.write_config {
        fs::write(path, &config).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("written to {}", path.display());
    }
    println!("Ctrl-C stops it.");

    if let Some(failure) = stopped.recv()? {
        return Err(failure.into());
    }
    println!("stopping: clients are told");
    server.shutdown();
    if !server.wait_until_closed(GOODBYE) {
        println!("not all of them have listened");
    }
    Ok(())
}

fn start(args: &Args, seed: u64, failed: Sender<Option<String>>) -> Result<Server, Box<dyn Error>> {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_le_bytes()).for_each(|(byte, seed)| *byte = seed);
    let mut builder = Server::builder(args.config(), bytes).on_event(move |event| match event {
        ServerEvent::Closed { conn } => println!("connection {conn} closed"),
        ServerEvent::Crashed => {
            let why = "a client sent a body of null, on which the reference daemon crashes (Q-01)";
            let _ = failed.send(Some(why.to_owned()));
        }
        ServerEvent::Opened { conn, over } => println!("connection {conn} opened over {over}"),
        ServerEvent::StoreFailed { reason } => {
            let _ = failed.send(Some(format!("the store can't be written any more: {reason}")));
        }
        _ => {}
    });
    if let Some(address) = args.listen() {
        builder = builder.tcp(address);
    }
    if let Some(path) = &args.unix {
        builder = match path.to_str().and_then(|path| path.strip_prefix('@')) {
            Some(name) => builder.abstract_name(name),
            None => builder.unix_path(path),
        };
    }
    if let Some(path) = &args.store {
        builder = builder.store(path);
    }
    if args.allow_public {
        builder = builder.allow_public_addresses();
    }
    builder.start().map_err(|error| match error {
        StartError::NotLoopback(_) => format!(
            "{error}: others could read and change everything; --allow-public listens there all the same"
        )
        .into(),
        error => error.into(),
    })
}

/// What a client reads to find this devnet (§8.1).
fn thin_client_toml(server: &Server, args: &Args) -> String {
    let mut toml = String::new();
    // Writing to memory does not fail.
    if let Some(path) = &args.unix {
        let _ = writeln!(toml, "[Dial.Unix]\nAddress = {:?}", path.display().to_string());
    } else if let Some(address) = server.tcp_addr() {
        let _ = writeln!(toml, "[Dial.Tcp]\nAddress = {:?}\nNetwork = \"tcp\"", address.to_string());
    }
    toml
}
