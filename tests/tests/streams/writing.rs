//! Writers.

use kpthin::{
    CallError,
    devnet::DevnetConfig,
    streams::{Outcome, PushError, StreamError, StreamWriter, WriterState},
};

use crate::support::*;

#[test]
fn what_is_pushed_is_sent_when_it_is_released_and_has_a_receipt() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let writer = stream.writer(&client);
        let seqs: Vec<_> = (0..3).map(|step| writer.push(text(step)).unwrap()).collect();
        assert!(within(&sim, secs(60), writer.receipt()).is_none());
        assert_eq!(stream.stored(&sim, &client, 3), [const { None }; 3]);
        writer.release(seqs[1]).unwrap();
        sim.block_on(writer.flush()).unwrap();
        assert_eq!(stream.stored(&sim, &client, 3), [Some(text(0)), Some(text(1)), None]);
        let stored = |step| (stream.seq(step), Outcome::Stored);
        assert_eq!(receipts(&sim, &writer, 2), [stored(0), stored(1)]);
        writer.release(seqs[2]).unwrap();
        assert_eq!(receipts(&sim, &writer, 1), [stored(2)]);
    }
}

#[test]
fn bodies_of_any_length_up_to_the_limit_are_taken() {
    let (sim, client) = start(DevnetConfig::instant());
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    let max = client.max_message_len().unwrap();
    assert_eq!(writer.push(vec![b'x'; max + 1]), Err(PushError::TooLong { len: max + 1, max }));
    assert_eq!(writer.push(""), Err(PushError::Empty));
    let _ = writer.send(vec![b'x'; max]).unwrap();
    let _ = writer.send("y").unwrap();
    sim.block_on(writer.flush()).unwrap();
    let reader = stream.reader(&client);
    assert_eq!(read(&sim, &reader, 2), ["x".repeat(max), "y".into()]);
}

#[test]
fn a_box_that_fails_leaves_no_hole() {
    let mut config = long_epochs(DevnetConfig::instant());
    config.replica_capacity = 8;
    let (sim, client) = start(config);
    let (others, stream) = (Stream::new(&sim, &client, 1), Stream::new(&sim, &client, 2));
    // Somebody else fills the replicas.
    let mut index = others.first.clone();
    while let Ok(next) = sim.block_on(client.write(&others.write_cap, &index, "x").timeout(secs(60))) {
        index = next;
    }
    let writer = stream.writer(&client);
    send(&writer, 0..12);
    assert!(within(&sim, secs(300), writer.flush()).is_none());
    let stored = stream.stored(&sim, &client, 12);
    let done = stored.iter().take_while(|found| found.is_some()).count();
    // Those on their way at once may overtake one another; what lies behind them was not begun.
    assert!(done < 8 && stored[(done + 8).min(12)..].iter().all(Option::is_none), "{stored:?}");
    // There is room again when the others' boxes expire.
    sim.net().advance_epoch();
    sim.net().advance_epoch();
    let more = within(&sim, secs(1_200), writer.flush());
    let stored = stream.stored(&sim, &client, 12);
    assert!(stored[done..].iter().filter(|found| found.is_some()).count() >= 4, "{more:?} {stored:?}");
}

#[test]
fn while_the_mixnet_is_down_boxes_wait() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let writer = stream.writer(&client);
        sim.net().set_mixnet(false);
        send(&writer, 0..3);
        assert!(within(&sim, secs(3_600), writer.flush()).is_none());
        sim.net().set_mixnet(true);
        sim.block_on(writer.flush()).unwrap();
        assert_eq!(stream.stored(&sim, &client, 4), [texts(0..3), vec![None]].concat());
    }
}

#[test]
fn dropping_the_wait_or_the_writer_changes_nothing() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let writer = stream.writer(&client);
        send(&writer, 0..3);
        drop(writer.flush());
        drop(writer.receipt());
        assert!(within(&sim, std::time::Duration::from_nanos(1), writer.receipt()).is_none_or(|_| true));
        drop(writer);
        sim.block_on(sim.sleep(secs(120)));
        assert_eq!(stream.stored(&sim, &client, 3), texts(0..3));
    }
}

#[test]
fn a_restored_writer_whose_box_was_deleted_meanwhile_goes_on() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let first = stream.writer(&client);
        send(&first, 0..2);
        sim.block_on(first.flush()).unwrap();
        let saved = first.state().to_bytes();
        let deleted = sim.block_on(client.tombstone(&stream.write_cap, &stream.first, 1)).unwrap();
        assert!(deleted.is_complete());

        let restored = StreamWriter::new(&client, WriterState::from_bytes(&saved).unwrap());
        send(&restored, 2..3);
        let outcomes = [Outcome::Tombstoned, Outcome::Stored, Outcome::Stored];
        let expected: Vec<_> = (0..3).map(|step| stream.seq(step)).zip(outcomes).collect();
        assert_eq!(receipts(&sim, &restored, 3), expected);
        let stored = [Some("(deleted)".into()), Some(text(1)), Some(text(2))];
        assert_eq!(stream.stored(&sim, &client, 3), stored);
    }
}

#[test]
fn a_second_writer_ends_in_a_conflict() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let (first, second) = (stream.writer(&client), stream.writer(&client));
        let _ = first.send("the first's").unwrap();
        sim.block_on(first.flush()).unwrap();
        let _ = second.send("the second's").unwrap();
        let _ = second.send("more").unwrap();
        assert_eq!(sim.block_on(second.flush()), Err(StreamError::Stopped));
        assert_eq!(receipts(&sim, &second, 1), [(stream.seq(0), Outcome::Conflict)]);
        assert_eq!(sim.block_on(second.receipt()), Err(StreamError::Stopped));
        assert_eq!(second.push("even more"), Err(PushError::Stopped));
        assert_eq!(stream.stored(&sim, &client, 1), [Some("the first's".into())]);
    }
}

#[test]
fn an_old_backup_ends_in_a_conflict_and_not_in_silence() {
    let (sim, client) = start(DevnetConfig::instant());
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    let backup = writer.state().to_bytes();
    send(&writer, 0..3);
    sim.block_on(writer.flush()).unwrap();
    let restored = StreamWriter::new(&client, WriterState::from_bytes(&backup).unwrap());
    let _ = restored.send("something else").unwrap();
    assert_eq!(receipts(&sim, &restored, 1), [(stream.seq(0), Outcome::Conflict)]);
    // The same content is no conflict: nothing is lost by it.
    let again = StreamWriter::new(&client, WriterState::from_bytes(&backup).unwrap());
    send(&again, 0..3);
    let stored: Vec<_> = (0..3).map(|step| (stream.seq(step), Outcome::Stored)).collect();
    assert_eq!(receipts(&sim, &again, 3), stored);
}

#[test]
fn boxes_are_deleted_behind_their_receipts() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let writer = stream.writer(&client);
        send(&writer, 0..12);
        writer.tombstone(stream.seq(1)..=stream.seq(10)).unwrap();
        sim.block_on(writer.flush()).unwrap();
        sim.block_on(sim.sleep(secs(10))); // until both replicas know
        let mut expected = texts(0..12);
        expected[1..=10].fill(Some("(deleted)".into()));
        assert_eq!(stream.stored(&sim, &client, 12), expected);
        let receipts = receipts(&sim, &writer, 22);
        assert!(receipts[..12].iter().all(|(_, outcome)| *outcome == Outcome::Stored));
        let deleted: Vec<_> = (1..=10).map(|step| (stream.seq(step), Outcome::Deleted)).collect();
        assert_eq!(receipts[12..], deleted);
    }
}

#[test]
fn deletions_are_in_the_state() {
    let (sim, client) = start(DevnetConfig::instant());
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    send(&writer, 0..3);
    sim.block_on(writer.flush()).unwrap();
    sim.net().set_mixnet(false);
    writer.tombstone(stream.seq(0)..=stream.seq(2)).unwrap();
    let saved = writer.state().to_bytes();
    let _ = sim.block_on(client.stop());
    sim.net().set_mixnet(true);
    let client = crate::support::client(&sim);
    let restored = StreamWriter::new(&client, WriterState::from_bytes(&saved).unwrap());
    sim.block_on(restored.flush()).unwrap();
    assert_eq!(stream.stored(&sim, &client, 3), vec![Some("(deleted)".to_owned()); 3]);
}

#[test]
fn whoever_waits_for_a_receipt_hears_of_the_end() {
    let (sim, client) = start(DevnetConfig::instant());
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    let waited = sim.block_on(async { futures_util::join!(writer.receipt(), client.stop()).0 });
    assert!(matches!(waited, Err(StreamError::Call(CallError::Closed(..)))), "{waited:?}");
    let _ = writer.send("too late").unwrap();
    let flushed = sim.block_on(writer.flush());
    assert!(matches!(flushed, Err(StreamError::Call(CallError::Closed(..)))), "{flushed:?}");
}

#[test]
fn without_a_first_connection_the_limit_is_not_known() {
    let (sim, client) = start(DevnetConfig::instant());
    let stream = Stream::new(&sim, &client, 1);
    let used = stream.writer(&client);
    send(&used, 0..1);
    let saved = used.state();
    sim.net().shutdown();
    let config = kpthin::devnet::in_process(&std::sync::Arc::new(kpthin::devnet::Server::with_manual_clock(
        DevnetConfig::instant(),
        [1; 32],
    )));
    let offline =
        sim.block_on(sim.connect_with(config.first_connect(kpthin::FirstConnect::KeepTrying))).unwrap();
    let fresh = StreamWriter::new(&offline, stream.writer_state());
    assert_eq!(fresh.push("x"), Err(PushError::NoGeometry));
    let known = StreamWriter::new(&offline, saved);
    assert_eq!(known.push("x"), Ok(stream.seq(1)));
}
