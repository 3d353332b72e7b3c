//! Alice writes a stream, Bob reads it, and neither notices that the daemon was restarted.
//!
//! Without arguments this runs against an embedded daemon on a Unix socket. With
//! `--config thinclient.toml` it runs the same against any daemon, except for the restart.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

use std::{env, error::Error, path::PathBuf, process::ExitCode, time::Duration};

use kpthin::{
    CallError, Client, Config, Event, Events, Read, WhenUnwritten,
    devnet::{DevnetConfig, Server},
    wire::{MessageBoxIndex, ReadCap, SecretBytes, WriteCap},
};
use tokio::time::Instant;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What the embedded daemon draws its random numbers from; it has no secrets.
const DEVNET_SEED: [u8; 32] = *b"alice and bob, for development..";

/// Longer than this only a daemon on a real network takes.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let config = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--config", path] => Some(PathBuf::from(path)),
        ["--help" | "-h"] => {
            println!("usage: alice_and_bob [--config THINCLIENT.TOML]");
            println!("Without --config it starts an embedded daemon of its own.");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("usage: alice_and_bob [--config THINCLIENT.TOML]");
            return ExitCode::from(2);
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("alice_and_bob: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Option<PathBuf>) -> Result<()> {
    let devnet = match &config {
        Some(_) => None,
        None => Some(embedded_daemon()?),
    };
    let config = match (&config, &devnet) {
        (Some(path), _) => Config::from_file(path)?,
        (None, Some((socket, _))) => Config::unix(socket),
        (None, None) => return Err("there is no daemon to connect to".into()),
    };

    let client = kpthin::tokio::connect(config).await?;
    let events = client.events();
    show_network(&client).await?;
    ping_echo(&client).await?;
    let stream = alice_writes(&client).await?;
    bob_reads(&client, &stream).await?;
    alice_deletes(&client, &stream).await?;
    match &devnet {
        Some((_, server)) => survive_a_restart(&client, server, events, &stream).await?,
        None => println!("\nThe restart is left out: this daemon is not ours to stop."),
    }
    client.stop().await?;
    println!("\nDone.");
    Ok(())
}

/// A daemon inside this process, reached through a real socket.
fn embedded_daemon() -> Result<(PathBuf, Server)> {
    let socket = env::temp_dir().join(format!("kpthin-alice-and-bob-{}.sock", std::process::id()));
    let server = Server::builder(DevnetConfig::instant(), DEVNET_SEED).unix_path(&socket).start()?;
    println!("An embedded daemon listens on {}.", socket.display());
    println!("It is for development: everything runs in this process, and nothing is anonymous.");
    Ok((socket, server))
}

async fn show_network(client: &Client) -> Result<()> {
    let status = client.wait_until_ready().timeout(PATIENCE).await?;
    let document = client.pki_document().ok_or("the daemon has no document")?;
    heading("The network");
    if let Some(instance) = status.instance {
        println!("  daemon    instance {instance}");
    }
    let mixes: usize = document.topology().map(|layer| layer.len()).sum();
    println!("  epoch     {}", document.epoch());
    println!(
        "  nodes     {} in {}, {}, {}, {}",
        count(mixes, "mix", "mixes"),
        count(document.topology().len(), "layer", "layers"),
        count(document.gateway_nodes().len(), "gateway", "gateways"),
        count(document.service_nodes().len(), "service node", "service nodes"),
        count(document.storage_replicas().len(), "storage replica", "storage replicas"),
    );
    for service in client.services("echo").iter().chain(&client.couriers()) {
        println!("  service   {:<8} {} on {}", service.capability, service.queue, service.node);
    }
    if let Some(max) = client.max_message_len() {
        println!("  boxes     hold up to {max} bytes each");
    }
    Ok(())
}

async fn ping_echo(client: &Client) -> Result<()> {
    heading("A message to a service");
    let begin = Instant::now();
    let reply = client.send_and_await_reply("echo", "ping").timeout(PATIENCE).await?;
    let text = String::from_utf8_lossy(&reply);
    println!("  sent      \"ping\" to echo");
    println!("  received  \"{}\" after {:.1?}", text.trim_end_matches('\0'), begin.elapsed());
    Ok(())
}

/// What Alice keeps, and what she gives Bob of it.
struct Stream {
    write_cap: WriteCap,
    read_cap: ReadCap,
    first: MessageBoxIndex,
    /// The box that Alice writes next.
    next: MessageBoxIndex,
    written: usize,
}

impl Stream {
    /// A box's place in the stream, from 1; its real number is a random one of 63 bits.
    fn place(&self, index: &MessageBoxIndex) -> u64 {
        index.counter() - self.first.counter() + 1
    }
}

async fn alice_writes(client: &Client) -> Result<Stream> {
    heading("Alice creates a stream and writes");
    let keys = client.create_stream().await?;
    let first = keys.first_message_index;
    println!("  stream    begins at index {}, which is box 1 here", first.counter());

    let messages = ["Hello, Bob. Nobody can tell that this is from me to you.", "Second box.", "Third box."];
    let mut stream =
        Stream { write_cap: keys.write_cap, read_cap: keys.read_cap, next: first.clone(), first, written: 0 };
    for message in messages {
        let next = client.write(&stream.write_cap, &stream.next, message).timeout(PATIENCE).await?;
        println!("  box {}     stored: {message:?}", stream.place(&stream.next));
        stream.next = next;
        stream.written += 1;
    }

    let max = client.max_message_len().ok_or("the daemon has announced no sizes")?;
    match client.write(&stream.write_cap, &stream.next, vec![b'x'; max + 1]).await {
        Err(error @ CallError::TooLarge { .. }) => {
            println!("  too long  refused before anything was sent: {error}")
        }
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("a message that does not fit a box was accepted".into()),
    }
    Ok(stream)
}

async fn bob_reads(client: &Client, stream: &Stream) -> Result<()> {
    heading("Bob reads what she wrote");
    let mut index = stream.first.clone();
    for _ in 0..stream.written {
        index = read_one(client, stream, &index).await?;
    }
    Ok(())
}

/// Reads one box and returns the index of the next.
///
/// A box just written may not have reached the replica that is asked, so "not written" is asked
/// again.
async fn read_one(client: &Client, stream: &Stream, index: &MessageBoxIndex) -> Result<MessageBoxIndex> {
    let place = stream.place(index);
    loop {
        match client.read(&stream.read_cap, index).timeout(PATIENCE).await? {
            Read::Message { plaintext, next } => {
                println!("  box {place}     {:?}", String::from_utf8_lossy(&plaintext));
                return Ok(next);
            }
            Read::Tombstone { next } => {
                println!("  box {place}     deleted by Alice");
                return Ok(next);
            }
            Read::NotWritten => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}

async fn alice_deletes(client: &Client, stream: &Stream) -> Result<()> {
    heading("Alice deletes the first box");
    let report = client.tombstone(&stream.write_cap, &stream.first, 1).timeout(PATIENCE).await?;
    if !report.is_complete() {
        return Err(format!("the tombstone was not stored: {report:?}").into());
    }
    let begin = Instant::now();
    loop {
        match client.read(&stream.read_cap, &stream.first).timeout(PATIENCE).await? {
            Read::Tombstone { .. } => break,
            // The replica that is asked may not have heard of it yet.
            Read::Message { .. } | Read::NotWritten if begin.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Read::Message { .. } | Read::NotWritten => return Err("the tombstone did not arrive".into()),
        }
    }
    println!("  box 1     is a tombstone now, signed by Alice, and Bob finds it");
    Ok(())
}

async fn survive_a_restart(
    client: &Client,
    server: &Server,
    mut events: Events,
    stream: &Stream,
) -> Result<()> {
    heading("The daemon is restarted while Bob waits for a box");
    let before = client.status().instance.ok_or("the daemon has named no instance")?;
    let index = stream.next.clone();
    let envelope = client.encrypt_read(&stream.read_cap, &index).await?;
    let waiting =
        client.start_resending_encrypted_message(envelope.request(&stream.read_cap, WhenUnwritten::Poll));
    // Calls are written in order, so with this answer the question is on its way too.
    let _counter = client.get_message_box_index_counter(&index).await?;
    println!("  Bob       asks for box {}, which is not written", stream.place(&index));
    println!("  daemon    instance {before} is stopped: no session and no operation survives it");
    server.restart();

    loop {
        match events.recv().await {
            Some(Event::LinkDown { cause, retry_in }) => {
                let retry = retry_in.map_or(String::new(), |retry| format!(", next attempt in {retry:.1?}"));
                println!("  client    link down: {cause}{retry}");
            }
            Some(Event::Reconnected { same_daemon, resumed, replayed, failed }) => {
                println!(
                    "  client    reconnected: same daemon {same_daemon}, session resumed {resumed}, \
                     {replayed} call sent again, {failed} failed"
                );
                break;
            }
            Some(_) => {}
            None => return Err("the client has stopped".into()),
        }
    }
    let after = client.status().instance.ok_or("the daemon has named no instance")?;
    println!("  daemon    instance {after} took over");

    let message = SecretBytes::from("Written after the restart, read by a call from before it.");
    client.write(&stream.write_cap, &index, message).timeout(PATIENCE).await?;
    println!("  Alice     writes box {}", stream.place(&index));
    let reply = waiting.timeout(PATIENCE).await?;
    let plaintext = reply.plaintext.ok_or("the reply carries no content")?;
    println!("  Bob       has it: {:?}", String::from_utf8_lossy(&plaintext));
    Ok(())
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn heading(text: &str) {
    println!("\n{text}");
}
