//! Many boxes at once, written by a courier.

mod error;
mod later;
mod plan;
mod state;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, fmt};

use kpthin_client::{
    Call, CallError, Client, FlowKind, ReplicaError,
    pki::ServiceAddress,
    wire::{
        CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromTombstoneRange, Destination,
        MessageBoxIndex, SecretBytes, WriteCap,
    },
};

pub use self::{
    error::{CopyError, CopyOutcome, RunError},
    state::CopyState,
};
use self::{
    later::once_possible,
    plan::{Batch, LENGTH_PREFIX, Part},
    state::{Content, Source, Stage},
};
use crate::steps;

/// Elements on their way at once; the daemon's own queue holds sixteen.
const AT_ONCE: usize = 8;

/// Writes many boxes of one or several streams by a single command to a courier.
///
/// What is to be written is packed into *elements*, which are uploaded to a temporary stream. Then a
/// courier is told to carry them out, in order. Until then no destination shows anything.
///
/// It is not all or nothing: when a box is refused, those before it stay written, and
/// [`CopyOutcome::Failed`] says which one it was.
///
/// The steps, and where to save:
///
/// 1. [`append`](Self::append) and [`append_tombstones`](Self::append_tombstones), then
///    [`close`](Self::close).
/// 2. [`seal_batch`](Self::seal_batch); save; [`upload`](Self::upload); save; until all is sealed.
///    Large jobs go in batches, so that little is to be done again after a crash.
/// 3. [`finish`](Self::finish); save.
///
/// [`run`](Self::run) takes steps 2 and 3. The futures are made of calls: await them on any executor,
/// or use [`Client::block_on`] on a plain thread. Dropping one loses nothing.
///
/// # Examples
///
/// ```
/// use kpthin_client::{Client, wire::KeypairReply};
/// use kpthin_streams::{CopyJob, CopyOutcome, CopyState};
///
/// # fn save(_: &CopyState) -> std::io::Result<()> { Ok(()) }
/// async fn publish(client: &Client, to: KeypairReply, text: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
///     let mut job = CopyJob::new(client, CopyJob::begin(client).await?);
///     job.append(to.write_cap, to.first_message_index, text)?;
///     job.close();
///     match job.run(save).await? {
///         CopyOutcome::Done => println!("published"),
///         other => println!("not published: {other:?}"),
///     }
///     Ok(())
/// }
/// ```
pub struct CopyJob {
    client: Client,
    state: CopyState,
    /// Whether the courier may have been told before, here or in an earlier life.
    told_before: bool,
}

impl CopyJob {
    /// Makes a temporary stream and draws a courier: the state of a job with nothing in it.
    ///
    /// It waits until the network can be reached.
    ///
    /// # Errors
    ///
    /// As [`Client::create_stream`], and [`CallError::CourierGone`] if the network has no courier.
    pub fn begin(client: &Client) -> Call<CopyState> {
        client.flow(FlowKind::Finite, |client| async move {
            drop(client.wait_until_ready().await?);
            let keys = client.create_stream().await?;
            let couriers = client.distinct_couriers(1).and_then(|couriers| couriers.into_iter().next());
            let courier = couriers.ok_or(CallError::CourierGone)?.destination();
            let limit =
                client.max_message_len().and_then(|limit| u64::try_from(limit).ok()).unwrap_or_default();
            Ok(CopyState {
                temporary: keys.write_cap,
                next: keys.first_message_index,
                courier,
                chunk: limit.saturating_sub(LENGTH_PREFIX),
                sources: Vec::new(),
                sealed: (0, 0),
                started: false,
                buffer: SecretBytes::default(),
                elements: VecDeque::new(),
                epoch: None,
                stage: Stage::Open,
            })
        })
    }

    /// A job that goes on where `state` is.
    #[must_use]
    pub fn new(client: &Client, state: CopyState) -> Self {
        // Once everything is uploaded, whoever saved this may have gone on to tell the courier.
        let complete = matches!(state.stage, Stage::Sealed | Stage::Commanded);
        let told_before = complete && state.elements.is_empty();
        Self { client: client.clone(), state, told_before }
    }

    /// The state to save.
    #[must_use]
    pub const fn state(&self) -> &CopyState {
        &self.state
    }

    /// Adds a payload for a stream, from a box on. It is cut into boxes, each four bytes shorter than
    /// one that is written directly.
    ///
    /// # Errors
    ///
    /// [`CopyError`] if it is empty, if a courier would not take so much in one job, if the index
    /// does not belong to the capability, or if the job is closed. Nothing has changed then.
    pub fn append(
        &mut self,
        write_cap: WriteCap,
        start: MessageBoxIndex,
        payload: impl Into<SecretBytes>,
    ) -> Result<(), CopyError> {
        self.add(Source { write_cap, start, content: Content::Payload(payload.into()) })
    }

    /// Adds the deletion of `count` boxes of a stream, from a box on.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_tombstones(
        &mut self,
        write_cap: WriteCap,
        start: MessageBoxIndex,
        count: u32,
    ) -> Result<(), CopyError> {
        self.add(Source { write_cap, start, content: Content::Tombstones(count) })
    }

    fn add(&mut self, source: Source) -> Result<(), CopyError> {
        if self.state.chunk == 0 {
            return Err(CopyError::NoGeometry);
        }
        self.state.append(source)
    }

    /// The box behind the last one of a destination, in the order of appending.
    #[must_use]
    pub fn next_index(&self, destination: usize) -> Option<MessageBoxIndex> {
        let source = self.state.sources.get(destination)?;
        let end = source.start.counter().checked_add(source.boxes(self.state.chunk))?;
        steps::advance(&source.start, end).ok()
    }

    /// Says that nothing more comes; the next batches end the stream.
    pub fn close(&mut self) {
        if self.state.stage == Stage::Open {
            self.state.stage = Stage::Closed;
        }
    }

    /// Seals the next few boxes into elements; tells whether there was anything to seal.
    ///
    /// Save the state before they are uploaded: the daemon draws random numbers, and would make
    /// others of the same boxes.
    ///
    /// # Errors
    ///
    /// [`CopyError::Empty`] for a closed job without destinations, and what the daemon said.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect but lost work.
    pub async fn seal_batch(&mut self) -> Result<bool, CopyError> {
        let Some(batch) = self.state.next_batch()? else { return Ok(false) };
        let epoch = self.replica_epoch();
        let (elements, buffer, next) = self.seal(&batch).await?;
        if next != batch.next {
            return Err(CopyError::IndexMismatch { counter: batch.start.counter() });
        }
        if self.state.epoch.is_none() {
            self.state.epoch = epoch;
        }
        self.state.batch_sealed(&batch, elements, buffer);
        Ok(true)
    }

    async fn seal(
        &self,
        batch: &Batch,
    ) -> Result<(Vec<SecretBytes>, Option<SecretBytes>, MessageBoxIndex), CopyError> {
        let (is_start, is_last) = (!self.state.started, batch.is_last);
        let buffer = Some(self.state.buffer.clone());
        let (cap, start) = (batch.write_cap.clone(), batch.start.clone());
        match &batch.part {
            Part::Payload(payload) => {
                let destination =
                    Destination { payload: payload.clone(), write_cap: cap, start_index: start };
                let request = CreateCourierEnvelopesFromMultiPayload {
                    destinations: vec![destination],
                    is_start,
                    is_last,
                    buffer,
                };
                let reply = once_possible(&self.client, || {
                    self.client.create_courier_envelopes_from_multi_payload(request.clone())
                });
                let reply = reply.await?;
                let next = reply.next_dest_indices.into_iter().next();
                Ok((reply.envelopes, reply.buffer, next.unwrap_or_else(|| batch.start.clone())))
            }
            Part::Tombstones(max_count) => {
                let request = CreateCourierEnvelopesFromTombstoneRange {
                    dest_write_cap: cap,
                    dest_start_index: start,
                    max_count: *max_count,
                    is_start,
                    is_last,
                    buffer,
                };
                let reply = once_possible(&self.client, || {
                    self.client.create_courier_envelopes_from_tombstone_range(request.clone())
                });
                let reply = reply.await?;
                Ok((reply.envelopes, reply.buffer, reply.next_dest_index))
            }
        }
    }

    /// Writes the sealed elements, which a saved state holds, to the temporary stream.
    ///
    /// # Errors
    ///
    /// [`CopyError::Conflict`] if the state is an old one, and what the network said.
    ///
    /// # Cancel safety
    ///
    /// Dropping it cancels what is on its way; what is written need not be written again, and may.
    pub async fn upload(&mut self) -> Result<(), CopyError> {
        let mut running = VecDeque::new();
        let mut index = self.state.next.clone();
        let mut started = 0;
        loop {
            while running.len() < AT_ONCE
                && let Some(element) = self.state.elements.get(started)
            {
                let call = self.client.write(&self.state.temporary, &index, element.clone());
                let counter = index.counter();
                index = steps::next(&index).map_err(|_| CopyError::IndexMismatch { counter })?;
                running.push_back((call, index.clone()));
                started += 1;
            }
            let Some((call, after)) = running.pop_front() else { return Ok(()) };
            match call.await {
                Ok(_) => {}
                Err(CallError::Replica(ReplicaError::BoxAlreadyExists | ReplicaError::Tombstone)) => {
                    return Err(CopyError::Conflict);
                }
                Err(error) => return Err(error.into()),
            }
            self.state.elements.pop_front();
            self.state.next = after;
            started -= 1;
        }
    }

    /// Has the courier carry out what was uploaded, and waits for it. Save the state before anything else.
    ///
    /// Newer couriers delete the temporary stream when they are done, so the same command would fail at another one, or half an
    /// hour later: a job that has succeeded never asks again.
    ///
    /// # Errors
    ///
    /// [`CopyError::NotUploaded`] before everything is sealed and uploaded; what the daemon said.
    /// [`CallError::CourierGone`] means that the courier has left the network; see
    /// [`set_courier`](Self::set_courier).
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the daemon's asking; the courier goes on. The next call asks how it went.
    pub async fn finish(&mut self) -> Result<CopyOutcome, CopyError> {
        if self.state.stage == Stage::Done {
            return Ok(CopyOutcome::Done);
        }
        if !matches!(self.state.stage, Stage::Sealed | Stage::Commanded) || !self.state.elements.is_empty() {
            return Err(CopyError::NotUploaded);
        }
        if self.is_stale() {
            return Ok(CopyOutcome::Stale);
        }
        let told_before = self.told_before;
        self.state.stage = Stage::Commanded;
        self.told_before = true;
        let command = once_possible(&self.client, || {
            self.client.start_resending_copy_command(&self.state.temporary, &self.state.courier)
        });
        match command.await {
            Ok(()) => {
                self.state.stage = Stage::Done;
                Ok(CopyOutcome::Done)
            }
            Err(CallError::Copy { .. }) if self.is_stale() => Ok(CopyOutcome::Stale),
            Err(CallError::Copy { replica, failed_envelope, replayed }) => {
                self.told_before = told_before;
                if replayed || told_before {
                    return Ok(CopyOutcome::Uncertain);
                }
                let found = failed_envelope.and_then(|number| self.state.envelope(number.get()));
                let (destination, index) = found.unzip();
                Ok(CopyOutcome::Failed { destination, index, replica })
            }
            Err(error) => {
                // Only what never left the daemon has certainly not been carried out.
                if error.fate() != kpthin_client::Fate::MaybeExecuted {
                    self.told_before = told_before;
                }
                Err(error.into())
            }
        }
    }

    /// Seals, uploads and finishes, and saves where it has to be saved.
    ///
    /// # Errors
    ///
    /// [`RunError::Copy`] for what the steps fail with, [`RunError::Save`] for what `save` does. The
    /// job can be run again.
    pub async fn run<E>(
        &mut self,
        mut save: impl FnMut(&CopyState) -> Result<(), E>,
    ) -> Result<CopyOutcome, RunError<E>> {
        self.close();
        if self.state.stage == Stage::Done {
            return Ok(CopyOutcome::Done);
        }
        loop {
            let sealed = self.seal_batch().await?;
            if !sealed && self.state.elements.is_empty() {
                break;
            }
            save(&self.state).map_err(RunError::Save)?;
            self.upload().await?;
        }
        save(&self.state).map_err(RunError::Save)?;
        let outcome = self.finish().await?;
        save(&self.state).map_err(RunError::Save)?;
        Ok(outcome)
    }

    /// Begins anew with the same destinations on a fresh temporary stream: after
    /// [`CopyOutcome::Stale`], or after a failure whose reason is gone.
    ///
    /// Boxes that are written already are written again with the same content, which is harmless.
    ///
    /// # Errors
    ///
    /// As [`Client::create_stream`]; nothing has changed then.
    pub async fn rebuild(&mut self) -> Result<(), CopyError> {
        let keys = self.client.create_stream().await?;
        self.state.begin_anew(keys.write_cap, keys.first_message_index);
        self.told_before = false;
        Ok(())
    }

    /// The courier of this job.
    #[must_use]
    pub const fn courier(&self) -> &ServiceAddress {
        &self.state.courier
    }

    /// Goes to another courier, deliberately: it carries everything out once more, from the beginning, and writes what is
    /// written already with the same content. If the first one has succeeded meanwhile, the outcome may be
    /// [`CopyOutcome::Uncertain`]. Without effect on a job that is done.
    pub fn set_courier(&mut self, courier: ServiceAddress) {
        self.state.courier = courier;
    }

    /// The replica epoch now, as far as the latest document tells.
    fn replica_epoch(&self) -> Option<u64> {
        self.client.pki_document()?.replica_epoch()
    }

    /// Whether replicas can't open the oldest element any more: they keep their keys for the next
    /// epoch.
    fn is_stale(&self) -> bool {
        let ages = self.state.epoch.zip(self.replica_epoch());
        ages.is_some_and(|(sealed, now)| now > sealed.saturating_add(1))
    }
}

impl fmt::Debug for CopyJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyJob").field("state", &self.state).finish_non_exhaustive()
    }
}
