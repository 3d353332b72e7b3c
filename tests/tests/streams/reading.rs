//! Readers.

use futures_util::FutureExt;
use kpthin::{
    CallError,
    devnet::DevnetConfig,
    streams::{Conversation, ConversationState, Item, ReaderState, StreamError, StreamReader},
};

use crate::support::*;

#[test]
fn boxes_are_read_in_order_and_waited_for() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let (writer, reader) = (stream.writer(&client), stream.reader(&client));
        send(&writer, 0..5);
        assert_eq!(read(&sim, &reader, 5), (0..5).map(text).collect::<Vec<_>>());
        assert!(within(&sim, secs(300), reader.next()).is_none());
        send(&writer, 5..7);
        assert_eq!(read(&sim, &reader, 2), [text(5), text(6)]);
        assert_eq!(reader.trouble(), None);
    }
}

#[test]
fn a_deleted_box_is_an_item() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let writer = stream.writer(&client);
        send(&writer, 0..3);
        writer.tombstone(stream.seq(1)..=stream.seq(1)).unwrap();
        sim.block_on(writer.flush()).unwrap();
        sim.block_on(sim.sleep(secs(10)));
        let reader = stream.reader(&client);
        let items: Vec<_> = (0..3).map(|_| sim.block_on(reader.next()).unwrap().item).collect();
        let message = |step| Item::Message(text(step).into());
        assert_eq!(items, [message(0), Item::Tombstone, message(2)]);
    }
}

#[test]
fn dropping_a_wait_loses_nothing() {
    let (sim, client) = start(slow());
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    send(&writer, 0..6);
    let reader = stream.reader(&client);
    let mut items = Vec::new();
    sim.block_on(async {
        while items.len() < 6 {
            // A timer that mostly wins.
            futures_util::select_biased! {
                () = sim.sleep(std::time::Duration::from_millis(700)).fuse() => {}
                delivery = reader.next().fuse() => items.push(message(&delivery.unwrap())),
            }
        }
    });
    assert_eq!(items, (0..6).map(text).collect::<Vec<_>>());
}

#[test]
fn nobody_asks_for_an_unwritten_box_while_nobody_waits() {
    let (sim, client) = start(slow());
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    send(&writer, 0..2);
    sim.block_on(writer.flush()).unwrap();
    let reader = stream.reader(&client);
    assert_eq!(read(&sim, &reader, 2).len(), 2);
    sim.block_on(sim.sleep(secs(120)));
    let traffic = || sim.net().with(|net, _| net.traffic());
    let before = traffic();
    sim.block_on(sim.sleep(secs(3_600)));
    assert_eq!(traffic(), before);
}

#[test]
fn a_reader_outlives_the_daemon_and_whoever_drops_it_cancels_what_it_asked() {
    for config in profiles() {
        let (sim, client) = start(config);
        let writers = crate::support::client(&sim);
        let stream = Stream::new(&sim, &client, 1);
        let reader = stream.reader(&client);
        for step in 0..4 {
            assert!(within(&sim, secs(40), reader.next()).is_none());
            match step {
                0 => sim.net().restart(),
                1 => {
                    sim.net().shutdown();
                    assert!(within(&sim, secs(40), reader.next()).is_none());
                    sim.net().restart();
                }
                2 => {
                    sim.net().set_mixnet(false);
                    assert!(within(&sim, secs(40), reader.next()).is_none());
                    sim.net().set_mixnet(true);
                }
                _ => {}
            }
            let index = stream.index(&sim, &writers, step);
            let _ = sim.block_on(writers.write(&stream.write_cap, &index, text(step))).unwrap();
            assert_eq!(read(&sim, &reader, 1), [text(step)]);
        }
        assert!(within(&sim, secs(40), reader.next()).is_none());
        drop(reader);
        sim.block_on(sim.sleep(secs(10)));
        assert_eq!(sim.net().with(|net, _| net.operations()), 0);
    }
}

#[test]
fn two_waits_share_a_reader() {
    let (sim, client) = start(DevnetConfig::instant());
    let stream = Stream::new(&sim, &client, 1);
    let (writer, reader) = (stream.writer(&client), stream.reader(&client));
    let (first, second, _) = sim.block_on(async {
        let later = async {
            sim.sleep(secs(20)).await;
            send(&writer, 0..2);
        };
        futures_util::join!(reader.next(), reader.next(), later)
    });
    let mut read = [message(&first.unwrap()), message(&second.unwrap())];
    read.sort();
    assert_eq!(read, [text(0), text(1)]);
}

#[test]
fn whoever_waits_hears_of_the_end() {
    let (sim, client) = start(DevnetConfig::instant());
    let reader = Stream::new(&sim, &client, 1).reader(&client);
    let waited = sim.block_on(async { futures_util::join!(reader.next(), client.stop()).0 });
    assert!(matches!(waited, Err(StreamError::Call(CallError::Closed(..)))), "{waited:?}");
}

#[test]
fn a_conversation_goes_on_where_it_was() {
    for config in profiles() {
        let (sim, client) = start(config);
        let (ours, theirs) = (Stream::new(&sim, &client, 1), Stream::new(&sim, &client, 2));
        let state = ConversationState { writer: ours.writer_state(), reader: theirs.reader_state() };
        let talk = Conversation::new(&client, state);
        let other = theirs.writer(&client);
        send(&other, 0..2);
        let delivery = sim.block_on(talk.reader().next()).unwrap();
        assert_eq!(message(&delivery), text(0));
        let _ = talk.writer().push("an answer").unwrap();
        let saved = talk.state_after(&delivery).to_bytes();
        assert_eq!(talk.state().unwrap().writer, talk.writer().state());
        drop(talk);

        let talk = Conversation::new(&client, ConversationState::from_bytes(&saved).unwrap());
        assert_eq!(message(&sim.block_on(talk.reader().next()).unwrap()), text(1));
        let there = ours.reader(&client);
        assert_eq!(read(&sim, &there, 1), ["an answer"]);
    }
}

#[test]
fn a_state_is_no_state_of_another_kind() {
    let (sim, client) = start(DevnetConfig::instant());
    let stream = Stream::new(&sim, &client, 1);
    let (reader, writer) = (stream.reader_state(), stream.writer_state());
    let both = ConversationState { writer: writer.clone(), reader: reader.clone() };
    assert!(ConversationState::from_bytes(&reader.to_bytes()).is_err());
    assert!(ConversationState::from_bytes(&writer.to_bytes()).is_err());
    assert!(ReaderState::from_bytes(&both.to_bytes()).is_err());
    assert_eq!(ConversationState::from_bytes(&both.to_bytes()), Ok(both));
    let _ = StreamReader::new(&client, reader);
}
