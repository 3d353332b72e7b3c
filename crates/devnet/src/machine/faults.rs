//! What goes wrong on purpose, drawn from the seed.

use std::collections::BTreeSet;
use std::str::FromStr;

use kpthin_core::Instant;
use thiserror::Error;

use super::Devnet;
use crate::pigeonhole::Entropy;

/// What goes wrong in the network, from now on.
///
/// Which packets are lost is drawn from the seed, so the same calls lose the same packets.
///
/// As text, for a command line: `loss=0.3`, `reply-loss=0.1` or `replica-down=2`; see [`FromStr`].
///
/// # Examples
///
/// ```
/// use kpthin_core::Instant;
/// use kpthin_devnet::{Devnet, DevnetConfig, Faults};
///
/// let mut net = Devnet::new(DevnetConfig::instant(), [7; 32], Instant::ORIGIN);
/// let mut faults = Faults::default();
/// faults.loss = 0.3;
/// let _ = faults.replicas_down.insert(1);
/// net.set_faults(Instant::ORIGIN, faults);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Faults {
    /// The share of packets that are lost on their way to a courier, 0 to 1.
    pub loss: f64,
    /// The share of replies that are lost on their way back, 0 to 1.
    pub reply_loss: f64,
    /// Replicas that are in the document and don't answer, by number; there are 0, 1 and 2.
    pub replicas_down: BTreeSet<u8>,
}

/// Why a text names no fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is none of loss=SHARE, reply-loss=SHARE (0 to 1) and replica-down=NUMBER (0 to 2)")]
pub struct UnknownFault(String);

impl FromStr for Faults {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault(text.to_owned());
        let (name, value) = text.split_once('=').ok_or_else(unknown)?;
        let share = || value.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(unknown);
        let mut faults = Self::default();
        match name {
            "loss" => faults.loss = share()?,
            "reply-loss" => faults.reply_loss = share()?,
            "replica-down" => {
                let number = value.parse().ok().filter(|number| *number < 3).ok_or_else(unknown)?;
                let _ = faults.replicas_down.insert(number);
            }
            _ => return Err(unknown()),
        }
        Ok(faults)
    }
}

impl Faults {
    /// Both together: the greater shares, and all replicas that are down.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.loss = self.loss.max(other.loss);
        self.reply_loss = self.reply_loss.max(other.reply_loss);
        self.replicas_down.extend(other.replicas_down);
        self
    }
}

impl Devnet {
    /// Has things go wrong from now on; [`Faults::default`] ends that.
    pub fn set_faults(&mut self, now: Instant, faults: Faults) {
        self.advance(now);
        self.faults = faults;
    }

    /// What goes wrong at present.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Whether a packet is lost on its way to a courier.
    pub(super) fn loses_packet(&mut self) -> bool {
        let share = self.faults.loss;
        self.happens(share)
    }

    /// Whether a reply is lost on its way back.
    pub(super) fn loses_reply(&mut self) -> bool {
        let share = self.faults.reply_loss;
        self.happens(share)
    }

    /// Draws only where there is a choice, so that a network without faults is the same as ever.
    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && f64::from(u32::from_le_bytes(self.entropy.draw())) < share * f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_text_and_add_up() {
        let faults = ["loss=0.25", "reply-loss=1", "replica-down=2", "replica-down=0", "loss=0.5"]
            .map(|text| text.parse::<Faults>().unwrap())
            .into_iter()
            .fold(Faults::default(), Faults::and);
        let expected = Faults { loss: 0.5, reply_loss: 1.0, replicas_down: [0, 2].into() };
        assert_eq!(faults, expected);
        for wrong in ["loss", "loss=2", "loss=-1", "loss=nan", "replica-down=3", "luck=1"] {
            assert_eq!(wrong.parse::<Faults>(), Err(UnknownFault(wrong.to_owned())));
        }
    }
}
