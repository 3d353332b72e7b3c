//! Which states are the same.

use kpthin_core::testing::Fingerprint;

use super::*;

fn fingerprint(net: &Net) -> u128 {
    let mut fingerprint = Fingerprint::new(net.now);
    net.devnet.fingerprint(&mut fingerprint);
    fingerprint.finish()
}

/// Stories that lead to different states, each told for keys and tokens of one's choice.
fn told(config: DevnetConfig, story: usize, seed: u8) -> Net {
    let mut net = Net::seeded(config, seed);
    // The daemon has fetched its document and dealt with its first moments.
    net.pass(secs(10));
    if story == 0 {
        return net;
    }
    let (conn, _) = net.session(seed);
    net.pass(secs(2));
    if story == 1 {
        return net;
    }
    let keys = net.keypair(conn, seed);
    let sealed = net.encrypt_write(conn, &keys, "text");
    let (write, read) = (write(&keys, &sealed), net.encrypt_read(conn, &keys));
    assert!(net.links.values().all(|link| link.received.is_empty()));
    match story {
        2 => net.input(conn, &frame(Some(QueryId::from([seed; 16])), write)[..99]),
        3 => drop(net.ask(conn, write)),
        4 => {
            let _ = net.ask(conn, write);
            net.pass(millis(40));
        }
        5 => {
            let _ = net.ask(conn, write);
            net.pass(secs(5));
        }
        6 => {
            let _ = net.ask(conn, super::read(&keys, &read));
            net.pass(millis(40));
        }
        7 => {
            let _ = net.ask(conn, super::read(&keys, &read));
            net.gone(conn);
        }
        8 => {
            net.set_mixnet_off();
            let _ = net.ask(conn, write);
        }
        9 => net.act(Devnet::restart),
        _ => net.gone(conn),
    }
    net
}

impl Net {
    fn set_mixnet_off(&mut self) {
        self.act(|devnet, now| devnet.set_mixnet(now, false));
    }
}

const STORIES: std::ops::Range<usize> = 0..11;

#[test]
fn a_state_is_the_same_whatever_its_names_and_another_one_is_not() {
    let mut seen = BTreeMap::new();
    for story in STORIES {
        let fingerprints = [7, 8, 9].map(|seed| fingerprint(&told(quick_reference(), story, seed)));
        assert!(fingerprints.iter().all(|other| *other == fingerprints[0]), "story {story}");
        assert_eq!(seen.insert(fingerprints[0], story), None, "story {story} is another one");
    }
}

#[test]
fn a_clone_goes_on_as_the_original_does() {
    for story in STORIES {
        let mut original = told(quick_reference(), story, 7);
        let mut clone = Net::seeded(quick_reference(), 7);
        clone.devnet = original.devnet.clone();
        (clone.now, clone.wake_at, clone.next_query) = (original.now, original.wake_at, original.next_query);
        original.links.clear();
        assert_eq!(fingerprint(&clone), fingerprint(&original), "story {story}");
        for net in [&mut original, &mut clone] {
            net.pass(secs(30));
            let (conn, _) = net.session(8);
            let _ = net.keypair(conn, 8);
        }
        assert_eq!(fingerprint(&clone), fingerprint(&original), "story {story}");
        let bytes =
            |net: &Net| net.links.iter().map(|(conn, link)| (*conn, link.bytes.clone())).collect::<Vec<_>>();
        assert!(bytes(&clone) == bytes(&original), "story {story}");
    }
}
