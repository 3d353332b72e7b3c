//! A network in which things go wrong.

use kpthin::{
    devnet::Faults,
    streams::{CopyJob, CopyOutcome},
};

use crate::support::*;

fn faults(texts: &[&str]) -> Faults {
    texts.iter().map(|text| text.parse::<Faults>().unwrap()).fold(Faults::default(), Faults::and)
}

#[test]
fn lost_packets_are_made_up_for() {
    for config in profiles() {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        sim.net().with(|net, now| net.set_faults(now, faults(&["loss=0.3", "reply-loss=0.3"])));
        let (writer, reader) = (stream.writer(&client), stream.reader(&client));
        send(&writer, 0..6);
        assert_eq!(read(&sim, &reader, 6), (0..6).map(text).collect::<Vec<_>>());
        sim.block_on(writer.flush()).unwrap();
        let traffic = sim.net().with(|net, _| net.traffic());
        assert!(traffic.packets > 30, "some were sent again: {traffic:?}");
    }
}

#[test]
fn a_replica_that_is_down_keeps_nobody_from_writing_and_reading() {
    for config in profiles() {
        for down in ["replica-down=0", "replica-down=1", "replica-down=2"] {
            let (sim, client) = start(config.clone());
            let stream = Stream::new(&sim, &client, 1);
            sim.net().with(|net, now| net.set_faults(now, faults(&[down])));
            let (writer, reader) = (stream.writer(&client), stream.reader(&client));
            send(&writer, 0..4);
            assert_eq!(read(&sim, &reader, 4), (0..4).map(text).collect::<Vec<_>>(), "{down}");
            // When it is back, it has what it missed.
            sim.net().with(|net, now| net.set_faults(now, Faults::default()));
            sim.block_on(sim.sleep(secs(60)));
            let again = stream.reader(&client);
            assert_eq!(read(&sim, &again, 4), (0..4).map(text).collect::<Vec<_>>(), "{down}");
        }
    }
}

#[test]
fn a_copy_is_carried_out_past_a_replica_that_is_down() {
    let (sim, client) = start(slow());
    let stream = Stream::new(&sim, &client, 1);
    let mut job = CopyJob::new(&client, sim.block_on(CopyJob::begin(&client)).unwrap());
    job.append(stream.write_cap.clone(), stream.first.clone(), "x".repeat(4_000)).unwrap();
    sim.net().with(|net, now| net.set_faults(now, faults(&["replica-down=1"])));
    let outcome = sim.block_on(job.run(|_| Ok::<(), ()>(()))).unwrap();
    assert_eq!(outcome, CopyOutcome::Done);
}
