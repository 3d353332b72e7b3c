//! What happened last, and a number that stands for all of it.

use std::{collections::VecDeque, fmt};

use kpthin_core::Instant;

use crate::Direction;

const LINES_MAX: usize = 120;

/// The last lines, for a failing test, and a running hash of every byte.
#[derive(Debug)]
pub(super) struct Log {
    lines: VecDeque<String>,
    hash: u64,
}

impl Default for Log {
    fn default() -> Self {
        Self { lines: VecDeque::new(), hash: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Log {
    pub(super) const fn transcript(&self) -> u64 {
        self.hash
    }

    pub(super) fn note(&mut self, now: Instant, line: impl FnOnce() -> String) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{:>12.6} {}", now.since_origin().as_secs_f64(), line()));
    }

    /// FNV-1a over time, direction and bytes.
    pub(super) fn delivered(&mut self, now: Instant, direction: Direction, bytes: &[u8]) {
        let head = now.since_origin().as_nanos().to_le_bytes();
        for byte in head.iter().chain(&[direction as u8]).chain(bytes) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
