//! Writing and reading boxes.

use super::*;
use Tolerance::{Half, Quarter};

#[test]
fn encryptions_take_two_seconds_and_have_the_real_sizes() {
    for sealing in [true, false] {
        near("encrypt_*", 1.9..=2.3, Quarter, |seed| {
            let (mut net, conn) = site(seed);
            let keys = keypair(&mut net, conn, 1);
            let (time, reply) = match sealing {
                true => ask(&mut net, conn, sealing_write(&keys, "hello")),
                false => ask(&mut net, conn, sealing_read(&keys)),
            };
            let (Ok(AnyReply::EncryptWrite(sealed)) | Ok(AnyReply::EncryptRead(sealed))) = reply.result
            else {
                panic!("sealed")
            };
            assert_eq!((sealed.message_ciphertext.len(), sealed.envelope_descriptor.len()), (2_000, 201));
            time
        });
    }
}

#[test]
fn local_replies_come_in_the_order_of_their_requests() {
    let (mut net, conn) = site(1);
    let keys = keypair(&mut net, conn, 1);
    let asked: Vec<_> = (0..191)
        .map(|number| match number % 10 {
            0 => net.ask(conn, sealing_read(&keys)),
            _ => net.ask(conn, NewKeypair { seed: Seed::from([number; 32]) }),
        })
        .collect();
    net.pass(secs(60));
    let replies = std::iter::from_fn(|| net.try_next(conn)).filter_map(|response| match response {
        AnyResponse::Reply(reply) => reply.query_id,
        _ => None,
    });
    assert_eq!(replies.collect::<Vec<_>>(), asked);
}

#[test]
fn a_default_write_is_answered_after_one_round_trip() {
    near("default write", 1.8..=1.8, Quarter, |seed| {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        let sealed = sealed_write(&mut net, conn, &keys, "hello");
        let (time, reply) = ask(&mut net, conn, write(&keys, &sealed));
        assert_eq!(outcome(reply), (0, None));
        time
    });
}

#[test]
fn a_read_is_answered_after_two() {
    near("read of a written box", 6.0..=10.0, Quarter, |seed| {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        written(&mut net, conn, &keys, "hello");
        let sealed = sealed_read(&mut net, conn, &keys);
        let (time, reply) = ask(&mut net, conn, read(&keys, &sealed));
        assert_eq!(outcome(reply), (0, Some(b"hello".to_vec())));
        time
    });
}

#[test]
fn a_read_that_does_not_wait_says_that_nothing_is_there() {
    near("no_retry_on_box_id_not_found", 11.0..=11.0, Half, |seed| {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        let sealed = sealed_read(&mut net, conn, &keys);
        let (time, reply) = ask(&mut net, conn, read_once(&keys, &sealed));
        assert_eq!(outcome(reply), (1, None));
        time
    });
}

#[test]
fn rewrites_are_judged_by_content_and_flag() {
    let (mut net, conn) = site(1);
    let keys = keypair(&mut net, conn, 1);
    written(&mut net, conn, &keys, "first");
    let same = sealed_write(&mut net, conn, &keys, "first");
    assert_eq!(outcome(ask(&mut net, conn, strict_write(&keys, &same)).1), (0, None));
    let other = sealed_write(&mut net, conn, &keys, "other");
    assert_eq!(outcome(ask(&mut net, conn, strict_write(&keys, &other)).1), (10, None));
    let other = sealed_write(&mut net, conn, &keys, "other");
    assert_eq!(outcome(ask(&mut net, conn, write(&keys, &other)).1), (0, None), "refused in silence");
    let sealed = sealed_read(&mut net, conn, &keys);
    assert_eq!(outcome(ask(&mut net, conn, read(&keys, &sealed)).1), (0, Some(b"first".to_vec())));
}

#[test]
fn tombstones_are_written_read_and_bar_the_box() {
    let (mut net, conn) = site(1);
    let keys = keypair(&mut net, conn, 1);
    written(&mut net, conn, &keys, "");
    let sealed = sealed_read(&mut net, conn, &keys);
    assert_eq!(outcome(ask(&mut net, conn, read(&keys, &sealed)).1), (11, None));
    let sealed = sealed_write(&mut net, conn, &keys, "again");
    assert_eq!(outcome(ask(&mut net, conn, strict_write(&keys, &sealed)).1), (10, None));
}

/// How long after the write a default read is answered that was started so much earlier.
fn waited(seed: u8, earlier: Duration, patience: Duration) -> Option<Duration> {
    let (mut net, reader) = site(seed);
    let writer = joined(&mut net, 2);
    let keys = keypair(&mut net, reader, 1);
    let (asked, put) = (sealed_read(&mut net, reader, &keys), sealed_write(&mut net, writer, &keys, "late"));
    let reading = net.ask(reader, read(&keys, &asked));
    net.pass(earlier);
    let (time, reply) = ask(&mut net, writer, write(&keys, &put));
    assert_eq!(outcome(reply), (0, None));
    let (since, reply) = answer(&mut net, reader, reading, patience)?;
    assert_eq!(outcome(reply), (0, Some(b"late".to_vec())));
    Some(time + since)
}

#[test]
fn a_default_read_sees_a_write_that_comes_soon() {
    for earlier in [8, 19] {
        near("default read before its write", 14.0..=15.0, Half, |seed| {
            waited(seed, secs(earlier), secs(3_600)).expect("answered")
        });
    }
}

///
#[test]
fn a_default_read_that_waited_longer_sees_it_minutes_later_if_at_all() {
    for (seed, earlier) in [(1, 49), (2, 49), (3, 49), (4, 61), (5, 61), (6, 61)] {
        assert_eq!(waited(seed, secs(earlier), secs(240)), None, "{earlier} s before");
    }
    near("a fresh read of that box", 10.0..=10.0, Half, |seed| {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        let (asked, put) = (sealed_read(&mut net, conn, &keys), sealed_write(&mut net, conn, &keys, "late"));
        let reading = net.ask(conn, read(&keys, &asked));
        net.pass(secs(61));
        let writer = joined(&mut net, 2);
        assert_eq!(outcome(ask(&mut net, writer, write(&keys, &put)).1), (0, None));
        assert!(answer(&mut net, conn, reading, secs(240)).is_none());
        let fresh = |net: &mut Net| {
            let begun = net.now;
            let sealed = sealed_read(net, writer, &keys);
            let (_, reply) = ask(net, writer, read(&keys, &sealed));
            assert_eq!(outcome(reply), (0, Some(b"late".to_vec())));
            net.now.saturating_since(begun)
        };
        let time = fresh(&mut net);
        // The other one sees it once its entry at the courier has been pruned, which only newer envelopes there do.
        let seen = (0..12).any(|_| {
            let _ = fresh(&mut net);
            answer(&mut net, conn, reading, secs(30)).is_some()
        });
        assert!(seen);
        time
    });
}
