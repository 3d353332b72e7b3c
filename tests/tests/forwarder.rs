//! A forwarder between client and daemon: it tells the client that the daemon has closed, and the daemon nothing.
//!
//! The daemon then has two connections of one client. When it notices the end of the first one, it silences the second, if
//! the session was resumed on that (§3.8), and nothing tells that from a daemon that is busy.

use std::time::Duration;

use kpthin_core::{
    Instant,
    error::CallError,
    machine::CallId,
    wire::{Class, CreateCourierEnvelopesFromPayload},
};
use kpthin_devnet::DevnetConfig;
use kpthin_tests::{How, Net, Pair, boxes::Stream, every::every, references, sample};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// When the daemon learns of the end, from then on that the client was told.
const ENDS: [Duration; 3] = [SECOND, MINUTE, Duration::from_secs(600)];

/// What a call may take beyond what the daemon needs.
const SLACK: Duration = MINUTE;

/// The machine, the daemon, and when the forwarder ended the link.
struct Scene {
    pair: Pair<Net>,
    ended: Instant,
}

impl Scene {
    /// Starts calls, lets time pass, and has the forwarder end the link for the client.
    fn new(
        config: &DevnetConfig,
        hidden_for: Duration,
        wait: Duration,
        start: impl FnOnce(&mut Pair<Net>) -> Vec<CallId>,
    ) -> (Self, Vec<CallId>) {
        let mut pair = Pair::up(61, Net::new(61, config.clone()));
        pair.hidden_for = hidden_for;
        let calls = start(&mut pair);
        pair.run_for(wait);
        pair.cut_now(How::Hidden);
        let ended = pair.now();
        (Self { pair, ended }, calls)
    }

    /// Wants all calls to end in time, and none that can be repeated to fail.
    fn finish(mut self, calls: &[CallId], needs: Duration) {
        let until = self.ended + needs + SLACK;
        let open = |pair: &Pair<Net>| pair.open_calls().count();
        self.pair.run_until(until, |pair| open(pair) == 0);
        assert_eq!(open(&self.pair), 0, "calls hang");
        for call in calls {
            match self.pair.result(*call) {
                Ok(_) | Err(CallError::LinkLost(_)) => {}
                Err(error) => panic!("{call:?}: {error:?}"),
            }
        }
        self.pair.call(sample::keypair(250)).expect("the link works");
    }
}

fn encryptions(pair: &mut Pair<Net>, count: u8) -> Vec<CallId> {
    let stream = Stream::new(pair, 200);
    (0..count).map(|n| pair.start(stream.encrypt_write(&stream.first(), &[n]))).collect()
}

/// A write that waits at the daemon.
fn write(pair: &mut Pair<Net>, seed: u8) -> CallId {
    let stream = Stream::new(pair, seed);
    let envelope = pair.call(stream.encrypt_write(&stream.first(), b"through")).expect("an envelope");
    pair.start(stream.send_write(envelope))
}

#[test]
fn slow_calls_that_were_not_read() {
    for config in references() {
        for hidden_for in ENDS {
            for count in [1, 4, 16] {
                let (scene, calls) = Scene::new(&config, hidden_for, SECOND / 10, |pair| {
                    let mut calls = vec![write(pair, 1)];
                    calls.extend(encryptions(pair, count));
                    calls
                });
                // All are encrypted twice at worst, one after the other, and the write may meet the old ones.
                let needs = 2 * u32::from(count) * config.timing.encrypt_time + MINUTE;
                scene.finish(&calls, needs);
            }
        }
    }
}

#[test]
fn only_operations_outstanding() {
    for config in references() {
        for hidden_for in ENDS {
            let (scene, calls) = Scene::new(&config, hidden_for, SECOND / 10, |pair| {
                (1..=4).map(|seed| write(pair, seed)).collect()
            });
            scene.finish(&calls, 2 * MINUTE);
        }
    }
}

#[test]
fn messages_end_with_their_reply_or_say_that_they_were_lost() {
    for config in references() {
        for hidden_for in ENDS {
            let (scene, calls) = Scene::new(&config, hidden_for, SECOND / 10, |pair| {
                let echo = pair.echo(1);
                vec![pair.start(echo)]
            });
            scene.finish(&calls, MINUTE);
        }
    }
}

#[test]
fn encryptions_of_ten_seconds() {
    for mut config in references() {
        config.timing.encrypt_time = 10 * SECOND;
        for hidden_for in ENDS {
            let (scene, calls) = Scene::new(&config, hidden_for, SECOND / 10, |pair| {
                let mut calls = vec![write(pair, 1)];
                calls.extend(encryptions(pair, 8));
                calls
            });
            scene.finish(&calls, 16 * config.timing.encrypt_time + 2 * MINUTE);
        }
    }
}

/// A machine whose healthy link has resumed a session in which a message was waited for.
fn resumed(config: DevnetConfig) -> Pair<Net> {
    let mut pair = Pair::up(62, Net::new(62, config));
    let echo = pair.echo(1);
    pair.start(echo);
    pair.run_for(SECOND / 10);
    pair.cut_now(How::EndOfFile);
    pair.run_until_up();
    pair
}

#[test]
fn a_healthy_link_is_not_cut_over_encryptions_in_front_of_the_probe() {
    for mut config in references() {
        // Two are in front, and together last longer than a probe alone may be silent.
        config.timing.encrypt_time = 25 * SECOND;
        let mut pair = resumed(config);
        let dials = pair.dials();
        let calls = encryptions(&mut pair, 6);
        assert!(pair.settle(10 * MINUTE), "calls hang");
        assert!(calls.into_iter().all(|call| pair.result(call).is_ok()));
        assert_eq!(pair.dials(), dials);
    }
}

#[test]
fn a_create_of_twenty_minutes_on_a_healthy_resumed_link_is_not_cut() {
    for mut config in references() {
        // It packs a few boxes.
        config.timing.encrypt_time = 7 * MINUTE;
        let mut pair = resumed(config);
        let stream = Stream::new(&mut pair, 1);
        let create = CreateCourierEnvelopesFromPayload {
            payload: vec![7; 4_000].into(),
            dest_write_cap: stream.write_cap(),
            dest_start_index: stream.first(),
            is_start: true,
            is_last: true,
        };
        let dials = pair.dials();
        let began = pair.now();
        let create = pair.start(create);
        assert!(pair.finish(create).is_ok());
        assert!(pair.now().saturating_since(began) > 10 * MINUTE, "{:?}", pair.now());
        assert_eq!(pair.dials(), dials);
    }
}

#[test]
fn an_old_cancel_of_ours_that_is_read_late_ends_no_call() {
    for config in references() {
        // The cancel is read some time after the link has ended; each time meets the new start at another point.
        for later in 0..16 {
            let mut pair = Pair::up(63, Net::new(63, config.clone()));
            let stream = Stream::new(&mut pair, 1);
            let envelope = pair.call(stream.encrypt_write(&stream.first(), b"through")).expect("an envelope");
            let dropped = pair.start(stream.send_write(envelope.clone()));
            pair.run_for(SECOND / 10);
            // What the daemon has to do before it reads the cancel; more is not written ahead of it.
            let calls = encryptions(&mut pair, 2);
            pair.run_for(SECOND / 10);
            pair.cancel(dropped);
            pair.run_for(SECOND / 10);
            pair.cut_now(How::Hidden);
            // Or they would be in front of the new start as well.
            calls.into_iter().for_each(|call| pair.cancel(call));
            pair.run_until_up();
            pair.run_for(later * SECOND / 4);
            let again = pair.start(stream.send_write(envelope));
            assert!(pair.settle(5 * MINUTE), "calls hang");
            assert!(pair.result(again).is_ok(), "{later}: {:?}", pair.result(again));
        }
    }
}

#[test]
fn nothing_harmless_ends_unanswered_without_having_been_written_twice() {
    for config in references() {
        let requests = every(&mut Pair::up(64, Net::new(64, config.clone())));
        // A link that carries nothing any more is the worst that a forwarder can do.
        for (how, hidden_for) in
            ENDS.map(|end| (How::Hidden, end)).into_iter().chain([(How::Silence, MINUTE)])
        {
            for request in &requests {
                let mut pair = Pair::up(64, Net::new(64, config.clone()));
                pair.hidden_for = hidden_for;
                if how == How::Silence {
                    pair.cut_now(how);
                }
                let call = pair.start_within(90 * MINUTE, request.clone());
                pair.run_for(SECOND / 20);
                if how != How::Silence {
                    pair.cut_now(how);
                }
                assert!(pair.settle(91 * MINUTE));
                if pair.result(call) == Err(CallError::Unanswered) && request.kind().class() != Class::Message
                {
                    assert!(pair.tap.times_written(request) > 1, "{request:?}");
                }
            }
        }
    }
}
