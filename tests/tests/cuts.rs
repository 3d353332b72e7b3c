//! The wire cut at every byte of the handshake, of a request and of its answer, for every kind of request, in both
//! directions, whatever becomes of the daemon, of what waits in its queue, and of what it notices.
//!
//! `cargo test` takes a sample, another cut for every case. `KPTHIN_CUTS=all cargo test --release -p kpthin-tests --test
//! cuts -- --nocapture` takes all, and `KPTHIN_CUTS=n` every n-th.

use std::{
    mem,
    time::{Duration, Instant},
};

use kpthin_core::{
    error::CallError,
    wire::{AnyReply, AnyRequest, Class, Lane, RequestKind},
};
use kpthin_devnet::DevnetConfig;
use kpthin_tests::{
    After, Cut, Direction, How, Net, Pair, answered_or_lost,
    every::{every, is_of_the_link},
    number_from, quick,
};

const SECOND: Duration = Duration::from_secs(1);
const SEED: u64 = 33;
/// How many cuts of each kind, direction and profile a sample has.
const SAMPLE: usize = 30;

/// What happens besides the cut.
#[derive(Clone, Copy, Debug)]
struct Scene {
    after: After,
    how: How,
    /// Whether requests that wait at the daemon die with their connection.
    loses_queue: bool,
}

/// What the daemon becomes, whether it loses its queue, and what it notices.
fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for after in After::ALL {
        let hows =
            if after == After::ShutDown { &[How::Unharmed][..] } else { &[How::EndOfFile, How::Hidden] };
        for how in hows {
            scenes.extend([true, false].map(|loses_queue| Scene { after, how: *how, loses_queue }));
        }
    }
    scenes
}

fn config(profile: fn() -> DevnetConfig, loses_queue: bool) -> DevnetConfig {
    let mut config = quick(profile());
    config.grace_period = 20 * SECOND;
    // The document would be most of what is cut.
    config.epoch_period = 86_400 * SECOND;
    config.quirks.lost_queue = loses_queue;
    config
}

/// Answers a request through a cut, and says how it ended.
fn run(config: &DevnetConfig, request: &AnyRequest, cut: Option<(Cut, After)>) -> (Pair<Net>, Ended) {
    let mut pair = Pair::new(SEED, Net::new(SEED, config.clone()));
    if let Some((cut, after)) = cut {
        pair.cut_then(cut, after);
    }
    if request.kind().lane() == Lane::Cancel {
        // Without a link it would succeed at once.
        pair.run_until_up();
    }
    // The pair looks after this at every step: a call ends once, with a fate that agrees with what was written.
    let call = pair.start(request.clone());
    let result = pair.finish(call);
    // The last bytes may be those of a frame behind the answer.
    pair.run_for(SECOND);
    (pair, result)
}

type Ended = Result<AnyReply, CallError>;

/// A call ends as it does without a cut; only a message may have been lost. Returns whether a forwarder cost an answer.
fn check(kind: RequestKind, scene: Scene, expected: &Ended, ended: Ended) -> bool {
    match kind.class() {
        Class::Message => answered_or_lost(ended, true),
        Class::Local | Class::Operation | Class::Session => match (expected, &ended) {
            (Ok(_), Ok(_)) => {}
            // The error also says whether it was written more than once.
            (Err(expected), Err(error)) if mem::discriminant(expected) == mem::discriminant(error) => {}
            // A forwarder hides that the daemon still holds the link, and a resumed one is silenced with it.
            (_, Err(CallError::Unanswered)) if scene.how == How::Hidden => return true,
            _ => assert_eq!(*expected, ended, "{kind:?} {scene:?}"),
        },
    }
    false
}

/// Cuts every kind of request against one profile; returns how many cases there were, and how many stayed unanswered.
fn cut_everything(name: &str, profile: fn() -> DevnetConfig, direction: Direction) -> (usize, usize) {
    let requests = every(&mut Pair::up(SEED, Net::new(SEED, config(profile, false))));
    let kinds: Vec<_> = requests.iter().map(AnyRequest::kind).collect();
    for kind in RequestKind::ALL.into_iter().filter(|kind| !is_of_the_link(*kind)) {
        assert!(kinds.contains(&kind), "{kind:?} is not cut");
    }
    let all = std::env::var("KPTHIN_CUTS").is_ok_and(|value| value == "all");
    let step = number_from("KPTHIN_CUTS").map(|step| step as usize);
    let scenes = scenes();
    let (mut cases, mut unanswered) = (0, 0);
    for (which, request) in requests.iter().enumerate() {
        let (pair, expected) = run(&config(profile, true), request, None);
        let (up, down) = pair.delivered();
        let total = if direction == Direction::Up { up } else { down };
        assert!(total > 50, "{total} bytes are not a conversation");
        let step = if all { 1 } else { step.unwrap_or(total.div_ceil(SAMPLE)) };
        for (turn, after_bytes) in (0..total).step_by(step).enumerate() {
            let chosen = if all { &scenes[..] } else { &scenes[(turn + which) % scenes.len()..][..1] };
            for scene in chosen {
                let Scene { after, how, loses_queue } = *scene;
                let cut = Cut { direction, after_bytes, how };
                let (pair, ended) = run(&config(profile, loses_queue), request, Some((cut, after)));
                assert_eq!(pair.cut, None, "{name} {which}: the wire was not cut after {after_bytes} bytes");
                unanswered += usize::from(check(request.kind(), *scene, &expected, ended));
                cases += 1;
            }
        }
    }
    (cases, unanswered)
}

#[test]
fn every_kind_of_request_survives_every_cut() {
    for (name, profile) in DevnetConfig::PROFILES {
        for direction in [Direction::Up, Direction::Down] {
            let began = Instant::now();
            let (cases, unanswered) = cut_everything(name, profile, direction);
            assert!(cases >= 200, "{cases} cases are no sample");
            let seconds = began.elapsed().as_secs_f64();
            eprintln!("{name} {direction:?}: {cases} cuts in {seconds:.1} s, {unanswered} unanswered");
        }
    }
}
