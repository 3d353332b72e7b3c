//! The machine against the embedded daemon, ideal and as the reference is.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, Fate, ReplicaError},
    machine::{CallId, Event, LinkStatus},
    wire::RequestKind,
};
use kpthin_tests::{
    How, Net, Pair,
    boxes::{Stream, Unwritten},
    profiles, sample,
};

const SECOND: Duration = Duration::from_secs(1);

fn each(test: impl Fn(Pair<Net>)) {
    profiles().into_iter().for_each(|config| test(Pair::up(1, Net::new(1, config))));
}

fn references(test: impl Fn(Pair<Net>)) {
    kpthin_tests::references().into_iter().for_each(|config| test(Pair::up(1, Net::new(1, config))));
}

#[test]
fn a_written_box_is_read_back() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 1);
        assert_eq!(
            stream.read(&mut pair, &stream.first()),
            Err(CallError::Replica(ReplicaError::BoxIdNotFound))
        );
        stream.write(&mut pair, &stream.first(), b"hello").unwrap();
        pair.run_for(10 * SECOND);
        assert_eq!(stream.read(&mut pair, &stream.first()).unwrap(), b"hello");
    });
}

#[test]
fn a_waiting_read_is_answered_when_its_box_is_written() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 2);
        let waiting = stream.poll(&mut pair, &stream.first());
        pair.run_for(5 * SECOND);
        stream.write(&mut pair, &stream.first(), b"there").unwrap();
        pair.finish(waiting).unwrap();
    });
}

#[test]
fn a_cancelled_read_ends_at_the_daemon_and_its_key_is_free() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 3);
        let encrypted = pair.call(stream.encrypt_read(&stream.first())).unwrap();
        let request = stream.send_read(&stream.first(), encrypted, Unwritten::Polls);
        let waiting = pair.start(request.clone());
        pair.run_for(5 * SECOND);
        pair.cancel(waiting);
        pair.run_for(5 * SECOND);
        assert_eq!(pair.result(waiting), Err(CallError::Cancelled(Fate::MaybeExecuted)));
        assert_eq!(pair.tap.pending_len(), 0, "the daemon has not ended it");
        let again = pair.start(request);
        pair.run_for(5 * SECOND);
        assert_eq!(pair.completion(again), None);
        assert_eq!(pair.tap.pending_len(), 1, "it was not started again");
    });
}

/// §9.10: a daemon that is behind with its work notices late that a link has ended, and if the same
/// token was presented meanwhile it goes silent for good.
#[test]
fn a_link_ended_here_while_the_daemon_is_behind_does_not_silence_the_next() {
    references(|mut pair| {
        let stream = Stream::new(&mut pair, 4);
        // Five encryptions take it ten seconds; the wire is dead to us meanwhile.
        for _ in 0..5 {
            pair.start(stream.encrypt_read(&stream.first()));
        }
        pair.run_for(SECOND / 2);
        pair.close_link_here();
        let before = pair.dials();
        pair.run_for(2 * SECOND);
        pair.run_until_up();
        assert_eq!(pair.dials(), before + 1);
        assert_fresh_token(&pair);
        // It goes on working, also after the daemon has found out about the old link.
        for n in 0..60 {
            let since = pair.now();
            pair.call(sample::keypair(n)).unwrap();
            assert!(pair.now().saturating_since(since) < 15 * SECOND, "silenced");
            pair.run_for(5 * SECOND);
        }
        assert_eq!(pair.dials(), before + 1);
    });
}

fn assert_fresh_token<D: kpthin_tests::Daemon>(pair: &Pair<D>) {
    let tokens: Vec<_> = pair.tap.of_kind(RequestKind::SessionToken).collect();
    let [.., last, next] = &tokens[..] else { panic!("one link only") };
    assert_ne!(last.frame.request, next.frame.request, "the token was presented again");
}

#[test]
fn a_link_the_daemon_ended_is_resumed_with_the_same_token_if_something_is_waited_for() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 5);
        let [write] = &stream.prepare(&mut pair, 1)[..] else { panic!("one write") };
        let write = pair.start(write.clone());
        pair.drain();
        pair.cut_now(How::EndOfFile);
        pair.run_for(5 * SECOND);
        pair.run_until_up();
        let resumed =
            pair.events.iter().any(|(_, event)| matches!(event, Event::Reconnected { resumed: true, .. }));
        assert!(resumed, "{:?}", pair.events);
        pair.finish(write).unwrap();
    });
}

#[test]
fn twenty_four_writes_in_one_burst_complete_and_a_local_call_stays_fast() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 5);
        let prepared = stream.prepare(&mut pair, 24);
        let writes: Vec<CallId> = prepared.into_iter().map(|write| pair.start(write)).collect();
        for n in 0..20 {
            let since = pair.now();
            pair.call(sample::keypair(n)).unwrap();
            assert!(pair.now().saturating_since(since) < SECOND, "a local call waits behind mixnet requests");
            pair.run_for(SECOND);
        }
        assert!(pair.settle(300 * SECOND));
        assert!(writes.into_iter().all(|write| pair.result(write).is_ok()));
    });
}

#[test]
fn a_burst_while_the_mixnet_is_down_blocks_nothing_and_completes_afterwards() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 6);
        let prepared = stream.prepare(&mut pair, 24);
        let now = pair.now();
        pair.daemon.devnet.set_mixnet(now, false);
        pair.run_for(SECOND);
        let writes: Vec<CallId> = prepared.into_iter().map(|write| pair.start(write)).collect();
        for n in 0..20 {
            pair.call(sample::keypair(n)).unwrap();
            pair.run_for(30 * SECOND);
        }
        pair.cancel(writes[0]);
        pair.cancel(writes[23]);
        assert!(writes[1..23].iter().all(|write| pair.completion(*write).is_none()));
        let now = pair.now();
        pair.daemon.devnet.set_mixnet(now, true);
        assert!(pair.settle(600 * SECOND));
        assert_eq!(pair.result(writes[0]), Err(CallError::Cancelled(Fate::MaybeExecuted)));
        assert_eq!(pair.result(writes[23]), Err(CallError::Cancelled(Fate::NotSent)));
        assert!(writes[1..23].iter().all(|write| pair.result(*write).is_ok()));
        assert_eq!(pair.dials(), 1);
    });
}

#[test]
fn a_cancel_waits_for_two_encryptions_and_not_for_thirty() {
    references(|mut pair| {
        let stream = Stream::new(&mut pair, 21);
        let waiting = stream.poll(&mut pair, &stream.first());
        pair.run_for(5 * SECOND);
        let encryptions: Vec<CallId> =
            (0..30).map(|_| pair.start(stream.encrypt_read(&stream.first()))).collect();
        pair.run_for(SECOND);
        pair.cancel(waiting);
        let until = pair.now() + 6 * SECOND;
        assert!(
            pair.run_until(until, |pair| pair.tap.pending_len() == 0),
            "the cancel is stuck behind the work"
        );
        assert!(pair.settle(120 * SECOND));
        assert!(encryptions.into_iter().all(|call| pair.result(call).is_ok()));
    });
}

/// With a dozen of them at the daemon its send slots would all be taken by polls (§9.10).
#[test]
fn polling_reads_do_not_starve_a_write() {
    kpthin_tests::references().into_iter().for_each(|mut config| {
        config.timing.send_slot = SECOND / 3;
        let mut pair = Pair::up(1, Net::new(1, config));
        let (stream, other) = (Stream::new(&mut pair, 7), Stream::new(&mut pair, 8));
        let prepared = other.prepare(&mut pair, 5);
        let mut index = stream.first();
        let mut reads = Vec::new();
        for _ in 0..12 {
            let encrypted = pair.call(stream.encrypt_read(&index)).unwrap();
            let next = encrypted.next_message_box_index.clone();
            reads.push(stream.send_read(&index, encrypted, Unwritten::Polls));
            index = next;
        }
        for read in reads {
            pair.start(read);
        }
        pair.run_for(20 * SECOND);
        for write in prepared {
            let since = pair.now();
            let write = pair.start(write);
            pair.finish(write).unwrap();
            let took = pair.now().saturating_since(since);
            assert!(took < 10 * SECOND, "a write took {took:?}");
        }
    });
}

#[test]
fn every_waiting_read_gets_its_turn() {
    references(|mut pair| {
        let streams: Vec<Stream> = (10..18).map(|seed| Stream::new(&mut pair, seed)).collect();
        let reads: Vec<CallId> =
            streams.iter().map(|stream| stream.poll(&mut pair, &stream.first())).collect();
        let last = &streams[7];
        last.write(&mut pair, &last.first(), b"last").unwrap();
        let since = pair.now();
        pair.finish(reads[7]).unwrap();
        let took = pair.now().saturating_since(since);
        assert!(took < 600 * SECOND, "the last of eight waiting reads took {took:?}");
    });
}

#[test]
fn a_restart_of_the_daemon_loses_no_call() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 9);
        let prepared = stream.prepare(&mut pair, 6);
        let writes: Vec<CallId> = prepared.into_iter().map(|write| pair.start(write)).collect();
        let local = pair.start(stream.encrypt_read(&stream.first()));
        let now = pair.now();
        pair.daemon.restart(now);
        assert!(pair.settle(300 * SECOND));
        assert!(writes.into_iter().chain([local]).all(|call| pair.result(call).is_ok()));
        pair.run_for(10 * SECOND);
        assert_eq!(stream.read(&mut pair, &stream.first()).unwrap(), b"0\0");
    });
}

#[test]
fn a_shutdown_is_announced_and_waited_out() {
    each(|mut pair| {
        let now = pair.now();
        pair.daemon.shut_down(now);
        pair.run_for(300 * SECOND);
        assert!(pair.events.iter().any(|(_, event)| *event == Event::DaemonShutdown));
        assert_ne!(pair.machine.status().link, LinkStatus::Up);
        let call = pair.start(sample::keypair(1));
        let now = pair.now();
        pair.daemon.restart(now);
        pair.finish(call).unwrap();
    });
}

#[test]
fn epochs_pass_unnoticed_by_calls() {
    each(|mut pair| {
        let stream = Stream::new(&mut pair, 20);
        let mut index = stream.first();
        for n in 0..10 {
            let now = pair.now();
            pair.daemon.devnet.advance_epoch(now);
            stream.write(&mut pair, &index, &[n]).unwrap();
            pair.run_for(10 * SECOND);
            assert_eq!(stream.read(&mut pair, &index).unwrap(), [n]);
            index = pair.call(stream.encrypt_read(&index)).unwrap().next_message_box_index;
        }
        assert!(pair.machine.status().is_connected());
    });
}
