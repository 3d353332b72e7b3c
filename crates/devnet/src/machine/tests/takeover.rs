//! A second connection with a token that is still connected (§3.8).

use kpthin_core::wire::ThinClose;

use super::*;

fn question() -> Sent {
    refused()
}

#[test]
fn the_instant_daemon_closes_the_older_connection() {
    let mut net = Net::instant();
    let (old, first) = net.session(1);
    let (new, second) = net.session(1);
    assert_eq!((second.app_id, second.resumed), (first.app_id, true));
    assert!(net.is_closed(old));
    net.gone(old);
    net.pass(secs(3_600));
    while net.try_next(new).is_some() {}
    assert_eq!(net.call(new, question()), Err((3, FailureDetail::None)));
    net.act(Devnet::advance_epoch);
    assert!(std::iter::from_fn(|| net.try_next(new)).count() > 0);
}

#[test]
fn an_operation_is_answered_to_the_newer_connection() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (old, _) = net.session(1);
        let keys = net.keypair(old, 1);
        let sealed = net.encrypt_read(old, &keys);
        let reading = net.ask(old, read(&keys, &sealed));
        let (new, _) = net.session(1);
        let sealed = net.encrypt_write(new, &keys, "hello");
        let _ = net.ask(new, write(&keys, &sealed));
        net.pass(secs(1));
        let replies = [net.reply(new), net.reply(new)];
        assert!(replies.iter().any(|reply| reply.query_id == Some(reading)));
        net.nothing(old);
    }
}

#[test]
fn in_the_reference_both_are_answered_on_the_newer_connection() {
    let mut net = Net::new(quick_reference());
    let (old, _) = net.session(1);
    let (new, _) = net.session(1);
    assert!(!net.is_closed(old));
    let query_id = net.ask(old, question());
    net.nothing(old);
    assert_eq!(net.reply(new).query_id, Some(query_id));
}

#[test]
fn in_the_reference_the_older_connection_silences_the_newer_one() {
    let mut config = quick_reference();
    config.grace_period = secs(30);
    let mut net = Net::new(config);
    let (old, _) = net.session(1);
    let (new, _) = net.session(1);
    net.gone(old);
    let _ = net.ask(new, question());
    net.act(Devnet::advance_epoch);
    net.nothing(new);
    assert!(!net.is_closed(new));
    net.pass(secs(30));
    assert_eq!(net.devnet.sessions.len() + net.devnet.census().tokens, 0);
    let _ = net.ask(new, question());
    net.nothing(new);
    net.gone(new);
}

#[test]
fn in_the_reference_a_farewell_of_the_older_connection_ends_both() {
    let mut net = Net::new(quick_reference());
    let (old, _) = net.session(1);
    let (new, _) = net.session(1);
    net.send(old, None, ThinClose {});
    let _ = net.ask(new, question());
    net.nothing(new);
    assert!(!net.is_closed(new));
    assert!(!net.session(1).1.resumed);
}

#[test]
fn presenting_the_token_again_brings_a_silenced_connection_back() {
    let mut net = Net::new(quick_reference());
    let (old, _) = net.session(1);
    let (new, _) = net.session(1);
    net.gone(old);
    assert!(net.present(new, 1).resumed);
    assert_eq!(net.call(new, question()), Err((3, FailureDetail::None)));
}
