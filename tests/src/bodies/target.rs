//! What a body runs against, and how it says how it went.

use std::{env, fmt, path::PathBuf, pin::Pin, process, sync::Arc, time::Duration};

use kpthin::{
    Client, Config, ConnectError, Read,
    devnet::{DevnetConfig, Server},
    wire::{KeypairReply, MessageBoxIndex, ReadCap, SecretBytes},
};

/// Why a body did not pass.
#[derive(Debug)]
pub enum Outcome {
    /// Something is wrong.
    Failed(String),
    /// It could not run, for this reason.
    Skipped(String),
}

/// Any error fails the body.
impl<E: fmt::Display> From<E> for Outcome {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// How an adapter connects.
pub type Connect = fn(Config) -> Pin<Box<dyn Future<Output = Result<Client, ConnectError>> + Send>>;

/// A daemon to run against, and the adapter to connect with.
#[derive(Clone)]
pub struct Target {
    connect: Connect,
    config: Config,
    /// Keeps the embedded daemon running; `None` for a real one.
    devnet: Option<Arc<Server>>,
}

impl Target {
    /// An embedded daemon of the body's own, on a Unix socket.
    pub fn devnet(connect: Connect, config: DevnetConfig, body: &str) -> Result<Self, String> {
        let socket: PathBuf = env::temp_dir().join(format!("kpthin-{}-{:.60}.sock", process::id(), body));
        let server = Server::builder(config, [7; 32])
            .unix_path(&socket)
            .start()
            .map_err(|error| format!("the embedded daemon does not start: {error}"))?;
        Ok(Self { connect, config: Config::unix(socket), devnet: Some(Arc::new(server)) })
    }

    /// The daemon that a `thinclient.toml` leads to.
    pub fn live(connect: Connect, path: &str) -> Result<Self, String> {
        let config = Config::from_file(path).map_err(|error| format!("{path}: {error}"))?;
        Ok(Self { connect, config, devnet: None })
    }

    /// A client, once the network can be reached.
    pub async fn client(&self) -> Result<Client, Outcome> {
        let client = (self.connect)(self.config.clone()).await?;
        let _status = client.wait_until_ready().timeout(self.patience()).await?;
        Ok(client)
    }

    /// What one call may take: on a network an encryption takes up to ten seconds, a read up to a
    /// minute, and the first document longer still (§9.10).
    pub const fn patience(&self) -> Duration {
        Duration::from_secs(if self.devnet.is_some() { 30 } else { 180 })
    }

    /// What a failing copy may take: the courier tries for minutes.
    pub const fn copy_patience(&self) -> Duration {
        Duration::from_secs(if self.devnet.is_some() { 30 } else { 420 })
    }

    /// The pause before something that is not there yet is asked for again.
    pub async fn pause(&self, client: &Client) {
        client.pause(Duration::from_millis(if self.devnet.is_some() { 10 } else { 2_000 })).await;
    }

    /// Reads a box that has been written, until replication lets it be seen.
    pub async fn read_written(
        &self,
        client: &Client,
        read_cap: &ReadCap,
        index: &MessageBoxIndex,
    ) -> Result<Read, Outcome> {
        for _ in 0..60 {
            match client.read(read_cap, index).timeout(self.patience()).await? {
                Read::NotWritten => self.pause(client).await,
                read => return Ok(read),
            }
        }
        Err(Outcome::Failed("the box that was written is not found".into()))
    }

    /// Reads a box that has been written and compares it.
    pub async fn expect_message(
        &self,
        client: &Client,
        read_cap: &ReadCap,
        index: &MessageBoxIndex,
        expected: &[u8],
    ) -> Result<MessageBoxIndex, Outcome> {
        match self.read_written(client, read_cap, index).await? {
            Read::Message { plaintext, next } if *plaintext == *expected => Ok(next),
            other => Err(Outcome::Failed(format!("{other:?} instead of {} bytes", expected.len()))),
        }
    }

    /// A stream of the body's own.
    pub async fn stream(&self, client: &Client) -> Result<KeypairReply, Outcome> {
        Ok(client.create_stream().timeout(self.patience()).await?)
    }

    /// Writes one box after the other from an index on.
    pub async fn write_all<'a>(
        &self,
        client: &Client,
        stream: &KeypairReply,
        boxes: impl IntoIterator<Item = &'a SecretBytes>,
    ) -> Result<MessageBoxIndex, Outcome> {
        let mut index = stream.first_message_index.clone();
        for plaintext in boxes {
            index =
                client.write(&stream.write_cap, &index, plaintext.clone()).timeout(self.patience()).await?;
        }
        Ok(index)
    }
}

/// Fails the body unless a condition holds.
pub fn ensure(condition: bool, what: impl Into<String>) -> Result<(), Outcome> {
    if condition { Ok(()) } else { Err(Outcome::Failed(what.into())) }
}
