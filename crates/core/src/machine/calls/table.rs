//! All calls that have not ended on the wire, with the ids that replies find them by.

use alloc::{collections::BTreeMap, vec::Vec};
use core::mem;

use super::{
    super::CallId,
    call::{Call, Kind, Origin, Stage},
};
use crate::wire::SurbId;

/// How many earlier starts of an operation are remembered beside the present one.
const RETIRED_MAX: usize = 3;

/// The calls, in the order in which they were started, and what they add up to.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Table {
    calls: BTreeMap<CallId, Call>,
    queries: BTreeMap<u64, CallId>,
    surbs: BTreeMap<SurbId, CallId>,
    held_bytes: usize,
    abandoned: usize,
    steps: usize,
    unwritten: usize,
    written: usize,
}

impl Table {
    #[cfg(test)]
    pub(in super::super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// How many calls count against the limit.
    pub(super) fn counted(&self) -> usize {
        self.calls.len() - self.steps
    }

    /// How many bytes of requests are held.
    pub(in super::super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// How many calls have a caller waiting.
    pub(in super::super) fn owned(&self) -> usize {
        self.calls.len() - self.abandoned
    }

    /// How many calls wait to be written.
    pub(in super::super) const fn unwritten(&self) -> usize {
        self.unwritten
    }

    /// How many calls were written and are not answered.
    pub(super) const fn written(&self) -> usize {
        self.written
    }

    pub(super) fn ids(&self) -> Vec<CallId> {
        self.calls.keys().copied().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Call)> {
        self.calls.iter().map(|(id, call)| (*id, call))
    }

    pub(super) fn get(&self, id: CallId) -> Option<&Call> {
        self.calls.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.get_mut(&id)
    }

    /// A call whose caller waits for it.
    pub(super) fn owned_call(&self, id: CallId) -> Option<&Call> {
        self.get(id).filter(|call| call.is_owned())
    }

    pub(super) fn insert(&mut self, id: CallId, call: Call) {
        self.held_bytes += call.size;
        self.count(call.stage);
        self.steps += usize::from(call.origin == Origin::Step);
        self.calls.insert(id, call);
    }

    fn count(&mut self, stage: Stage) {
        self.unwritten += usize::from(stage.is_unwritten());
        self.abandoned += usize::from(stage.is_abandoned());
        self.written += usize::from(stage.on_link().is_some());
    }

    fn uncount(&mut self, stage: Stage) {
        self.unwritten -= usize::from(stage.is_unwritten());
        self.abandoned -= usize::from(stage.is_abandoned());
        self.written -= usize::from(stage.on_link().is_some());
    }

    /// The one place where a stage changes. An abandoned call is not written again, so its request goes.
    pub(super) fn set_stage(&mut self, id: CallId, stage: Stage) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let old = mem::replace(&mut call.stage, stage);
        self.uncount(old);
        self.count(stage);
        if stage.is_abandoned() {
            self.free_request(id);
        }
    }

    /// Removes a call and everything that leads to it.
    pub(super) fn remove(&mut self, id: CallId) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        self.held_bytes -= call.size;
        self.uncount(call.stage);
        self.steps -= usize::from(call.origin == Origin::Step);
        self.unlink(call.query(), call.surb());
        if let Kind::Operation { retired, .. } = &call.kind {
            retired.iter().for_each(|query| self.unlink(Some(*query), None));
        }
        Some(call)
    }

    /// Frees the request of a call that will not be written again.
    pub(super) fn free_request(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            self.held_bytes -= mem::take(&mut call.size);
            call.request = None;
        }
    }

    /// Gives a call that has none the id its reply will be known by.
    pub(super) fn set_query(&mut self, id: CallId, new: u64) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let (Kind::Local { query, .. } | Kind::Operation { query, .. }) = &mut call.kind else { return };
        *query = Some(new);
        self.queries.insert(new, id);
    }

    /// Has an operation known by its present id only as by one of its earlier starts'.
    pub(super) fn retire_query(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Kind::Operation { query, retired, .. } = &mut call.kind else { return };
        let Some(query) = query.take() else { return };
        retired.push_back(query);
        let oldest = (retired.len() > RETIRED_MAX).then(|| retired.pop_front()).flatten();
        self.unlink(oldest, None);
    }

    /// Forgets the ids of an operation's earlier starts: no result can come under them any more.
    pub(super) fn forget_retired(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Kind::Operation { retired, .. } = &mut call.kind else { return };
        for query in mem::take(retired) {
            self.unlink(Some(query), None);
        }
    }

    /// The same for a message.
    pub(super) fn set_surb(&mut self, id: CallId, new: SurbId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Kind::Message { surb, .. } = &mut call.kind else { return };
        let old = surb.replace(new);
        self.unlink(None, old);
        self.surbs.insert(new, id);
    }

    fn unlink(&mut self, query: Option<u64>, surb: Option<SurbId>) {
        if let Some(query) = query {
            self.queries.remove(&query);
        }
        if let Some(surb) = surb {
            self.surbs.remove(&surb);
        }
    }

    pub(super) fn by_query(&self, query: u64) -> Option<(CallId, &Call)> {
        let id = *self.queries.get(&query)?;
        Some((id, self.calls.get(&id)?))
    }

    pub(super) fn by_surb(&self, surb: &SurbId) -> Option<(CallId, &Call)> {
        let id = *self.surbs.get(surb)?;
        Some((id, self.calls.get(&id)?))
    }
}
