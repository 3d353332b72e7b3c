//! The wire cut at every byte: every call ends once, with the right fate, and nothing is left.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, Fate},
    machine::CallId,
    wire::{AnyRequest, Class},
};
use kpthin_tests::{After, Cut, Direction, How, Pair, Scripted, sample};

fn calls() -> Vec<AnyRequest> {
    vec![
        sample::keypair(1).into(),
        sample::encrypt_read(2).into(),
        sample::write(3).into(),
        sample::read(4).into(),
        sample::copy(5).into(),
        sample::message(6).into(),
    ]
}

/// A daemon that answers local requests at once and others after a while.
fn daemon() -> Scripted {
    Scripted::new(|talk, frame| {
        let pause = match frame.request.kind().class() {
            Class::Local | Class::Session => Duration::ZERO,
            Class::Operation | Class::Message => Duration::from_secs(2),
        };
        talk.answer_after(pause, frame);
    })
}

/// Runs the conversation with one cut; returns its end and what it was.
fn run(seed: u64, cut: Option<(Cut, After)>) -> Pair<Scripted> {
    let mut pair = Pair::new(seed, daemon());
    if let Some((cut, after)) = cut {
        pair.cut_then(cut, after);
    }
    let calls: Vec<CallId> = calls().into_iter().map(|request| pair.start(request)).collect();
    assert!(pair.settle(Duration::from_secs(7_200)), "calls hang");
    check(&pair, &calls, cut);
    pair
}

/// The harness has checked the fates; here is what may fail at all.
fn check(pair: &Pair<Scripted>, calls: &[CallId], cut: Option<(Cut, After)>) {
    let silent = cut.is_some_and(|(cut, _)| cut.how == How::Silence);
    let resumed = cut.is_some_and(|(_, after)| after == After::Resumed);
    let mut unanswered = 0;
    for (call, request) in calls.iter().zip(self::calls()) {
        let class = request.kind().class();
        match (class, pair.result(*call)) {
            (_, Ok(_)) => {}
            // With its session a message is lost, and nobody has to wait for it.
            (Class::Message, Err(CallError::LinkLost(Fate::MaybeExecuted))) if !resumed => {}
            // This daemon keeps no replies for a session without a link, so some never come.
            (Class::Message, Err(CallError::Unanswered)) if resumed || silent => {}
            // The request that has waited longest pays for finding out that nobody is there.
            (Class::Local, Err(CallError::Unanswered)) if silent => unanswered += 1,
            (_, Err(error)) => panic!("{call:?} of class {class:?}: {error:?}"),
        }
    }
    assert!(unanswered <= 1, "{unanswered} local calls unanswered");
}

fn every_byte(how: How, direction: Direction, afters: &[After]) {
    let seed = 11;
    let whole = run(seed, None);
    let (up, down) = whole.delivered();
    let total = if direction == Direction::Up { up } else { down };
    for after_bytes in 0..total {
        for after in afters {
            let cut = Cut { direction, after_bytes, how };
            let mut pair = run(seed, Some((cut, *after)));
            assert_eq!(pair.cut, None, "the wire was not cut");
            if after_bytes % 16 == 0 {
                let transcript = pair.transcript();
                pair.assert_at_rest();
                let again = run(seed, Some((cut, *after)));
                assert_eq!(transcript, again.transcript(), "not the same bytes: {cut:?} {after:?}");
            }
        }
    }
}

#[test]
fn an_uncut_conversation_succeeds() {
    let pair = run(11, None);
    assert_eq!(pair.dials(), 1);
}

#[test]
fn cut_upwards_by_end_of_file() {
    every_byte(How::EndOfFile, Direction::Up, &After::ALL[..3]);
}

#[test]
fn cut_downwards_by_end_of_file() {
    every_byte(How::EndOfFile, Direction::Down, &After::ALL[..3]);
}

#[test]
fn cut_upwards_by_reset() {
    every_byte(How::Reset, Direction::Up, &After::ALL[..1]);
}

#[test]
fn cut_downwards_by_reset() {
    every_byte(How::Reset, Direction::Down, &After::ALL[..1]);
}

#[test]
fn cut_upwards_by_silence() {
    every_byte(How::Silence, Direction::Up, &After::ALL[1..3]);
}

#[test]
fn cut_downwards_by_silence() {
    every_byte(How::Silence, Direction::Down, &After::ALL[1..3]);
}

#[test]
fn shut_down_at_every_byte() {
    every_byte(How::Unharmed, Direction::Up, &[After::ShutDown]);
    every_byte(How::Unharmed, Direction::Down, &[After::ShutDown]);
}
