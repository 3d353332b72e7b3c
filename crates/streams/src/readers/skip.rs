//! Finding out that boxes are gone.

use std::{collections::VecDeque, time::Duration};

use kpthin_client::{
    Call, CallError, Client, FlowKind, Read,
    wire::{MessageBoxIndex, ReadCap},
};

use super::{Key, Readers};
use crate::{reader::ReaderState, steps, wait::wake};

/// Boxes looked at together.
const LOOKS_AT_ONCE: usize = 8;

/// How long a box that is written at the same moment as a later one may take to arrive.
const LATE: Duration = Duration::from_secs(2 * 60);

impl<K: Key> Readers<K> {
    /// Makes a gap of boxes that have expired, as
    /// [`StreamReader::skip_expired`](crate::StreamReader::skip_expired) says.
    pub(crate) fn skip_expired(&self, key: K, max: u32) -> Call<bool> {
        let state = self.state(&key);
        let shared = self.shared().clone();
        let look = move |act: &mut dyn FnMut(&mut crate::reader::lookahead::Lookahead) -> bool| {
            let (result, wakers) = {
                let mut inner = shared.lock();
                let result = inner.schedule.lookahead_mut(&key).is_some_and(act);
                let wakers = if inner.schedule.is_ready() { inner.waiters.take() } else { Vec::new() };
                (result, wakers)
            };
            wake(wakers);
            result
        };
        self.client.flow(FlowKind::Standing, move |client| async move {
            let Some(ReaderState { read_cap, index, .. }) = state else { return Ok(false) };
            let counter = index.counter();
            let asked = client.ask(&read_cap, &index).await?;
            if !look(&mut |lookahead| lookahead.looked(counter, &asked)) {
                return Ok(false);
            }
            let Some(boxes) = first_written(&client, &read_cap, &index, max).await? else { return Ok(false) };
            client.pause(LATE).await;
            let asked = client.ask(&read_cap, &index).await?;
            Ok(look(&mut |lookahead| lookahead.looked(counter, &asked))
                && look(&mut |lookahead| lookahead.declare_gap(counter, boxes, asked.replica_epoch)))
        })
    }
}

/// How many boxes, at most `max`, lie before the next one that is there.
async fn first_written(
    client: &Client,
    read_cap: &ReadCap,
    head: &MessageBoxIndex,
    max: u32,
) -> Result<Option<u64>, CallError> {
    let mut index = head.clone();
    let mut left = max;
    let mut looks = VecDeque::new();
    loop {
        while left > 0 && looks.len() < LOOKS_AT_ONCE {
            let Ok(next) = steps::next(&index) else {
                left = 0;
                break;
            };
            left -= 1;
            index = next;
            looks.push_back((index.counter() - head.counter(), client.ask(read_cap, &index)));
        }
        let Some((boxes, look)) = looks.pop_front() else { return Ok(None) };
        if look.await?.read != Read::NotWritten {
            return Ok(Some(boxes));
        }
    }
}
