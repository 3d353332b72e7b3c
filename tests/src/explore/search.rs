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
const COMPARED: u64 = 16;
/// No more than so many are kept for that.
const TWINS_MAX: usize = 1_000;

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
    /// States that were reached again in another way and compared with the one seen first.
    pub compared: usize,
    /// What must not be, or is known to be; of several of a kind the first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// What is not known.
    pub fn new_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !self.setting.known.contains(&finding.text.as_str()))
    }

    /// What is known and was not found any more, though all states were seen.
    pub fn mended(&self) -> impl Iterator<Item = &'static str> {
        let found = |known: &str| self.findings.iter().any(|finding| finding.text == known);
        self.setting.known.iter().copied().filter(move |known| self.complete && !found(known))
    }

    /// The heads of the columns.
    pub const HEAD: &str =
        "| world | profile | states | transitions | depth | seconds | |\n|---|---|---|---|---|---|---|";
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

/// A state that was seen before, reached in another way.
struct Twin {
    first: u32,
    world: Box<World>,
    from: u32,
    step: Step,
}

struct Search {
    first: World,
    seen: Vec<Seen>,
    numbers: HashMap<u128, u32>,
    queue: VecDeque<(u32, Box<World>)>,
    /// What comes after each state, in the order of their numbers.
    after: Vec<u128>,
    twins: Vec<Twin>,
    again: u64,
    honest: Honest,
    findings: Vec<Finding>,
    transitions: usize,
}

/// What can come next.
fn after(world: &World) -> Vec<(Step, u128)> {
    let steps = world.steps().into_iter();
    let next = steps.map(|step| (step, world.after(step)));
    next.filter(|(_, next)| next.broken.is_none()).map(|(step, next)| (step, next.fingerprint())).collect()
}

const fn together(all: u128, next: u128) -> u128 {
    all.rotate_left(5) ^ next
}

/// Goes through all states of a world.
#[must_use]
pub fn search(setting: &Setting) -> Report {
    let began = Instant::now();
    let first = World::new(*setting);
    let mut search = Search {
        first: first.clone(),
        seen: vec![Seen { from: 0, step: None, depth: 0 }],
        numbers: HashMap::from([(first.fingerprint(), 0)]),
        queue: VecDeque::from([(0, Box::new(first.clone()))]),
        after: Vec::new(),
        twins: Vec::new(),
        again: 0,
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
    if steps.iter().fold(first, |world, step| world.after(*step)).transcript != last.1 {
        search.find("the same steps gave other bytes", last.0, None);
    }
    Report {
        setting: *setting,
        states: search.seen.len(),
        transitions: search.transitions,
        depth: search.seen.iter().map(|seen| seen.depth as usize).max().unwrap_or_default(),
        took: began.elapsed(),
        complete,
        compared: search.compare(),
        findings: search.findings,
    }
}

impl Search {
    fn expand(&mut self, number: u32, world: &World) {
        let setting = world.plan.setting;
        let mut all = 0;
        for step in world.steps() {
            self.transitions += 1;
            let next = catch_unwind(AssertUnwindSafe(|| {
                let next = world.after(step);
                let fingerprint = next.fingerprint();
                (next, fingerprint)
            }));
            let Ok((next, fingerprint)) = next else {
                self.find("a panic", number, Some(step));
                continue;
            };
            for (bit, known) in setting.known.iter().enumerate() {
                if next.known & 1 << bit != 0 {
                    self.find(known, number, Some(step));
                }
            }
            if let Some(broken) = &next.broken {
                self.find(broken, number, Some(step));
                continue;
            }
            all = together(all, fingerprint);
            if let Some(first) = self.numbers.get(&fingerprint).copied() {
                self.remember(first, next, number, step);
                continue;
            }
            let new = u32::try_from(self.seen.len()).expect("fewer states");
            self.numbers.insert(fingerprint, new);
            self.seen.push(Seen {
                from: number,
                step: Some(step),
                depth: self.seen[number as usize].depth + 1,
            });
            if next.is_quiet()
                && let Some(wrong) = self.honest.judge(&next)
            {
                self.find(&wrong, new, None);
            }
            self.queue.push_back((new, Box::new(next)));
        }
        self.after.push(all);
    }

    /// Keeps one of many states that were seen before, to compare it in the end.
    fn remember(&mut self, first: u32, world: World, from: u32, step: Step) {
        self.again += 1;
        if self.again.is_multiple_of(COMPARED) && self.twins.len() < TWINS_MAX {
            self.twins.push(Twin { first, world: Box::new(world), from, step });
        }
    }

    /// States that count as one have to go on as one.
    fn compare(&mut self) -> usize {
        let mut compared = 0;
        for Twin { first, world, from, step } in std::mem::take(&mut self.twins) {
            let Some(all) = self.after.get(first as usize).copied() else { continue };
            compared += 1;
            if after(&world).into_iter().map(|(_, next)| next).fold(0, together) == all {
                continue;
            }
            let original =
                self.path(first).into_iter().fold(self.first.clone(), |world, step| world.after(step));
            let (one, other) = (after(&original), after(&world));
            let differ: Vec<_> =
                one.iter().filter(|next| !other.contains(next)).map(|(step, _)| step.to_string()).collect();
            let text = format!("two states that count as one are not after {}", differ.join(", "));
            self.find(&text, from, Some(step));
        }
        compared
    }

    fn find(&mut self, text: &str, number: u32, step: Option<Step>) {
        let known = self.first.plan.setting.known.iter().copied().find(|known| text.starts_with(known));
        let text = known.unwrap_or(text);
        if self.findings.iter().any(|finding| finding.text == text) {
            return;
        }
        let mut steps = self.path(number);
        steps.extend(step);
        self.findings.push(Finding { text: text.to_owned(), steps });
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
