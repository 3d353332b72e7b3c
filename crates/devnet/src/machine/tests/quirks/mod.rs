//! Every quirk alone, on and off, as raw frames show it.

mod cancels;
mod connections;
mod documents;
mod messages;
mod network;
mod sessions;

use super::*;
use crate::quirks::Quirks;

/// How a quirk is shown.
struct Shown {
    /// What switches it on.
    on: &'static [&'static str],
    /// What else has to be so.
    config: fn(&mut DevnetConfig),
    /// Whether a daemon has it.
    shows: fn(&mut Net) -> bool,
}

const fn shown(on: &'static [&'static str], shows: fn(&mut Net) -> bool) -> Shown {
    Shown { on, config: |_| (), shows }
}

const fn shown_where(
    on: &'static [&'static str],
    config: fn(&mut DevnetConfig),
    shows: fn(&mut Net) -> bool,
) -> Shown {
    Shown { on, config, shows }
}

/// All of them, in no order.
fn all() -> impl Iterator<Item = &'static Shown> {
    [connections::SHOWN, sessions::SHOWN, cancels::SHOWN, messages::SHOWN, documents::SHOWN, network::SHOWN]
        .into_iter()
        .flatten()
}

impl Shown {
    fn name(&self) -> &'static str {
        self.on[0].split('=').next().unwrap()
    }

    /// Whether a daemon with these quirks shows this one, if it is switched so.
    fn with(&self, quirks: Quirks, texts: &[&str]) -> bool {
        let mut config = quick_reference();
        config.epoch_period = secs(7 * 24 * 60 * 60);
        config.quirks = quirks;
        (self.config)(&mut config);
        for text in texts {
            config.quirks.set(text).unwrap();
        }
        (self.shows)(&mut Net::new(config))
    }

    fn off(&self) -> String {
        let off = if self.name() == "silent-courier" { "none" } else { "off" };
        format!("{}={off}", self.name())
    }
}

#[test]
fn every_quirk_is_shown() {
    let mut missing: Vec<_> = Quirks::NAMES.into();
    for quirk in all() {
        let before = missing.len();
        missing.retain(|name| *name != quirk.name());
        assert_eq!(missing.len() + 1, before, "{} is shown twice, or is none", quirk.name());
    }
    assert_eq!(missing, [""; 0]);
}

/// Shows all of them on a daemon that is else like this, each on and off, and names those that are not as they should.
fn show_all(profile: &Quirks) {
    let mut wrong = Vec::new();
    for quirk in all() {
        for on in [false, true] {
            let off = [quirk.off()];
            let texts: Vec<_> = if on { quirk.on.to_vec() } else { off.iter().map(String::as_str).collect() };
            // All are told at once, also where one of them finds more than it looked for.
            let shows = std::panic::catch_unwind(|| quirk.with(profile.clone(), &texts)).ok();
            if shows != Some(on) {
                wrong.push((quirk.name(), if on { "on" } else { "off" }));
            }
        }
    }
    assert_eq!(wrong, [], "{profile}");
}

#[test]
fn each_can_be_switched_alone_in_a_daemon_without_quirks() {
    show_all(&Quirks::default());
}

#[test]
fn each_can_be_switched_alone_in_the_reference() {
    show_all(&Quirks::reference());
}

#[test]
fn each_can_be_switched_alone_in_the_newer_reference() {
    show_all(&Quirks::reference_2026_10());
}

/// A client with a session and a stream.
fn client(net: &mut Net) -> (ConnId, KeypairReply) {
    let (conn, _) = net.session(1);
    (conn, net.keypair(conn, 1))
}

/// Takes what has come for a connection.
fn received(net: &mut Net, conn: ConnId) -> Vec<AnyResponse> {
    std::iter::from_fn(|| net.try_next(conn)).collect()
}

/// The answers among them.
fn replies(net: &mut Net, conn: ConnId) -> Vec<ReplyFrame> {
    let replies = received(net, conn).into_iter().filter_map(|response| match response {
        AnyResponse::Reply(reply) => Some(reply),
        _ => None,
    });
    replies.collect()
}

/// Whether a local call is answered.
fn answers(net: &mut Net, conn: ConnId) -> bool {
    let query_id = net.ask(conn, NewKeypair { seed: Seed::from([1; 32]) });
    replies(net, conn).iter().any(|reply| reply.query_id == Some(query_id))
}

fn written(net: &Net, keys: &KeypairReply) -> bool {
    let index = &keys.first_message_index;
    matches!(net.devnet.read_box(&keys.read_cap, index), crate::BoxState::Message(_))
}
