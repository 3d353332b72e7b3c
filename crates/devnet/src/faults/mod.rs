//! What goes wrong on purpose.

mod injector;

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::str::FromStr;
use std::time::Duration;

use crate::settings::{self, SettingError, Value};
pub(crate) use injector::Injector;

/// Declares every fault once: its field, its name in texts and what it does.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $text:literal $field:ident: $type:ty,)+) => {
        /// What goes wrong, from now on.
        ///
        /// What is a matter of chance is drawn from the seed, so the same calls meet the same faults. A fault is a
        /// field here and `name` or `name=value` as text, for a command line: see [`FromStr`] and
        /// [`help`](Self::help). A *share* is a number from 0 to 1, times are milliseconds in texts, replicas are
        /// numbered from 0.
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
        /// assert_eq!(faults, "loss=0.3".parse::<Faults>()?.and("replica-down=1".parse()?));
        /// net.set_faults(Instant::ORIGIN, faults);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Faults {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nAs text: `", $text, "`.")]
                pub $field: $type,
            )+
        }

        impl Faults {
            /// Both together: the greater shares and times, and all replicas of both.
            #[must_use]
            pub fn and(mut self, other: Self) -> Self {
                $(Value::join(&mut self.$field, other.$field);)+
                self
            }

            /// All faults as they are written, a line each, with what they do.
            #[must_use]
            pub fn help() -> String {
                let mut help = String::new();
                $(
                    let form = [$text, <$type as Value>::FORM].concat();
                    // Writing to memory does not fail.
                    let _ = writeln!(help, "  {form:<24}{}", settings::summary(&[$($doc),+]));
                )+
                help
            }
        }

        /// All that are on, as they are written, in the order of [`help`](Faults::help).
        impl fmt::Display for Faults {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut texts = Vec::new();
                $(texts.extend(self.$field.texts().into_iter().map(|value| [$text, &value].concat()));)+
                f.write_str(&texts.join(" "))
            }
        }

        /// Reads one fault.
        impl FromStr for Faults {
            type Err = SettingError;

            fn from_str(text: &str) -> Result<Self, SettingError> {
                let (name, value) = settings::split(text);
                let mut faults = Self::default();
                match name {
                    $($text => faults.$field = settings::read($text, text, value)?,)+
                    _ => {
                        let known = &[$($text),+];
                        return Err(SettingError::Name { what: "fault", text: text.to_owned(), known });
                    }
                }
                Ok(faults)
            }
        }
    };
}

faults! {
    /// The share of packets that are lost on their way to a courier.
    "loss" loss: f64,
    /// The share of replies that are lost on their way back.
    "reply-loss" reply_loss: f64,
    /// How much longer than usual a packet or its reply takes at most, each another time.
    "latency" latency: Duration,
    /// Replicas that are in the document and don't answer.
    "replica-down" replicas_down: BTreeSet<u8>,
    /// Replicas that other replicas don't reach, though couriers do.
    "partition" partitioned: BTreeSet<u8>,
    /// How much longer than usual a box takes from one replica to the other.
    "replication-lag" replication_lag: Duration,
    /// Replicas that have no room for new boxes.
    "storage-full" storage_full: BTreeSet<u8>,
    /// The share of boxes whose content is damaged when they come back.
    "corrupt-box" corrupt_box: f64,
    /// The share of boxes and tombstones whose signature is wrong when they come back.
    "wrong-signature" wrong_signature: f64,
    /// The share of envelopes that a courier refuses as of another epoch (§9.4).
    "stale-epoch" stale_epoch: f64,
    /// The share of envelopes that a courier acknowledges and then forgets (§9.2, Q-50).
    "unstored" unstored: f64,
    /// The share of couriers' replies that are of the other kind (§9.7, M5).
    "wrong-type" wrong_type: f64,
    /// The share of operations that end without any answer (§9.7, Q-55).
    "unanswered" unanswered: f64,
    /// The share of local calls that are never answered, as after a panic that the daemon caught (§4.0).
    "unanswered-local" unanswered_local: f64,
    /// The daemon has no document: it greets late and without one, and can encrypt and send nothing.
    "missing-document" missing_document: bool,
    /// The daemon lies: the signed documents that it delivers have been changed after they were signed.
    "forged-document" forged_document: bool,
    /// The daemon lies: one authority alone has signed the documents that it delivers.
    "thin-signatures" thin_signatures: bool,
    /// The daemon lies: whichever signed document it is asked for, it delivers the first that there was.
    "old-document" old_document: bool,
    /// The mix network goes away or comes back each time so much time has passed.
    "flapping" flapping: Duration,
    /// The daemon is restarted each time so much time has passed; its connections drop without a word.
    "restarts" restarts: Duration,
    /// The daemon says that it stops each time so much time has passed, and is there again a second later.
    "shutdowns" shutdowns: Duration,
    /// The share of frames in the middle of which the connection ends.
    "cut" cut: f64,
    /// The share of frames in front of which stands one that is no CBOR.
    "malformed" malformed: f64,
    /// The share of frames in front of which stands a length that is too great.
    "oversize" oversize: f64,
    /// The share of frames in front of which stands one with a member that nobody knows.
    "unknown" unknown: f64,
    /// The share of answers that come twice.
    "duplicate" duplicate: f64,
    /// The share of answers in front of which stands one to a question that was never asked.
    "misdirected" misdirected: f64,
    /// Everything is sent one byte at a time.
    "dribble" dribble: bool,
    /// How long the daemon rests behind each frame that it reads from a connection.
    "slow-reading" slow_reading: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_text_and_add_up() {
        let texts = ["loss=0.25", "reply-loss=1", "replica-down=2", "replica-down=0", "loss=0.5", "dribble"];
        let faults = texts.map(|text| text.parse::<Faults>().unwrap()).into_iter();
        let expected = Faults {
            loss: 0.5,
            reply_loss: 1.0,
            replicas_down: [0, 2].into(),
            dribble: true,
            ..Faults::default()
        };
        assert_eq!(faults.fold(Faults::default(), Faults::and), expected);
        let text = "loss=0.5 reply-loss=1 replica-down=0 replica-down=2 dribble";
        assert_eq!(expected.to_string(), text);
        let again = text.split(' ').map(|text| text.parse::<Faults>().unwrap());
        assert_eq!(again.fold(Faults::default(), Faults::and), expected);
        assert_eq!(Faults::default().to_string(), "");
        let lag: Faults = "replication-lag=1500".parse().unwrap();
        assert_eq!(lag.replication_lag, Duration::from_millis(1_500));
    }

    #[test]
    fn a_wrong_text_is_told_what_is_right() {
        for (wrong, right) in [
            ("loss", "loss=SHARE with a number from 0 to 1"),
            ("loss=2", "loss=SHARE with a number from 0 to 1"),
            ("loss=-1", "loss=SHARE with a number from 0 to 1"),
            ("loss=nan", "loss=SHARE with a number from 0 to 1"),
            ("replica-down=x", "replica-down=NUMBER with the number of one, from 0, or none"),
            ("latency=-3", "latency=MS with a number from 1 to 31536000000"),
            ("flapping=0", "flapping=MS with a number from 1 to 31536000000"),
            ("dribble=1", "dribble, perhaps with =on or =off"),
        ] {
            let error = wrong.parse::<Faults>().unwrap_err().to_string();
            assert_eq!(error, format!("{wrong:?} has to be {right}"));
        }
        let error = "luck=1".parse::<Faults>().unwrap_err().to_string();
        assert!(error.starts_with("\"luck=1\" is no fault; there are loss, reply-loss, latency,"), "{error}");
    }

    #[test]
    fn the_help_has_a_line_for_each() {
        let help = Faults::help();
        assert_eq!(help.lines().count(), 29);
        assert!(help.lines().all(|line| line.len() > 30 && !line.ends_with('.')), "{help}");
    }
}
