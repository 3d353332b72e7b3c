//! Breadth first through all states.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use super::{Setting, Step, World, honest::Honest};

/// So many different findings of one world are enough.
const FINDINGS_MAX: usize = 12;
/// One of so many states that were reached again is compared with the one seen first.
const COMPARED: u64 = 64;

/// Something that must not be, and the shortest way there.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What.
    pub text: String,
    /// The steps.
    pub steps: Vec<Step>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.steps.iter().map(Step::to_string).collect();
        write!(f, "{}\n    {}", self.text, steps.join(" "))
    }
}

/// What a search has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The world.
    pub setting: Setting,
    /// Different states.
    pub states: usize,
    /// Steps from them.
    pub transitions: usize,
    /// Steps of the longest of the shortest ways.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Whether all states were seen.
    pub complete: bool,
    /// States that were reached again and compared, and how many of them went on in another way.
    pub compared: (usize, usize),
    /// What must not be; of several of a kind the first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The heads of the columns.
    pub const HEAD: &str = "| world | profile | states | transitions | depth | seconds | |\n|---|---|---|---|---|---|---|";
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, states, transitions, depth, took, complete, .. } = self;
        let (name, profile, seconds) = (setting.name, setting.profile, took.as_secs_f64());
        let complete = if *complete { "complete" } else { "bounded" };
        write!(f, "| {name} | {profile} | {states} | {transitions} | {depth} | {seconds:.1} | {complete} |")
    }
}

/// A state that was seen: how it was reached first.
#[derive(Clone, Copy, Debug)]
struct Seen {
    from: u32,
    step: Option<Step>,
    depth: u32,
}

struct Search {
    seen: Vec<Seen>,
    numbers: HashMap<u128, u32>,
    queue: VecDeque<(u32, Box<World>)>,
    honest: Honest,
    findings: Vec<Finding>,
    transitions: usize,
}

/// Goes through all states of a world.
#[must_use]
pub fn search(setting: &Setting) -> Report {
    let began = Instant::now();
    let first = World::new(*setting);
    let mut search = Search {
        seen: vec![Seen { from: 0, step: None, depth: 0 }],
        numbers: HashMap::from([(first.fingerprint(), 0)]),
        queue: VecDeque::from([(0, Box::new(first.clone()))]),
        honest: Honest::default(),
        findings: Vec::new(),
        transitions: 0,
    };
    let mut last = (0, first.transcript);
    let mut complete = true;
    while let Some((number, world)) = search.queue.pop_front() {
        if search.seen.len() >= setting.states_max || search.findings.len() >= FINDINGS_MAX {
            complete = false;
            break;
        }
        last = (number, world.transcript);
        search.expand(number, &world);
    }
    let steps = search.path(last.0);
    let transcript = steps.iter().fold(first, |world, step| world.after(*step)).transcript;
    if transcript != last.1 {
        search.findings.push(Finding { text: "the same steps gave other bytes".to_owned(), steps });
    }
    Report {
        setting: *setting,
        states: search.seen.len(),
        transitions: search.transitions,
        depth: search.seen.iter().map(|seen| seen.depth as usize).max().unwrap_or_default(),
        took: began.elapsed(),
        complete,
        compared: (0, 0),
        findings: search.findings,
    }
}

impl Search {
    fn expand(&mut self, number: u32, world: &World) {
        for step in world.steps() {
            self.transitions += 1;
            let next = catch_unwind(AssertUnwindSafe(|| {
                let next = world.after(step);
                let fingerprint = next.fingerprint();
                (next, fingerprint)
            }));
            let Ok((next, fingerprint)) = next else {
                self.find("a panic".to_owned(), number, Some(step));
                continue;
            };
            if let Some(broken) = next.broken {
                self.find(broken, number, Some(step));
                continue;
            }
            if self.numbers.contains_key(&fingerprint) {
                continue;
            }
            let new = u32::try_from(self.seen.len()).expect("fewer states");
            self.numbers.insert(fingerprint, new);
            self.seen.push(Seen { from: number, step: Some(step), depth: self.seen[number as usize].depth + 1 });
            if next.is_quiet()
                && let Some(wrong) = self.honest.judge(&next)
            {
                self.find(wrong, new, None);
            }
            self.queue.push_back((new, Box::new(next)));
        }
    }

    fn find(&mut self, text: String, number: u32, step: Option<Step>) {
        if self.findings.iter().any(|finding| finding.text == text) {
            return;
        }
        let mut steps = self.path(number);
        steps.extend(step);
        self.findings.push(Finding { text, steps });
    }

    fn path(&self, mut number: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Seen { from, step: Some(step), .. } = self.seen[number as usize] {
            steps.push(step);
            number = from;
        }
        steps.reverse();
        steps
    }
}

/// Does steps again, as a [`Finding`] shows them.
///
/// # Panics
///
/// If there is no such step, or it is not possible there.
#[must_use]
pub fn replay(setting: &Setting, steps: &str) -> World {
    let mut world = World::new(*setting);
    for word in steps.split_whitespace() {
        let step: Step = word.parse().unwrap_or_else(|problem| panic!("{problem}"));
        assert!(world.steps().contains(&step), "{step} is not possible: {:?}", world.steps());
        world.apply(step);
    }
    world
}
