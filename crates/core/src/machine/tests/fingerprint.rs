//! Which states of a machine are the same.

use super::*;
use crate::testing::Fingerprint;
use sample::{message, quick, read};

fn fingerprint(rig: &Rig) -> u128 {
    let mut fingerprint = Fingerprint::new(rig.now);
    rig.machine.fingerprint(&mut fingerprint);
    fingerprint.finish()
}

/// Stories that lead to different states, each told after another past, at another time, with other names.
fn told(story: usize, seed: u8) -> Rig {
    // A pause that varies is another state.
    let mut rig = Rig::with(Config { jitter_percent: 0, ..Config::default() }, [seed; 32]);
    rig.now = rig.now + s(u64::from(seed));
    rig.handshake(1, false);
    // Calls that end leave nothing but counters behind.
    for n in 0..u64::from(seed) {
        let (_, frame) = rig.send(quick(n));
        rig.answer(&frame);
    }
    rig.replace(2, false);
    rig.wait(s(100));
    match story {
        0 => {}
        1 => {
            let _ = rig.start(read(1));
        }
        2 => {
            let _ = rig.start(quick(1));
        }
        3 => {
            let _ = rig.send_message(message(1));
        }
        4 => {
            let (_, surb) = rig.send_message(message(1));
            rig.say(&sample::sent(surb, 1_000_000_000));
        }
        5 => {
            let call = rig.start(read(1));
            rig.cancel(call);
        }
        6 => {
            let (call, frame) = rig.send(read(1));
            rig.cancel(call);
            let _cancels = rig.written();
            rig.wait(s(1));
            rig.answer(&frame);
        }
        7 => {
            let _ = rig.start_until(read(1), Some(rig.now + s(3)));
        }
        8 => {
            let _ = rig.start(read(1));
            rig.cut(DisconnectCause::EndOfFile);
        }
        9 => rig.input(&frame(&status(2, true))[..9]),
        10 => {
            let timer = rig.machine.timer(rig.now, rig.now + s(5));
            rig.drain();
            assert!(!rig.timers.contains(&timer));
        }
        11 => {
            let _ = rig.start(read(1));
            let _ = rig.start(read(2));
        }
        _ => rig.close(),
    }
    rig
}

const STORIES: core::ops::Range<usize> = 0..13;

#[test]
fn a_state_is_the_same_whatever_was_before_and_another_one_is_not() {
    let mut seen = alloc::collections::BTreeMap::new();
    for story in STORIES {
        let fingerprints = [2, 3, 7].map(|seed| fingerprint(&told(story, seed)));
        assert!(fingerprints.iter().all(|other| *other == fingerprints[0]), "story {story}");
        if let Some(same) = seen.insert(fingerprints[0], story) {
            panic!("stories {same} and {story} are taken for one");
        }
    }
}

#[test]
fn a_clone_goes_on_as_the_original_does() {
    for story in STORIES {
        let original = told(story, 3);
        let rigs = [original.machine.clone(), original.machine.clone()].map(|machine| {
            let mut rig = told(story, 3);
            rig.machine = machine;
            rig.bytes.clear();
            let call = rig.start(quick(9));
            rig.wait(s(1_000));
            rig.cancel(call);
            rig.close();
            rig
        });
        assert_eq!(rigs[0].bytes, rigs[1].bytes, "story {story}");
        assert_eq!(rigs[0].events, rigs[1].events, "story {story}");
        assert_eq!(fingerprint(&rigs[0]), fingerprint(&rigs[1]), "story {story}");
    }
}
