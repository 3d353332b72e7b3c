//! What a writer has to keep.

use std::{collections::VecDeque, fmt};

use kpthin_bacap as bacap;
use kpthin_client::{
    record::{Head, RecordError, RecordReader, RecordWriter},
    wire::{MessageBoxIndex, SecretBytes, WriteCap},
};

use crate::{error::StateError, steps};

const HEAD: Head = Head { magic: *b"KPTS", kind: b'w', version: 1 };

/// Something that a writer still has to do, or whose receipt has not been taken.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Put this into the box.
    Write { index: MessageBoxIndex, body: SecretBytes },
    /// Delete the boxes from here on, up to and without the one with number `end`.
    Delete { index: MessageBoxIndex, end: u64 },
}

/// The position of a writer, and everything whose receipt has not been taken.
///
/// # When to save it
///
/// After [`push`](crate::StreamWriter::push) and before [`release`](crate::StreamWriter::release):
/// nothing is sent that is not in a saved state, so that after a crash no box ever gets another
/// content. Saving it after a receipt keeps it small; without that the same boxes are sent again,
/// which is harmless.
///
/// A state is for one writer at a time. Two writers, or an old backup, end in
/// [`Outcome::Conflict`](crate::Outcome::Conflict).
#[derive(Clone, PartialEq, Eq)]
pub struct WriterState {
    pub(crate) write_cap: WriteCap,
    /// The box that the next push fills.
    pub(crate) next: MessageBoxIndex,
    /// The longest body, as the daemon announced it last.
    pub(crate) limit: Option<u64>,
    pub(crate) tasks: VecDeque<Task>,
}

impl WriterState {
    /// A writer that begins at a box: the first one of a new stream, or the next one of a stream
    /// that was written in another way.
    ///
    /// # Errors
    ///
    /// - [`StateError::Capability`]: the capability is none.
    /// - [`StateError::ForeignIndex`]: the index is not one of its stream's. That is found out if it
    ///   lies before the capability's own, or at most 4,096 boxes behind it.
    pub fn new(write_cap: WriteCap, index: MessageBoxIndex) -> Result<Self, StateError> {
        let _ = bacap::WriteCap::from_bytes(write_cap.as_bytes())?;
        steps::check(&write_cap.read_cap(), &index)?;
        Ok(Self { write_cap, next: index, limit: None, tasks: VecDeque::new() })
    }

    /// The stream.
    #[must_use]
    pub const fn write_cap(&self) -> &WriteCap {
        &self.write_cap
    }

    /// The box that the next push fills.
    #[must_use]
    pub const fn next_index(&self) -> &MessageBoxIndex {
        &self.next
    }

    /// The bytes to store. They are as secret as the capability and the messages in them.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = RecordWriter::new(HEAD, self.len());
        self.put(&mut writer);
        writer.finish()
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

    pub(crate) fn len(&self) -> usize {
        let task = |task: &Task| match task {
            Task::Write { body, .. } => 1 + 104 + 4 + body.len(),
            Task::Delete { .. } => 1 + 104 + 8,
        };
        168 + 104 + 2 * 8 + self.tasks.iter().map(task).sum::<usize>()
    }

    /// The body: capability, next index, limit (0 for none), tasks behind their number.
    pub(crate) fn put(&self, writer: &mut RecordWriter) {
        writer.put(self.write_cap.as_bytes());
        writer.put(self.next.as_bytes());
        writer.put_u64(self.limit.unwrap_or_default());
        writer.put_u64(self.tasks.len() as u64);
        for task in &self.tasks {
            match task {
                Task::Write { index, body } => {
                    writer.put_u8(b'w');
                    writer.put(index.as_bytes());
                    writer.put_counted(body);
                }
                Task::Delete { index, end } => {
                    writer.put_u8(b'd');
                    writer.put(index.as_bytes());
                    writer.put_u64(*end);
                }
            }
        }
    }

    pub(crate) fn take(reader: &mut RecordReader<'_>) -> Result<Self, RecordError> {
        let write_cap = WriteCap::from(*reader.array::<168>()?);
        let next = MessageBoxIndex::from(*reader.array::<104>()?);
        let limit = Some(reader.u64()?).filter(|limit| *limit > 0);
        let count = reader.u64()?;
        let mut tasks = VecDeque::new();
        for _ in 0..count {
            let kind = reader.u8()?;
            let index = MessageBoxIndex::from(*reader.array::<104>()?);
            tasks.push_back(match kind {
                b'w' => Task::Write { index, body: reader.counted()?.into() },
                b'd' => Task::Delete { index, end: reader.u64()? },
                _ => return Err(RecordError::Damaged),
            });
        }
        Ok(Self { write_cap, next, limit, tasks })
    }
}

impl fmt::Debug for WriterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriterState(#{}, {} tasks)", self.next.counter(), self.tasks.len())
    }
}
