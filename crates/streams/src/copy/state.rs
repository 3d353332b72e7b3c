//! What a copy job has to keep.

use std::{collections::VecDeque, fmt};

use kpthin_client::{
    pki::ServiceAddress,
    record::{Head, RecordError, RecordReader, RecordWriter},
    wire::{IdentityHash, MessageBoxIndex, QueueId, SecretBytes, WriteCap},
};

use crate::error::StateError;

const HEAD: Head = Head { magic: *b"KPTS", kind: b'j', version: 1 };

/// What goes into the boxes of a destination.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Payload(SecretBytes),
    Tombstones(u32),
}

/// One destination, with what is to be written there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) write_cap: WriteCap,
    pub(crate) start: MessageBoxIndex,
    pub(crate) content: Content,
}

impl Source {
    /// How many boxes it fills, with `chunk` bytes each.
    pub(crate) fn boxes(&self, chunk: u64) -> u64 {
        match &self.content {
            Content::Payload(payload) => (payload.len() as u64).div_ceil(chunk.max(1)),
            Content::Tombstones(count) => u64::from(*count),
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// More may be appended.
    Open,
    /// Nothing more comes.
    Closed,
    /// Everything is sealed, the end of the stream included.
    Sealed,
    /// The courier may have been told.
    Commanded,
    /// The courier has said that everything is written.
    Done,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Open, Self::Closed, Self::Sealed, Self::Commanded, Self::Done];
}

/// A copy job at rest: what is to be copied, and how far it is.
///
/// # When to save it
///
/// After [`seal_batch`](crate::CopyJob::seal_batch) and before
/// [`upload`](crate::CopyJob::upload): sealing draws random numbers, so what is uploaded must not be
/// sealed again. After `upload`, and after [`finish`](crate::CopyJob::finish).
/// [`run`](crate::CopyJob::run) does it at the right moments.
#[derive(Clone, PartialEq, Eq)]
pub struct CopyState {
    /// The temporary stream.
    pub(crate) temporary: WriteCap,
    /// The box of the first element that is not uploaded.
    pub(crate) next: MessageBoxIndex,
    pub(crate) courier: ServiceAddress,
    /// Bytes of a destination box.
    pub(crate) chunk: u64,
    pub(crate) sources: Vec<Source>,
    /// What is sealed: so many sources, and so many boxes of the next one.
    pub(crate) sealed: (u64, u64),
    /// Whether the stream has begun.
    pub(crate) started: bool,
    /// What the daemon keeps back of the stream until the next call.
    pub(crate) buffer: SecretBytes,
    /// Sealed and not uploaded.
    pub(crate) elements: VecDeque<SecretBytes>,
    /// The replica epoch of the first element.
    pub(crate) epoch: Option<u64>,
    pub(crate) stage: Stage,
}

impl CopyState {
    /// Whether the courier has said that everything is written.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// The bytes to store. They are as secret as the capabilities and the content in them.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = RecordWriter::new(HEAD, self.len());
        writer.put(self.temporary.as_bytes());
        writer.put(self.next.as_bytes());
        writer.put(self.courier.node.as_bytes());
        writer.put_counted(self.courier.queue.as_bytes());
        writer.put_u64(self.chunk);
        writer.put_u64(self.sources.len() as u64);
        for Source { write_cap, start, content } in &self.sources {
            writer.put(write_cap.as_bytes());
            writer.put(start.as_bytes());
            match content {
                Content::Payload(payload) => {
                    writer.put_u8(b'p');
                    writer.put_counted(payload);
                }
                Content::Tombstones(count) => {
                    writer.put_u8(b't');
                    writer.put_u64(u64::from(*count));
                }
            }
        }
        writer.put_u64(self.sealed.0);
        writer.put_u64(self.sealed.1);
        writer.put_u8(u8::from(self.started));
        writer.put_counted(&self.buffer);
        writer.put_u64(self.elements.len() as u64);
        self.elements.iter().for_each(|element| writer.put_counted(element));
        writer.put_u8(u8::from(self.epoch.is_some()));
        writer.put_u64(self.epoch.unwrap_or_default());
        writer.put_u8(
            Stage::ALL.iter().zip(0..).find(|(stage, _)| **stage == self.stage).map_or(0, |(_, n)| n),
        );
        writer.finish()
    }

    fn len(&self) -> usize {
        let source = |source: &Source| {
            168 + 104
                + 1
                + 8
                + match &source.content {
                    Content::Payload(payload) => payload.len(),
                    Content::Tombstones(_) => 0,
                }
        };
        let elements = self.elements.iter().map(|element| element.len() + 4).sum::<usize>();
        let sources = self.sources.iter().map(source).sum::<usize>();
        168 + 104 + 32 + 4 + QueueId::LEN_MAX + 8 * 6 + 4 + self.buffer.len() + sources + elements + 3
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`StateError::Record`] if the bytes are not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = HEAD.open(bytes)?;
        let state = Self::take(&mut reader)?;
        reader.end()?;
        Ok(state)
    }

    fn take(reader: &mut RecordReader<'_>) -> Result<Self, RecordError> {
        const DAMAGED: RecordError = RecordError::Damaged;
        let temporary = WriteCap::from(*reader.array::<168>()?);
        let next = MessageBoxIndex::from(*reader.array::<104>()?);
        let node = IdentityHash::from(*reader.array::<32>()?);
        let queue = QueueId::new(reader.counted()?).ok_or(DAMAGED)?;
        let chunk = reader.u64()?;
        let mut sources = Vec::new();
        for _ in 0..reader.u64()? {
            let write_cap = WriteCap::from(*reader.array::<168>()?);
            let start = MessageBoxIndex::from(*reader.array::<104>()?);
            let content = match reader.u8()? {
                b'p' => Content::Payload(reader.counted()?.into()),
                b't' => Content::Tombstones(u32::try_from(reader.u64()?).map_err(|_| DAMAGED)?),
                _ => return Err(DAMAGED),
            };
            sources.push(Source { write_cap, start, content });
        }
        let sealed = (reader.u64()?, reader.u64()?);
        let started = reader.u8()? != 0;
        let buffer = reader.counted()?.into();
        let mut elements = VecDeque::new();
        for _ in 0..reader.u64()? {
            elements.push_back(reader.counted()?.into());
        }
        let epoch = (reader.u8()? != 0, reader.u64()?);
        let stage = Stage::ALL.get(usize::from(reader.u8()?)).copied().ok_or(DAMAGED)?;
        Ok(Self {
            temporary,
            next,
            courier: ServiceAddress { node, queue },
            chunk,
            sources,
            sealed,
            started,
            buffer,
            elements,
            epoch: epoch.0.then_some(epoch.1),
            stage,
        })
    }
}

impl fmt::Debug for CopyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sources, elements, stage, .. } = self;
        write!(
            f,
            "CopyState({} destinations, {} elements to upload, {stage:?})",
            sources.len(),
            elements.len()
        )
    }
}
