//! A courier: passes envelopes on, says that it has them, and keeps what came back (Pigeonhole backend §8).

use std::collections::BTreeMap;
use std::time::Duration;

use kpthin_core::Instant;

use crate::pigeonhole::messages::{CourierEnvelope, EnvelopeHash, EnvelopeReply, ReplicaCode, ReplyType};
use crate::pigeonhole::replica::ReplicaReply;
use crate::quirks::Quirks;

const ENTRY_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// After this long without any answer the replicas are asked again.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Entries at most, some 3.5 KB each; the oldest goes when there is no room. The reference has no bound.
const ENTRIES_MAX: usize = 16_384;

const INVALID_ENVELOPE: u8 = 1;
const INVALID_EPOCH: u8 = 4;

#[derive(Clone, Debug)]
struct Entry {
    created: Instant,
    replies: [Option<ReplicaReply>; 2],
    /// How often the replicas were asked again, and when they were last asked.
    dispatched: u32,
    asked_at: Instant,
    outstanding: u8,
}

/// What a courier does about a query.
#[derive(Debug)]
pub(crate) struct CourierAnswer {
    pub(crate) reply: EnvelopeReply,
    /// Whether both replicas are to be asked now.
    pub(crate) dispatch: bool,
}

/// The cache of one courier, with at most [`ENTRIES_MAX`] entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Courier {
    entries: BTreeMap<EnvelopeHash, Entry>,
}

impl Courier {
    /// Answers a query.
    pub(crate) fn handle_query(
        &mut self,
        now: Instant,
        quirks: &Quirks,
        epoch: u64,
        envelope: &CourierEnvelope,
    ) -> CourierAnswer {
        let hash = envelope.hash();
        if let Some(entry) = self.entries.get_mut(&hash) {
            let dispatch = entry.wants_dispatch(now, quirks);
            if dispatch {
                entry.dispatched = entry.dispatched.saturating_add(1);
                entry.asked_at = now;
                entry.outstanding = 2;
            }
            return CourierAnswer { reply: entry.answer(hash, envelope.reply_index, quirks), dispatch };
        }
        if envelope.replica_epoch.abs_diff(epoch) > 1 {
            return CourierAnswer { reply: refusal(envelope, INVALID_EPOCH), dispatch: false };
        }
        self.make_room(now);
        let entry =
            Entry { created: now, replies: [None, None], dispatched: 0, asked_at: now, outstanding: 2 };
        let reply = entry.answer(hash, 0, quirks);
        self.entries.insert(hash, entry);
        CourierAnswer { reply, dispatch: true }
    }

    /// Keeps the answer of a replica: a success for good, an error until something newer comes.
    pub(crate) fn handle_replica(&mut self, hash: EnvelopeHash, slot: usize, reply: ReplicaReply) {
        let Some(entry) = self.entries.get_mut(&hash) else { return };
        entry.outstanding = entry.outstanding.saturating_sub(1);
        if let Some(kept) = entry.replies.get_mut(slot)
            && kept.as_ref().is_none_or(|kept| kept.code != ReplicaCode::SUCCESS)
        {
            *kept = Some(reply);
        }
    }

    /// Prunes only here, so an entry that nobody pushes out lives longer than its time, as in the reference.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, entry| now.saturating_since(entry.created) < ENTRY_LIFETIME);
        if self.entries.len() >= ENTRIES_MAX
            && let Some(oldest) =
                self.entries.iter().min_by_key(|(_, entry)| entry.created).map(|(hash, _)| *hash)
        {
            self.entries.remove(&oldest);
        }
    }
}

/// More dispatches than this make no difference: no daemon allows so many, or counts that far.
#[cfg(feature = "testing")]
const DISPATCHED_TOLD: u32 = 8;

#[cfg(feature = "testing")]
impl Courier {
    pub(crate) fn tell(&self, to: &mut kpthin_core::testing::Fingerprint) {
        to.unordered(&self.entries, |to, (hash, entry)| {
            to.name(&hash.0);
            // Beyond these nothing differs any more.
            to.age(entry.created, ENTRY_LIFETIME);
            to.age(entry.asked_at, ENTRY_LIFETIME);
            to.number(entry.dispatched.min(DISPATCHED_TOLD));
            to.number(entry.outstanding);
            to.list(&entry.replies, |to, reply| {
                to.option(reply.as_ref(), |to, reply| {
                    to.number(reply.code.0);
                    to.name(&reply.body);
                });
            });
        });
    }
}

impl Courier {
    /// Says that an envelope is of another epoch.
    pub(crate) fn refuse_epoch(envelope: &CourierEnvelope) -> EnvelopeReply {
        refusal(envelope, INVALID_EPOCH)
    }
}

impl Entry {
    fn wants_dispatch(&self, now: Instant, quirks: &Quirks) -> bool {
        let succeeded = self.replies.iter().flatten().any(|reply| reply.code == ReplicaCode::SUCCESS);
        if succeeded || quirks.redispatches.is_some_and(|most| self.dispatched >= most) {
            return false;
        }
        let answered = self.replies.iter().any(Option::is_some);
        let silent = now.saturating_since(self.created) > SILENCE_MAX;
        // Once as long before it asks again for the first time, twice before the second (newer daemons §4).
        let rests = quirks.redispatch_pause.is_some_and(|pause| {
            now.saturating_since(self.asked_at) < pause.saturating_mul(self.dispatched.saturating_add(1))
        });
        if answered { self.outstanding == 0 && !rests } else { silent }
    }

    /// The body decides, not the code: an answer without one looks like a wait without end.
    fn answer(&self, envelope_hash: EnvelopeHash, reply_index: u8, quirks: &Quirks) -> EnvelopeReply {
        let replies = || self.replies.iter().flatten();
        let success = || replies().find(|reply| reply.code == ReplicaCode::SUCCESS);
        let best = if quirks.success_first { success() } else { None };
        let wanted = self.replies.get(usize::from(reply_index)).and_then(Option::as_ref);
        let reply = best.or(wanted).or_else(|| replies().next());
        let payload = reply.map(|reply| reply.body.clone()).unwrap_or_default();
        let reply_type = if payload.is_empty() { ReplyType::Ack } else { ReplyType::Payload };
        let error = if reply_index > 1 { INVALID_ENVELOPE } else { 0 };
        EnvelopeReply { envelope_hash, reply_index, reply_type, payload, error }
    }
}

fn refusal(envelope: &CourierEnvelope, error: u8) -> EnvelopeReply {
    EnvelopeReply {
        envelope_hash: envelope.hash(),
        reply_index: 0,
        reply_type: ReplyType::Ack,
        payload: Vec::new(),
        error,
    }
}

/// The answer to what is no query at all.
pub(crate) const fn malformed() -> EnvelopeReply {
    EnvelopeReply {
        envelope_hash: EnvelopeHash([0; 32]),
        reply_index: 0,
        reply_type: ReplyType::Ack,
        payload: Vec::new(),
        error: INVALID_ENVELOPE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::mkem::PublicKey;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn envelope(fill: u8) -> CourierEnvelope {
        CourierEnvelope {
            replicas: [0, 1],
            wrapped_keys: [[0; 60]; 2],
            reply_index: 0,
            replica_epoch: 100,
            sender_public_key: PublicKey::from_bytes([fill; 160]),
            ciphertext: vec![fill; 10],
        }
    }

    fn reply(code: u8, body: &[u8]) -> ReplicaReply {
        ReplicaReply { code: ReplicaCode(code), body: body.to_vec() }
    }

    fn five() -> Quirks {
        Quirks { redispatches: Some(5), ..Quirks::default() }
    }

    fn ask(courier: &mut Courier, now: Instant) -> (ReplyType, Vec<u8>, u8, bool) {
        let answer = courier.handle_query(now, &five(), 100, &envelope(1));
        (answer.reply.reply_type, answer.reply.payload, answer.reply.error, answer.dispatch)
    }

    #[test]
    fn the_first_answer_is_an_ack_and_a_success_is_kept() {
        let mut courier = Courier::default();
        assert_eq!(ask(&mut courier, at(0)), (ReplyType::Ack, vec![], 0, true));
        assert_eq!(ask(&mut courier, at(30)), (ReplyType::Ack, vec![], 0, false));
        assert_eq!(ask(&mut courier, at(31)), (ReplyType::Ack, vec![], 0, true));
        courier.handle_replica(envelope(1).hash(), 1, reply(0, b"second"));
        assert_eq!(ask(&mut courier, at(32)), (ReplyType::Payload, b"second".to_vec(), 0, false));
        courier.handle_replica(envelope(1).hash(), 0, reply(1, b"first"));
        assert_eq!(ask(&mut courier, at(33)).1, b"first");
        courier.handle_replica(envelope(1).hash(), 1, reply(1, b"worse"));
        courier.handle_replica(envelope(1).hash(), 0, reply(0, b""));
        assert_eq!(ask(&mut courier, at(34)), (ReplyType::Ack, vec![], 0, false));
    }

    #[test]
    fn errors_are_asked_for_again_five_times() {
        let mut courier = Courier::default();
        let _ = ask(&mut courier, at(0));
        let mut dispatched = 0;
        for _ in 0..10 {
            courier.handle_replica(envelope(1).hash(), 0, reply(1, b"none"));
            courier.handle_replica(envelope(1).hash(), 1, reply(1, b"none"));
            let (kind, payload, _, dispatch) = ask(&mut courier, at(1));
            assert_eq!((kind, payload), (ReplyType::Payload, b"none".to_vec()));
            dispatched += u32::from(dispatch);
        }
        assert_eq!(dispatched, 5);
    }

    #[test]
    fn pauses_before_asking_again_grow() {
        let quirks = Quirks { redispatch_pause: Some(Duration::from_secs(30)), ..Quirks::default() };
        let mut courier = Courier::default();
        let mut asked = Vec::new();
        for second in 0..400 {
            let answer = courier.handle_query(at(second), &quirks, 100, &envelope(1));
            if answer.dispatch {
                asked.push(second);
                courier.handle_replica(envelope(1).hash(), 0, reply(1, b"none"));
                courier.handle_replica(envelope(1).hash(), 1, reply(1, b"none"));
            }
        }
        assert_eq!(asked, [0, 30, 90, 180, 300]);
    }

    #[test]
    fn a_success_goes_first_where_it_does() {
        for (success_first, expected) in [(false, &b"failure"[..]), (true, b"success")] {
            let quirks = Quirks { success_first, ..Quirks::default() };
            let mut courier = Courier::default();
            let _ = courier.handle_query(at(0), &quirks, 100, &envelope(1));
            courier.handle_replica(envelope(1).hash(), 0, reply(1, b"failure"));
            courier.handle_replica(envelope(1).hash(), 1, reply(0, b"success"));
            let answer = courier.handle_query(at(1), &quirks, 100, &envelope(1));
            assert_eq!(answer.reply.payload, expected);
        }
    }

    #[test]
    fn old_entries_go_when_a_new_one_comes() {
        let mut courier = Courier::default();
        let _ = ask(&mut courier, at(0));
        courier.handle_replica(envelope(1).hash(), 0, reply(0, b"kept"));
        assert_eq!(ask(&mut courier, at(1_000)).1, b"kept");
        let _ = courier.handle_query(at(1_000), &five(), 100, &envelope(2));
        assert_eq!(ask(&mut courier, at(1_000)), (ReplyType::Ack, vec![], 0, true));
    }

    #[test]
    fn the_epoch_may_be_off_by_one() {
        for (epoch, error) in [(98, 4), (99, 0), (101, 0), (102, 4)] {
            let answer = Courier::default().handle_query(at(0), &five(), epoch, &envelope(1));
            assert_eq!((answer.reply.error, answer.dispatch), (error, error == 0), "{epoch}");
        }
    }
}
