//! The wire cut while a box is written and read: the daemon is the embedded one.
//!
//! Every byte is cut in `cut.rs`, where the daemon costs nothing. Here it is a sample of them, in
//! which each run takes another offset, aftermath and kind of cut; `KPTHIN_EVERY_BYTE=1` takes all.

use std::time::Duration;

use kpthin_core::{error::CallError, wire::Request};
use kpthin_devnet::DevnetConfig;
use kpthin_tests::{
    After, Cut, Direction, How, Net, Pair, answered_or_lost,
    boxes::{Stream, Unwritten},
    profiles,
};

const SECOND: Duration = Duration::from_secs(1);

const SCENES: [(How, After); 10] = [
    (How::EndOfFile, After::Resumed),
    (How::EndOfFile, After::GraceExpired),
    (How::EndOfFile, After::Restarted),
    (How::Reset, After::Resumed),
    (How::Reset, After::GraceExpired),
    (How::Reset, After::Restarted),
    (How::Silence, After::Resumed),
    (How::Silence, After::GraceExpired),
    (How::Silence, After::Restarted),
    (How::Unharmed, After::ShutDown),
];

struct Run {
    pair: Pair<Net>,
    silent: bool,
    unanswered: u32,
}

impl Run {
    /// A local call may be the one that finds out that nobody is there; a program asks again.
    fn call<R: Request + Clone>(&mut self, request: R) -> R::Reply {
        loop {
            match self.pair.call(request.clone()) {
                Ok(reply) => return reply,
                Err(CallError::Unanswered) if self.silent && self.unanswered == 0 => self.unanswered += 1,
                Err(error) => panic!("{:?}: {error:?}", R::KIND),
            }
        }
    }
}

/// Writes a box and reads it, with a message under way and one cut.
fn run(config: &DevnetConfig, cut: Option<(Cut, After)>) -> Pair<Net> {
    let mut pair = Pair::new(21, Net::new(21, config.clone()));
    if let Some((cut, after)) = cut {
        pair.cut_then(cut, after);
    }
    let silent = cut.is_some_and(|(cut, _)| cut.how == How::Silence);
    let mut run = Run { pair, silent, unanswered: 0 };
    let stream = Stream::of(run.call(Stream::request(1)));
    let echo = run.pair.start(run.pair.echo(1));
    let index = stream.first();
    let envelope = run.call(stream.encrypt_write(&index, b"through it all"));
    run.call(stream.send_write(envelope));
    // A default write is done when the courier has it.
    run.pair.run_for(10 * SECOND);
    let envelope = run.call(stream.encrypt_read(&index));
    let reply = run.call(stream.send_read(&index, envelope, Unwritten::Polls));
    assert_eq!(&reply.plaintext.expect("a content")[..], b"through it all");
    let mut pair = run.pair;
    answered_or_lost(pair.finish(echo), cut.is_some());
    pair
}

fn sampled(config: &DevnetConfig) {
    let every = std::env::var_os("KPTHIN_EVERY_BYTE").is_some();
    let (up, down) = run(config, None).delivered();
    for (direction, total) in [(Direction::Up, up), (Direction::Down, down)] {
        let step = if every { 1 } else { (total / 600).max(1) };
        for (n, after_bytes) in (0..total).step_by(step).enumerate() {
            let scenes = if every { &SCENES[..] } else { &SCENES[n % SCENES.len()..][..1] };
            for (how, after) in scenes {
                let mut pair = run(config, Some((Cut { direction, after_bytes, how: *how }, *after)));
                assert_eq!(pair.cut, None, "the wire was not cut");
                pair.run_for(200 * SECOND);
                let status = pair.machine.status();
                assert_eq!((status.queued, status.outstanding), (0, 0), "something is left");
            }
        }
    }
}

fn at(mut config: DevnetConfig) {
    if profiles().contains(&config) {
        config.grace_period = 20 * SECOND;
        sampled(&config);
    }
}

#[test]
fn cut_while_a_box_is_written_and_read() {
    at(DevnetConfig::instant());
}

#[test]
fn cut_while_a_box_is_written_and_read_at_the_reference_daemon() {
    at(DevnetConfig::reference());
}

#[test]
fn cut_while_a_box_is_written_and_read_at_the_newer_reference_daemon() {
    at(DevnetConfig::reference_2026_10());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for config in profiles() {
        let cut = Cut { direction: Direction::Down, after_bytes: 9_000, how: How::Reset };
        let transcript = || run(&config, Some((cut, After::Restarted))).transcript();
        assert_eq!(transcript(), transcript());
    }
}
