//! Many readers at once.

use std::collections::BTreeMap;

use kpthin::{
    devnet::{DevnetConfig, Simulation},
    streams::{Attention, Inbox, Item, StreamError},
};

use crate::support::*;

fn streams(sim: &Simulation, client: &kpthin::Client, count: u8) -> Vec<Stream> {
    (0..count).map(|number| Stream::new(sim, client, number)).collect()
}

fn inbox(client: &kpthin::Client, streams: &[Stream], attention: Attention) -> Inbox<usize> {
    let inbox = Inbox::new(client);
    for (key, stream) in streams.iter().enumerate() {
        assert!(inbox.insert(key, stream.reader_state(), attention).is_none());
    }
    inbox
}

#[test]
fn two_hundred_waiting_readers_do_not_hold_up_a_write() {
    let (sim, client) = start(even());
    let streams = streams(&sim, &client, 203);
    let write = |stream: &Stream| {
        let (begun, before) = (sim.now(), sim.net().with(|net, _| net.traffic()));
        let _ = sim.block_on(client.write(&stream.write_cap, &stream.first, "m")).unwrap();
        let after = sim.net().with(|net, _| net.traffic());
        let writes = after.encrypted_writes - before.encrypted_writes;
        (sim.now().saturating_since(begun), after.packets - before.packets, writes)
    };
    let (time_alone, slots_alone, encrypted_alone) = write(&streams[200]);

    let inbox = inbox(&client, &streams[..200], Attention::Normal);
    assert!(within(&sim, secs(120), inbox.next()).is_none(), "they all wait");
    let (mut slots_worst, mut time_worst) = (0, secs(0));
    for stream in &streams[201..] {
        let (time, slots, encrypted) = sim.block_on(async {
            // The readers go on while the write runs.
            futures_util::select_biased! {
                _ = futures_util::FutureExt::fuse(inbox.next()) => panic!("nothing was written for them"),
                result = futures_util::FutureExt::fuse(Box::pin(async {
                    let (begun, before) = (sim.now(), sim.net().with(|net, _| net.traffic()));
                    let _ = client.write(&stream.write_cap, &stream.first, "m").await.unwrap();
                    let after = sim.net().with(|net, _| net.traffic());
                    let encrypted = after.encrypted_writes - before.encrypted_writes;
                    (sim.now().saturating_since(begun), after.packets - before.packets, encrypted)
                })) => result,
            }
        });
        assert_eq!(encrypted, encrypted_alone);
        (slots_worst, time_worst) = (slots_worst.max(slots), time_worst.max(time));
    }
    // Each of its packets waits for at most one of the readers'; nothing of it waits for their encryptions.
    let slot = even().timing.send_slot;
    let worst = time_alone + slot * u32::try_from(slots_alone).unwrap() + slot;
    assert!(
        time_worst <= worst,
        "{time_worst:?}, {time_alone:?} alone with {slots_alone} slots, {slots_worst} slots"
    );
}

#[test]
fn every_reader_gets_what_is_written_for_it() {
    for config in profiles() {
        let (sim, client) = start(config);
        let streams = streams(&sim, &client, 20);
        let inbox = inbox(&client, &streams, Attention::Foreground);
        let writers: Vec<_> = streams.iter().map(|stream| stream.writer(&client)).collect();
        for writer in &writers {
            send(writer, 0..2);
        }
        let mut read: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for _ in 0..40 {
            let (key, delivery) = sim.block_on(inbox.next()).unwrap();
            let delivery = delivery.unwrap();
            assert_eq!(inbox.state(&key).unwrap().index(), delivery.after.index());
            read.entry(key).or_default().push(message(&delivery));
        }
        assert!(read.len() == 20 && read.values().all(|texts| *texts == [text(0), text(1)]), "{read:?}");
    }
}

#[test]
fn more_attention_means_more_looks() {
    let (sim, client) = start(slow());
    let streams = streams(&sim, &client, 60);
    let inbox = inbox(&client, &streams, Attention::Background);
    for key in 0..3 {
        assert!(inbox.set_attention(&key, Attention::Foreground));
    }
    assert!(!inbox.set_attention(&99, Attention::Foreground));
    assert_eq!(inbox.sweep(), None, "nobody was looked for yet");
    assert!(within(&sim, secs(3_600), inbox.next()).is_none());
    let sweep = inbox.sweep().unwrap();
    assert!(sweep > secs(60) && sweep < secs(900), "{sweep:?}");

    // A message for a reader in front is seen soon, whoever waits behind it.
    let writer = streams[1].writer(&client);
    send(&writer, 0..1);
    sim.block_on(writer.flush()).unwrap();
    let before = sim.now();
    let (key, delivery) = sim.block_on(inbox.next()).unwrap();
    assert_eq!((key, message(&delivery.unwrap())), (1, text(0)));
    let time = sim.now().saturating_since(before);
    assert!(time < secs(60), "{time:?}");
}

#[test]
fn a_reader_that_cannot_read_holds_up_nobody() {
    let (sim, client) = start(DevnetConfig::instant());
    let streams = streams(&sim, &client, 3);
    let inbox = inbox(&client, &streams[..1], Attention::Foreground);
    // The index of another stream, from where it can't be found out: beyond the first boxes.
    let mut foreign = streams[1].reader_state().to_bytes().to_vec();
    let body = foreign.len() - 8;
    foreign[6 + 136..6 + 240].copy_from_slice(streams[2].first.as_bytes());
    let sum = checksum(&foreign[..body]);
    foreign[body..].copy_from_slice(&sum);
    let foreign = kpthin::streams::ReaderState::from_bytes(&foreign).unwrap();
    assert!(inbox.insert(1, foreign, Attention::Foreground).is_none());

    let writer = streams[2].writer(&client);
    send(&writer, 0..1);
    let good = streams[0].writer(&client);
    send(&good, 0..1);
    sim.block_on(good.flush()).unwrap();
    let (key, delivery) = sim.block_on(inbox.next()).unwrap();
    assert_eq!((key, message(&delivery.unwrap())), (0, text(0)));
    // Its box can't be found, so it waits like any other.
    assert!(within(&sim, secs(600), inbox.next()).is_none());
    assert_eq!(inbox.keys(), [0, 1]);
    assert!(inbox.remove(&1).is_some() && inbox.remove(&1).is_none());
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    use blake2::{Blake2b, Digest, digest::consts::U8};
    Blake2b::<U8>::digest(bytes).into()
}

#[test]
fn readers_come_and_go_while_somebody_waits() {
    let (sim, client) = start(DevnetConfig::instant());
    let streams = streams(&sim, &client, 2);
    let inbox = Inbox::new(&client);
    let writer = streams[0].writer(&client);
    send(&writer, 0..1);
    let (key, delivery) = sim
        .block_on(async {
            let arrives = async {
                sim.sleep(secs(5)).await;
                assert!(inbox.insert("late", streams[0].reader_state(), Attention::Normal).is_none());
            };
            futures_util::join!(inbox.next(), arrives).0
        })
        .unwrap();
    assert_eq!((key, message(&delivery.unwrap())), ("late", text(0)));
    assert!(inbox.insert("late", streams[1].reader_state(), Attention::Normal).is_some(), "replaced");
    assert!(within(&sim, secs(60), inbox.next()).is_none());
}

#[test]
fn whoever_waits_hears_of_the_end() {
    let (sim, client) = start(DevnetConfig::instant());
    let inbox: Inbox<u8> = Inbox::new(&client);
    let waited = sim.block_on(async { futures_util::join!(inbox.next(), client.stop()).0 });
    assert!(matches!(waited, Err(StreamError::Call(kpthin::CallError::Closed(..)))), "{waited:?}");
    let again = sim.block_on(inbox.next());
    assert!(matches!(again, Err(StreamError::Call(kpthin::CallError::Closed(..)))), "{again:?}");
}

#[test]
fn readers_take_turns() {
    let (sim, client) = start(DevnetConfig::instant());
    let streams = streams(&sim, &client, 3);
    for stream in &streams {
        let writer = stream.writer(&client);
        send(&writer, 0..4);
        sim.block_on(writer.flush()).unwrap();
    }
    let inbox = inbox(&client, &streams, Attention::Normal);
    let (first, _) = sim.block_on(inbox.next()).unwrap();
    sim.block_on(sim.sleep(secs(1)));
    let turns: Vec<_> = (0..3).map(|_| sim.block_on(inbox.next()).unwrap()).collect();
    assert!(turns.iter().all(|(_, delivery)| matches!(&delivery.as_ref().unwrap().item, Item::Message(_))));
    let keys: Vec<_> = turns.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, [(first + 1) % 3, (first + 2) % 3, first]);
}
