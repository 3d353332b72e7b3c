//! The flow that writes what is released.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use kpthin_client::{
    Call, CallError, Client, FlowKind, Instant, Pause, Read, ReplicaError, Retry, Tombstones,
    wire::{MessageBoxIndex, SecretBytes, WriteCap},
};

use super::{
    Shared,
    receipt::Outcome,
    tasks::{Job, Tasks},
};
use crate::{engine::Run, error::StreamError, steps, wait::wake};

/// Writes until nothing that is released is left to do.
pub(super) async fn run(client: Client, shared: Arc<Shared>, run: Run) -> Result<(), CallError> {
    let end = End { shared: &shared, run };
    let mut work = Work { jobs: Vec::new(), pause: None };
    poll_fn(|cx| work.poll(cx, &client, &shared, run)).await;
    drop(end);
    Ok(())
}

/// Notes the end of the flow, also when it is dropped: whoever waits has to learn of it.
struct End<'a> {
    shared: &'a Shared,
    run: Run,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let wakers = {
            let mut inner = self.shared.lock();
            if !inner.engine.end(self.run) {
                return;
            }
            inner.tasks.abandon();
            inner.waiters.take()
        };
        wake(wakers);
    }
}

/// A job that runs, with the first box it is about.
struct Running {
    counter: u64,
    call: Either,
}

enum Either {
    Delete(Call<Tombstones>),
    Write(Call<Outcome>),
}

/// How a job has ended.
enum Ended {
    Deleted(Tombstones),
    Failed(CallError),
    Wrote(Outcome),
}

impl Running {
    fn start(client: &Client, cap: &WriteCap, job: Job) -> Self {
        match job {
            Job::Delete { index, count } => {
                let call = client.tombstone(cap, &index, count);
                Self { counter: index.counter(), call: Either::Delete(call) }
            }
            Job::Write { index, body } => {
                let (cap, counter) = (cap.clone(), index.counter());
                let call = client
                    .flow(FlowKind::Finite, |client| async move { write(&client, &cap, &index, body).await });
                Self { counter, call: Either::Write(call) }
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        match &mut self.call {
            Either::Delete(call) => {
                Pin::new(call).poll(cx).map(|result| result.map_or_else(Ended::Failed, Ended::Deleted))
            }
            Either::Write(call) => {
                Pin::new(call).poll(cx).map(|result| result.map_or_else(Ended::Failed, Ended::Wrote))
            }
        }
    }
}

/// Writes a box; where it holds something already, finds out what.
async fn write(
    client: &Client,
    cap: &WriteCap,
    index: &MessageBoxIndex,
    body: SecretBytes,
) -> Result<Outcome, CallError> {
    match client.write(cap, index, body.clone()).await {
        Ok(next) if steps::next(index).is_ok_and(|expected| expected != next) => {
            Ok(Outcome::Refused(StreamError::IndexMismatch { counter: index.counter() }))
        }
        Ok(_) => Ok(Outcome::Stored),
        Err(CallError::Replica(ReplicaError::Tombstone)) => Ok(Outcome::Tombstoned),
        Err(error @ CallError::Replica(ReplicaError::BoxAlreadyExists)) => {
            match client.read(&cap.read_cap(), index).await? {
                Read::Message { plaintext, .. } if plaintext == body => Ok(Outcome::Stored),
                Read::Message { .. } => Ok(Outcome::Conflict),
                Read::Tombstone { .. } => Ok(Outcome::Tombstoned),
                // It was there a moment ago: another replica, or the end of its time.
                Read::NotWritten => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether the same may succeed later, even if nothing but time passes.
fn may_pass(error: &CallError) -> bool {
    match error {
        // The client's end is not the box's.
        CallError::Closed(..) | CallError::Panicked(_) => true,
        CallError::Replica(ReplicaError::BoxAlreadyExists) => true,
        error => error.retry() != Retry::Never,
    }
}

fn settle(tasks: &mut Tasks, now: Instant, counter: u64, ended: Ended) {
    match ended {
        Ended::Wrote(outcome) => tasks.written(counter, outcome),
        Ended::Failed(error) if may_pass(&error) => tasks.failed(now, counter),
        Ended::Failed(error) => tasks.refused(counter, Outcome::Refused(error.into())),
        Ended::Deleted(Tombstones { boxes, .. }) => {
            let good = boxes.iter().take_while(|report| report.result.is_ok()).count() as u64;
            let error = boxes.into_iter().find_map(|report| report.result.err());
            match error {
                Some(error) if !may_pass(&error) => {
                    tasks.deleted(counter, good);
                    tasks.refused(counter + good, Outcome::Refused(error.into()));
                }
                Some(_) => {
                    tasks.deleted(counter, good);
                    tasks.failed(now, counter + good);
                }
                None => tasks.deleted(counter, good),
            }
        }
    }
}

struct Work {
    jobs: Vec<Running>,
    pause: Option<(Instant, Pause)>,
}

impl Work {
    fn poll(&mut self, cx: &mut Context<'_>, client: &Client, shared: &Shared, run: Run) -> Poll<()> {
        loop {
            let now = client.now();
            let mut ended = Vec::new();
            let mut at = 0;
            while let Some(running) = self.jobs.get_mut(at) {
                match running.poll(cx) {
                    Poll::Pending => at += 1,
                    Poll::Ready(result) => ended.push((self.jobs.swap_remove(at).counter, result)),
                }
            }

            let news = !ended.is_empty();
            let (jobs, cap, wakers, due) = {
                let mut inner = shared.lock();
                for (counter, ended) in ended {
                    settle(&mut inner.tasks, now, counter, ended);
                }
                let wakers = if news { inner.waiters.take() } else { Vec::new() };
                let jobs: Vec<_> = std::iter::from_fn(|| inner.tasks.next_job(now)).collect();
                let idle = !inner.tasks.has_work() && jobs.is_empty();
                if idle && (self.jobs.is_empty() || inner.tasks.has_stopped()) && inner.engine.end(run) {
                    drop(inner);
                    wake(wakers);
                    return Poll::Ready(());
                }
                inner.engine.sleeps(cx);
                (jobs, inner.tasks.write_cap().clone(), wakers, inner.tasks.due(now))
            };
            wake(wakers);
            if !jobs.is_empty() {
                self.jobs.extend(jobs.into_iter().map(|job| Running::start(client, &cap, job)));
                continue;
            }
            if crate::engine::sleep(&mut self.pause, cx, client, now, due).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
