//! How a daemon deviates from what the specification recommends.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::time::Duration;

use crate::config::scaled;
use crate::settings::{self, SettingError, Value};

/// Declares every quirk once: its name in texts, its value in both reference profiles, its field and what it does.
macro_rules! quirks {
    ($($(#[doc = $doc:literal])+ $text:literal [$reference:literal $newer:literal] $field:ident: $type:ty,)+) => {
        /// How a daemon, and the network behind it, deviates from what the specification recommends.
        ///
        /// Each deviation is a field, and can be switched alone: in Rust, or by `name` or `name=value` as text for a
        /// command line, see [`set`](Self::set). Times are milliseconds in texts, and couriers are numbered from 0.
        /// None of them is on in the profile `instant`; in the two reference profiles they are as the table says.
        ///
        #[doc = concat!("| quirk | `reference` | `reference-2026-10` | what it does |\n|---|---|---|---|",
            $("\n| `", $text, "` | ", $reference, " | ", $newer, " |", $($doc,)+ " |",)+)]
        ///
        /// # Examples
        ///
        /// The reference daemon without the crash that a body of null costs it:
        ///
        /// ```
        /// use kpthin_devnet::{DevnetConfig, Server};
        ///
        /// let mut config = DevnetConfig::reference();
        /// config.quirks.crash_on_null = false;
        /// config.quirks.set("connection-limit=64")?;
        /// let net = Server::start(config, [7; 32])?;
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Quirks {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nAs text: `", $text, "`.")]
                pub $field: $type,
            )+
        }

        impl Quirks {
            /// All names, in the order of the table.
            pub const NAMES: [&'static str; [$($text),+].len()] = [$($text),+];

            /// Those of the daemon that the specification describes.
            #[must_use]
            pub fn reference() -> Self {
                Self { $($field: Value::parse(Some($reference)).unwrap_or_default(),)+ }
            }

            /// Those of the daemons, couriers and documents of October 2026.
            #[must_use]
            pub fn reference_2026_10() -> Self {
                Self { $($field: Value::parse(Some($newer)).unwrap_or_default(),)+ }
            }

            /// Switches one quirk on, off or to a value; where there may be several values, adds one.
            ///
            /// # Errors
            ///
            /// [`SettingError`], which tells what there is.
            pub fn set(&mut self, text: &str) -> Result<(), SettingError> {
                let (name, value) = settings::split(text);
                match name {
                    $($text => {
                        let mut value: $type = settings::read($text, text, value)?;
                        Several::keep(&mut value, &self.$field);
                        self.$field = value;
                    })+
                    _ => {
                        let known = &[$($text),+];
                        return Err(SettingError::Name { what: "quirk", text: text.to_owned(), known });
                    }
                }
                Ok(())
            }

            /// All quirks as they are written, a line each, with both reference profiles and what they do.
            #[must_use]
            pub fn help() -> String {
                let mut help = String::new();
                $(
                    let form = [$text, <$type as Value>::FORM].concat();
                    let what = settings::summary(&[$($doc),+]);
                    // Writing to memory does not fail.
                    let _ = writeln!(help, "  {form:<30}{:<9}{:<9}{what}", $reference, $newer);
                )+
                help
            }
        }

        /// All that are on, as they are written, in the order of [`help`](Quirks::help).
        impl fmt::Display for Quirks {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut texts = Vec::new();
                $(texts.extend(self.$field.texts().into_iter().map(|value| [$text, &value].concat()));)+
                f.write_str(&texts.join(" "))
            }
        }

        /// The values of the reference profiles as they stand in the table.
        #[cfg(test)]
        fn columns() -> Vec<(&'static str, bool, bool)> {
            vec![$((
                $text,
                <$type as Value>::parse(Some($reference)).is_some(),
                <$type as Value>::parse(Some($newer)).is_some(),
            )),+]
        }
    };
}

quirks! {
    /// A body of CBOR null or undefined ends the daemon's process (Q-01).
    "crash-on-null" ["on" "on"] crash_on_null: bool,
    /// A message that wants a reply, names no SURB id and has no usable destination ends it some seconds later (Q-02).
    "crash-on-missing-surb" ["on" "on"] crash_on_missing_surb: bool,
    /// While there is no document, connections are greeted one after the other, 30 s each (Q-05, C5).
    "serial-accept" ["on" "on"] serial_accept: bool,
    /// So many connections at once; a further one is closed without a frame (C1).
    "connection-limit" ["off" "64"] connection_limit: Option<u32>,
    /// A frame's body has to arrive within this time of its prefix (C2).
    "frame-deadline" ["off" "60000"] frame_deadline: Option<Duration>,
    /// News come at once, also between a greeting and the answer to the token, not behind it (Q-13, C4).
    "early-broadcasts" ["on" "off"] early_broadcasts: bool,
    /// News within this time of a greeting never reach the connection, where they come early (Q-18).
    "deaf-after-greeting" ["1" "off"] deaf_after_greeting: Option<Duration>,
    /// So often a daemon that connects to the mix network says first that it is not connected (Q-19).
    "status-repeats" ["2" "2"] status_repeats: Option<u32>,
    /// A document has its members in another order when it is broadcast than at connect (Q-20).
    "document-order" ["on" "on"] document_order: bool,
    /// Frames have all members of the outer map, and errors all of their own, most of them null (§2.2, §4.0, Q-31).
    "null-members" ["on" "on"] null_members: bool,
    /// The end of a connection is noticed only behind the frames in front of it (§3.8, §9.10).
    "late-end" ["on" "on"] late_end: bool,
    /// A capability or index of a wrong length ends the connection (§4.0, Q-52).
    "wrong-length-closes" ["on" "on"] wrong_length_closes: bool,
    /// A capability without a proper key, or whose halves don't match, ends the connection (§2.1, M6).
    "bad-capability-closes" ["on" "off"] bad_capability_closes: bool,
    /// Ids and hashes of other lengths are padded with zeros or cut (§2.1, Q-52).
    "cut-ids" ["on" "on"] cut_ids: bool,
    /// A frame without any request takes a place in the queue and a send slot (§1.3).
    "empty-frames-cost" ["on" "on"] empty_frames_cost: bool,
    /// The replies that a session missed come before its token is answered (Q-12, C3).
    "replies-before-token" ["on" "off"] replies_before_token: bool,
    /// A request right behind a token that resumes goes unanswered (Q-15).
    "stale-stamp" ["on" "on"] stale_stamp: bool,
    /// A session that is taken over loses its connection when the older one ends (§3.8, Q-03).
    "silencing-takeover" ["on" "on"] silencing_takeover: bool,
    /// So many mixnet requests of one connection wait; a further one stops the connection (Q-16).
    "blocking-queue" ["16" "16"] blocking_queue: Option<u32>,
    /// Mixnet requests that wait die with their connection (§3.7).
    "lost-queue" ["on" "on"] lost_queue: bool,
    /// So many retransmissions that wait to be sent die with their connection (§3.7, C6).
    "lost-retransmissions" ["8" "off"] lost_retransmissions: Option<u32>,
    /// Retransmissions that wait go out so long after a resume, not at once (C6).
    "rearm" ["off" "5000"] rearm: Option<Duration>,
    /// Nothing is sent for a session that is away (§3.7).
    "idle-while-away" ["on" "on"] idle_while_away: bool,
    /// Results of operations that come while their session is away are lost (§3.7, C6).
    "lost-results" ["on" "off"] lost_results: bool,
    /// A cancel does not find a start that still waits in the queue (§9.5).
    "cancel-misses-queued" ["on" "on"] cancel_misses_queued: bool,
    /// A cancel finds what any session started, and the answers go to whoever cancels (Q-46).
    "cancel-across-sessions" ["on" "on"] cancel_across_sessions: bool,
    /// A cancel of one kind ends operations of the other, which are answered in the kind of the cancel (Q-47).
    "cancel-across-kinds" ["on" "on"] cancel_across_kinds: bool,
    /// A cancel that meets the result brings both (§9.5, C7).
    "cancel-and-result" ["on" "off"] cancel_and_result: bool,
    /// Of operations with one hash a cancel finds only the latest (Q-56).
    "one-per-hash" ["on" "on"] one_per_hash: bool,
    /// The first of several operations with one hash that ends takes the others out of a cancel's reach (C8).
    "hash-dropped-at-end" ["off" "on"] hash_dropped_at_end: bool,
    /// A message that was sent names its way and that of its reply (M1).
    "routes" ["off" "on"] routes: bool,
    /// A message that was sent has an empty error text (M2).
    "empty-err" ["off" "on"] empty_err: bool,
    /// A reply to a message that comes much later than expected is dropped (§4.4, Q-23).
    "forgotten-surbs" ["on" "on"] forgotten_surbs: bool,
    /// Without a document a call that needs one stops its connection for so long before it is refused (§4.6).
    "document-wait" ["4000" "4000"] document_wait: Option<Duration>,
    /// Without a document, or keys of replicas, the code is 10 instead of 4 (M3).
    "unavailable-code" ["off" "on"] unavailable_code: bool,
    /// An index has to lie in its capability's stream, at most 262,144 steps ahead: codes 33 and 34 (M4).
    "index-walk" ["off" "on"] index_walk: bool,
    /// A read without a proper index is started, and can verify nothing (Q-40, M7).
    "missing-index" ["on" "on"] missing_index: bool,
    /// A courier's reply of the other kind leaves its operation without an answer (§9.7).
    "wrong-type-stalls" ["on" "off"] wrong_type_stalls: bool,
    /// A courier's reply of the other kind is answered with 31, under the name of envelopes even for a copy (M5).
    "wrong-type-misnamed" ["off" "on"] wrong_type_misnamed: bool,
    /// Documents have the members that were added: notices, software versions, contacts, key hashes.
    "document-notices" ["off" "on"] document_notices: bool,
    /// A packet counts as lost up to so much later than usual, each another time.
    "retransmission-jitter" ["off" "20000"] retransmission_jitter: Option<Duration>,
    /// So often a courier asks the replicas again for one envelope (Q-51).
    "redispatches" ["5" "off"] redispatches: Option<u32>,
    /// A courier asks the replicas again only after this time, then twice as long, three times.
    "redispatch-pause" ["off" "30000"] redispatch_pause: Option<Duration>,
    /// A courier hands out the success of one replica before the failure of the other.
    "success-first" ["off" "on"] success_first: bool,
    /// A replica that lacks a box asks the other one that keeps it, and is repaired by the answer.
    "read-repair" ["off" "on"] read_repair: bool,
    /// A courier writes tombstones over the temporary stream of a copy that succeeded (Q-48).
    "copies-tombstone" ["off" "on"] copies_tombstone: bool,
    /// A courier tries again where a replica fails for a while, and tells the last failure (Pigeonhole backend §6.4).
    "copy-retries" ["off" "on"] copy_retries: bool,
    /// Couriers that stay in the documents and answer nothing (§9.11).
    "silent-courier" ["none" "none"] silent_couriers: BTreeSet<u8>,
}

impl Quirks {
    /// Multiplies the times that daemon, couriers and network take; what the daemon allows a client stays.
    pub(crate) fn scale(&mut self, factor: f64) {
        for time in [
            &mut self.deaf_after_greeting,
            &mut self.document_wait,
            &mut self.rearm,
            &mut self.redispatch_pause,
            &mut self.retransmission_jitter,
        ] {
            // None of them is written as less than a millisecond.
            *time = time.map(|time| scaled(time, factor).max(Duration::from_millis(1)));
        }
    }
}

/// What is set again: replaced, or added where there may be several.
trait Several {
    fn keep(&mut self, _: &Self) {}
}

impl Several for bool {}
impl Several for Option<u32> {}
impl Several for Option<Duration> {}

impl Several for BTreeSet<u8> {
    fn keep(&mut self, before: &Self) {
        if !self.is_empty() {
            self.extend(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_are_columns_of_the_table() {
        for (name, reference, newer) in columns() {
            assert!(reference && newer, "{name} has a value that can't be read");
        }
        assert_eq!(Quirks::default().to_string(), "");
        let (reference, newer) = (Quirks::reference(), Quirks::reference_2026_10());
        assert!(reference.crash_on_null && newer.crash_on_null);
        assert_eq!((reference.redispatches, newer.redispatches), (Some(5), None));
        assert_eq!(newer.frame_deadline, Some(Duration::from_secs(60)));
    }

    #[test]
    fn the_times_of_the_network_are_scaled_and_the_deadlines_of_clients_are_not() {
        let mut quirks = Quirks::reference_2026_10();
        quirks.scale(0.01);
        let expected =
            "redispatch-pause=300 retransmission-jitter=200 rearm=50 document-wait=40 frame-deadline=60000";
        for text in expected.split(' ') {
            let before = quirks.clone();
            quirks.set(text).unwrap();
            assert_eq!(quirks, before, "{text}");
        }
        quirks.scale(0.0);
        assert_eq!(quirks.rearm, Some(Duration::from_millis(1)));
    }

    #[test]
    fn a_text_switches_one_quirk_and_no_other() {
        for name in Quirks::NAMES {
            let mut quirks = Quirks::default();
            let on = ["=1", ""].into_iter().any(|value| quirks.set(&[name, value].concat()).is_ok());
            assert!(on && quirks != Quirks::default(), "{name}");
            assert_eq!(quirks.to_string().split(' ').count(), 1, "{name}");
            let off = if name == "silent-courier" { "=none" } else { "=off" };
            quirks.set(&[name, off].concat()).unwrap();
            assert_eq!(quirks, Quirks::default(), "{name}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for quirks in [Quirks::reference(), Quirks::reference_2026_10()] {
            let mut read = Quirks::default();
            quirks.to_string().split(' ').for_each(|text| read.set(text).unwrap());
            assert_eq!(read, quirks);
        }
        let mut quirks = Quirks::default();
        for text in ["silent-courier=0", "silent-courier=1", "rearm=7"] {
            quirks.set(text).unwrap();
        }
        assert_eq!(quirks.to_string(), "rearm=7 silent-courier=0 silent-courier=1");
    }

    #[test]
    fn a_wrong_text_is_told_what_is_right() {
        let mut quirks = Quirks::default();
        for (wrong, right) in [
            ("crash-on-null=1", "crash-on-null, perhaps with =on or =off"),
            ("rearm", "rearm=MS with a number from 1 to 31536000000, or off"),
            ("rearm=0", "rearm=MS with a number from 1 to 31536000000, or off"),
            ("connection-limit=many", "connection-limit=NUMBER with a number from 1, or off"),
            ("silent-courier=off", "silent-courier=NUMBER with the number of one, from 0, or none"),
        ] {
            let error = quirks.set(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("{wrong:?} has to be {right}"));
        }
        let error = quirks.set("oddity").unwrap_err().to_string();
        assert!(error.starts_with("\"oddity\" is no quirk; there are crash-on-null, "), "{error}");
        assert_eq!(quirks, Quirks::default());
    }

    #[test]
    fn the_help_has_a_line_for_each() {
        let help = Quirks::help();
        assert_eq!(help.lines().count(), Quirks::NAMES.len());
        assert!(help.lines().all(|line| line.len() > 50 && !line.ends_with('.')), "{help}");
    }
}
