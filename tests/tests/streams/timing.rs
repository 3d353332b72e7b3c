//! How long it takes where packets leave once a second and an encryption takes two.

use std::time::Duration;

use kpthin::{
    devnet::{Simulation, Traffic},
    streams::Pauses,
};

use crate::support::*;

/// How long something takes, and what the daemon does for it.
fn measure<T>(sim: &Simulation, act: impl FnOnce() -> T) -> (Duration, Traffic, T) {
    let traffic = || sim.net().with(|net, _| net.traffic());
    let (begun, before) = (sim.now(), traffic());
    let result = act();
    let mut done = traffic();
    done.packets -= before.packets;
    done.encrypted_reads -= before.encrypted_reads;
    done.encrypted_writes -= before.encrypted_writes;
    (sim.now().saturating_since(begun), done, result)
}

/// One and a half times what twenty of these need: encryptions, or send slots if they take longer.
fn bound(encryptions: u64, packets: u64) -> Duration {
    let encrypting = 20 * encryptions * even().timing.encrypt_time.as_secs();
    let sending = 20 * packets * even().timing.send_slot.as_secs();
    secs(encrypting.max(sending)) * 3 / 2
}

#[test]
fn twenty_boxes_are_written_hardly_slower_than_the_daemon_can() {
    let (sim, client) = start(even());
    let alone = Stream::new(&sim, &client, 1);
    let (_, one, _) =
        measure(&sim, || sim.block_on(client.write(&alone.write_cap, &alone.first, "m")).unwrap());

    let stream = Stream::new(&sim, &client, 2);
    let writer = stream.writer(&client);
    send(&writer, 0..20);
    let (time, traffic, flushed) = measure(&sim, || sim.block_on(writer.flush()));
    flushed.unwrap();
    let bound = bound(one.encrypted_writes, one.packets);
    assert!(time <= bound, "{time:?} of {bound:?}, {traffic:?}");
    assert_eq!(traffic.encrypted_writes, 20);
    assert_eq!(stream.stored(&sim, &client, 20), texts(0..20));
}

#[test]
fn twenty_boxes_are_read_hardly_slower_than_the_daemon_can() {
    let (sim, client) = start(even());
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    send(&writer, 0..20);
    sim.block_on(writer.flush()).unwrap();
    let (first, one, _) =
        measure(&sim, || sim.block_on(client.ask(&stream.read_cap, &stream.first)).unwrap());

    let reader = stream.reader(&client);
    let (time, traffic, read) = measure(&sim, || read(&sim, &reader, 20));
    // Only what has been found tells that there is more to ask for.
    let bound = first + bound(one.encrypted_reads, one.packets);
    assert!(time <= bound, "{time:?} of {bound:?}, {traffic:?}");
    assert_eq!(read, (0..20).map(text).collect::<Vec<_>>());
}

#[test]
fn a_reader_that_waited_ten_minutes_sees_a_message_within_a_pause_an_encryption_and_a_read() {
    for offset in 0..8 {
        let (sim, client) = start(even());
        let writers = crate::support::client(&sim);
        let (first, second) = (Stream::new(&sim, &client, 1), Stream::new(&sim, &client, 2));
        let _ = sim.block_on(writers.write(&first.write_cap, &first.first, "there")).unwrap();
        let (asking, ..) = measure(&sim, || sim.block_on(client.ask(&first.read_cap, &first.first)).unwrap());

        let reader = second.reader(&client);
        assert!(within(&sim, secs(600 + offset * 4), reader.next()).is_none());
        let (written, delivered) = sim.block_on(async {
            let written = async {
                let _ = writers.write(&second.write_cap, &second.first, "at last").await.unwrap();
                sim.now()
            };
            let delivered = async {
                assert_eq!(message(&reader.next().await.unwrap()), "at last");
                sim.now()
            };
            futures_util::join!(written, delivered)
        });
        // One replica has it when the writer hears of it, the other so much later at most.
        let replicated = written + even().timing.replica_time;
        let bound = Pauses::default().longest + asking;
        let time = delivered.saturating_since(replicated);
        assert!(time <= bound, "{time:?} of {bound:?} at {offset}");
    }
}
