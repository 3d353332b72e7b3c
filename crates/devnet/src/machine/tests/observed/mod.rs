//! The table of what was observed on a running network, row by row, in virtual time (§9.10).
//!
//! Slots are random, and what was observed was mostly seen once. So each row is tried with 31 seeds, and the
//! *median* has to lie in what was observed, widened by a tolerance that stands with it: a quarter where the time is one
//! of the daemon's own, a half where it waits for several slots, and a factor of three where it waits for a gap in a
//! queue that is never empty, which has an exponential distribution. Codes, orders and losses have no tolerance.

mod boxes;
mod copies;
mod daemon;
mod links;
mod queues;

use kpthin_core::wire::NextMessageBoxIndex;

use super::*;

/// How far a median may lie outside of what was observed.
#[derive(Clone, Copy)]
enum Tolerance {
    /// The daemon's own work.
    Quarter,
    /// Several random slots.
    Half,
    /// A wait with an exponential distribution.
    Threefold,
}

/// Checks that a median lies in what was observed, in seconds.
fn near(
    what: &str,
    observed: std::ops::RangeInclusive<f64>,
    tolerance: Tolerance,
    trial: impl Fn(u8) -> Duration,
) {
    let mut times: Vec<_> = (1..=31).map(|seed| trial(seed).as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    let median = times[15];
    let (less, more) = match tolerance {
        Tolerance::Quarter => (0.75, 1.25),
        Tolerance::Half => (0.5, 1.5),
        Tolerance::Threefold => (1.0 / 3.0, 3.0),
    };
    let allowed = observed.start() * less..=observed.end() * more;
    assert!(allowed.contains(&median), "{what}: {median:.1} s, not {allowed:?}; {times:.1?}");
}

/// The daemon of the table: two-minute epochs, a packet a second, half a minute of grace.
fn site(seed: u8) -> (Net, ConnId) {
    let mut config = DevnetConfig::reference();
    config.grace_period = secs(30);
    let mut net = Net::seeded(config, seed);
    let conn = joined(&mut net, 1);
    (net, conn)
}

/// Connects and presents a token.
fn joined(net: &mut Net, token: u8) -> ConnId {
    let conn = net.connect();
    net.pass(secs(4));
    let _ = net.greeting(conn);
    let _ = net.present(conn, token);
    conn
}

/// Waits for the answer to a question, whatever else comes; how long that took.
fn answer(
    net: &mut Net,
    conn: ConnId,
    query_id: QueryId,
    patience: Duration,
) -> Option<(Duration, ReplyFrame)> {
    let begun = net.now;
    while net.now <= begun + patience {
        while let Some(response) = net.try_next(conn) {
            if let AnyResponse::Reply(reply) = response
                && reply.query_id == Some(query_id)
            {
                return Some((net.now.saturating_since(begun), reply));
            }
        }
        net.pass(millis(20));
    }
    None
}

/// Asks and waits for the answer.
fn ask(net: &mut Net, conn: ConnId, request: impl Into<AnyRequest>) -> (Duration, ReplyFrame) {
    let query_id = net.ask(conn, request);
    answer(net, conn, query_id, secs(3_600)).expect("an answer within an hour")
}

fn keypair(net: &mut Net, conn: ConnId, seed: u8) -> KeypairReply {
    match ask(net, conn, NewKeypair { seed: Seed::from([seed; 32]) }).1.result {
        Ok(AnyReply::NewKeypair(keys)) => keys,
        other => panic!("{other:?}"),
    }
}

/// What the daemon answers at once.
fn question(keys: &KeypairReply) -> NextMessageBoxIndex {
    NextMessageBoxIndex { message_box_index: keys.first_message_index.clone() }
}

fn sealing_write(keys: &KeypairReply, text: &str) -> EncryptWrite {
    EncryptWrite {
        plaintext: SecretBytes::from(text),
        write_cap: keys.write_cap.clone(),
        message_box_index: keys.first_message_index.clone(),
    }
}

fn sealing_read(keys: &KeypairReply) -> EncryptRead {
    EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: keys.first_message_index.clone() }
}

fn sealed_write(net: &mut Net, conn: ConnId, keys: &KeypairReply, text: &str) -> EncryptReply {
    match ask(net, conn, sealing_write(keys, text)).1.result {
        Ok(AnyReply::EncryptWrite(sealed)) => sealed,
        other => panic!("{other:?}"),
    }
}

fn sealed_read(net: &mut Net, conn: ConnId, keys: &KeypairReply) -> EncryptReply {
    match ask(net, conn, sealing_read(keys)).1.result {
        Ok(AnyReply::EncryptRead(sealed)) => sealed,
        other => panic!("{other:?}"),
    }
}

/// Writes a box by the default and lets it be replicated.
fn written(net: &mut Net, conn: ConnId, keys: &KeypairReply, text: &str) {
    let sealed = sealed_write(net, conn, keys, text);
    assert_eq!(outcome(ask(net, conn, write(keys, &sealed)).1), (0, None));
    net.pass(secs(20));
}
