//! Random commands and inputs: whatever happens, every call ends exactly once.

use super::{
    script::{Run, run, step},
    *,
};
use proptest::{collection::vec, prelude::*};
use sample::quick;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_exactly_once(seed: u8, steps in vec(step(), 1..120)) {
        run(seed, &steps);
    }

    #[test]
    fn the_same_seed_and_script_give_the_same_bytes(seed: u8, steps in vec(step(), 1..80)) {
        let [first, second] = [run(seed, &steps), run(seed, &steps)];
        prop_assert_eq!(first.rig.bytes, second.rig.bytes);
        prop_assert_eq!(first.rig.events, second.rig.events);
    }

    #[test]
    fn an_honest_daemon_answers_all_after_any_script(seed: u8, steps in vec(step(), 1..80)) {
        let mut run = Run::new(seed);
        for step in &steps {
            run.step(step);
        }
        run.rig.stuck = false;
        run.rig.cut(DisconnectCause::EndOfFile);
        run.look();
        let dialled = run.rig.link();
        let connecting = run.rig.machine.status().link == LinkStatus::Connecting;
        if !connecting {
            run.rig.redial();
            prop_assert_ne!(dialled, run.rig.link());
        }
        run.rig.connected();
        run.rig.say(&status(9, true));
        run.rig.say(&no_document());
        run.asked.clear();
        run.rig.say(&session(false));
        run.look();
        for _ in 0..400 {
            for frame in mem::take(&mut run.asked) {
                run.answer(&frame, 7);
                run.look();
            }
            run.rig.wait(s(10));
            run.look();
        }
        prop_assert_eq!(run.started.len(), run.ended.len());
        prop_assert_eq!(run.rig.machine.calls.table().len(), 0);
        prop_assert!(run.rig.machine.calls.knows_no_key());
    }

    #[test]
    fn random_bytes_end_the_link_at_worst(frames in vec(vec(any::<u8>(), 0..60), 1..30), framed: bool) {
        let mut rig = Rig::up();
        let call = rig.start(quick(1));
        for body in &frames {
            if framed {
                rig.input(&u32::try_from(body.len()).unwrap().to_be_bytes());
            }
            rig.input(body);
        }
        rig.close();
        prop_assert!(rig.results.contains_key(&call));
    }
}
