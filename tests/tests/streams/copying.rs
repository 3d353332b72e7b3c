//! Copy jobs.

use kpthin::{
    CallError, Client, ReplicaError,
    devnet::{DevnetConfig, Simulation},
    streams::{CopyError, CopyJob, CopyOutcome, CopyState, RunError},
};

use crate::support::*;

/// A job with nothing in it.
fn begin(sim: &Simulation, client: &Client) -> CopyJob {
    CopyJob::new(client, sim.block_on(CopyJob::begin(client)).unwrap())
}

fn run(sim: &Simulation, job: &mut CopyJob) -> CopyOutcome {
    sim.block_on(job.run(|_| Ok::<(), ()>(()))).unwrap()
}

/// A text that fills so many boxes, each of its own letter.
fn long(client: &Client, boxes: u8) -> String {
    let chunk = client.max_message_len().unwrap() - 4;
    (b'a'..b'a' + boxes).map(|letter| char::from(letter).to_string().repeat(chunk)).collect()
}

fn stored_text(sim: &Simulation, client: &Client, stream: &Stream, count: u64) -> String {
    stream.stored(sim, client, count).into_iter().map(Option::unwrap_or_default).collect()
}

#[test]
fn one_long_text_arrives_whole() {
    for config in profiles() {
        let (sim, client) = start(config);
        let to = Stream::new(&sim, &client, 1);
        let text = long(&client, 10) + "and some more";
        let mut job = begin(&sim, &client);
        job.append(to.write_cap.clone(), to.first.clone(), text.clone()).unwrap();
        assert_eq!(job.next_index(0), Some(to.index(&sim, &client, 11)));
        assert_eq!(run(&sim, &mut job), CopyOutcome::Done);
        sim.block_on(sim.sleep(secs(10)));
        assert_eq!(stored_text(&sim, &client, &to, 12), text);
    }
}

#[test]
fn many_streams_are_written_and_ranges_deleted_at_one_command() {
    for config in profiles() {
        let (sim, client) = start(config);
        let streams: Vec<_> = (1..=4).map(|number| Stream::new(&sim, &client, number)).collect();
        let writer = streams[3].writer(&client);
        send(&writer, 0..6);
        sim.block_on(writer.flush()).unwrap();
        let mut job = begin(&sim, &client);
        for (stream, text) in streams[..3].iter().zip(["to the first", "to the second", "to the third"]) {
            job.append(stream.write_cap.clone(), stream.first.clone(), text).unwrap();
        }
        job.append_tombstones(streams[3].write_cap.clone(), streams[3].first.clone(), 5).unwrap();
        assert_eq!(run(&sim, &mut job), CopyOutcome::Done);
        sim.block_on(sim.sleep(secs(10)));
        for (stream, text) in streams[..3].iter().zip(["to the first", "to the second", "to the third"]) {
            assert_eq!(stream.stored(&sim, &client, 1), [Some(text.to_owned())]);
        }
        let mut expected = vec![Some("(deleted)".to_owned()); 5];
        expected.push(Some(text(5)));
        assert_eq!(streams[3].stored(&sim, &client, 6), expected);
    }
}

#[test]
fn whenever_the_program_dies_the_job_goes_on_from_what_was_saved() {
    // It dies at each moment at which it saves, before and after that.
    for moment in 0..12 {
        for saved_it in [false, true] {
            let (sim, client) = start(DevnetConfig::instant());
            let to = Stream::new(&sim, &client, 1);
            let text = long(&client, 9);
            let mut job = begin(&sim, &client);
            job.append(to.write_cap.clone(), to.first.clone(), text.clone()).unwrap();
            let mut stored = job.state().to_bytes();
            let mut saves = 0;
            let died = sim.block_on(job.run(|state| {
                if saves == moment && !saved_it {
                    return Err("dead");
                }
                stored = state.to_bytes();
                saves += 1;
                if saves > moment { Err("dead") } else { Ok(()) }
            }));
            drop((job, client));

            let client = crate::support::client(&sim);
            let mut job = CopyJob::new(&client, CopyState::from_bytes(&stored).unwrap());
            assert_eq!(run(&sim, &mut job), CopyOutcome::Done, "died at {moment}, {died:?}");
            assert_eq!(stored_text(&sim, &client, &to, 10), text);
        }
    }
}

#[test]
fn a_box_in_the_way_is_named_and_what_lies_before_it_is_written() {
    for config in profiles() {
        let (sim, client) = start(config);
        let streams = [Stream::new(&sim, &client, 1), Stream::new(&sim, &client, 2)];
        let in_the_way = streams[1].index(&sim, &client, 1);
        let _ = sim.block_on(client.write(&streams[1].write_cap, &in_the_way, "in the way")).unwrap();
        sim.block_on(sim.sleep(secs(10)));
        let mut job = begin(&sim, &client);
        for stream in &streams {
            job.append(stream.write_cap.clone(), stream.first.clone(), long(&client, 3)).unwrap();
        }
        let failed = CopyOutcome::Failed {
            destination: Some(1),
            index: Some(in_the_way.clone()),
            replica: Some(ReplicaError::BoxAlreadyExists),
        };
        assert_eq!(run(&sim, &mut job), failed);
        sim.block_on(sim.sleep(secs(10)));
        assert_eq!(stored_text(&sim, &client, &streams[0], 3), long(&client, 3));
        assert_eq!(streams[1].stored(&sim, &client, 3)[2], None);

        // A job that was told before can't know what an earlier run has done.
        let saved = job.state().to_bytes();
        let mut again = CopyJob::new(&client, CopyState::from_bytes(&saved).unwrap());
        assert_eq!(run(&sim, &mut again), CopyOutcome::Uncertain);
        // Begun anew, it fails in a way that says where again: nothing was told before.
        sim.block_on(again.rebuild()).unwrap();
        assert_eq!(run(&sim, &mut again), failed);
    }
}

#[test]
fn another_courier_carries_it_out_once_more_and_that_is_harmless() {
    let (sim, client) = start(DevnetConfig::instant());
    let to = Stream::new(&sim, &client, 1);
    let mut job = begin(&sim, &client);
    job.append(to.write_cap.clone(), to.first.clone(), "once").unwrap();
    // The program dies behind the success, before that is saved.
    let mut saved = job.state().to_bytes();
    let died = sim.block_on(job.run(|state| {
        if state.is_done() {
            return Err(());
        }
        saved = state.to_bytes();
        Ok(())
    }));
    assert_eq!(died, Err(RunError::Save(())));
    let mut job = CopyJob::new(&client, CopyState::from_bytes(&saved).unwrap());
    let mut others = client.couriers().into_iter().map(|courier| courier.destination());
    let other = others.find(|courier| courier != job.courier()).unwrap();
    job.set_courier(other);
    assert_eq!(sim.block_on(job.finish()).unwrap(), CopyOutcome::Done);
    assert_eq!(to.stored(&sim, &client, 2), [Some("once".into()), None]);
}

#[test]
fn what_was_sealed_too_long_ago_is_stale_and_sealed_anew() {
    let (sim, client) = start(long_epochs(DevnetConfig::instant()));
    let to = Stream::new(&sim, &client, 1);
    let mut job = begin(&sim, &client);
    job.append(to.write_cap.clone(), to.first.clone(), "late").unwrap();
    job.close();
    assert!(sim.block_on(job.seal_batch()).unwrap());
    sim.advance(WEEK * 2 + secs(60));
    sim.block_on(job.upload()).unwrap();
    assert_eq!(sim.block_on(job.finish()).unwrap(), CopyOutcome::Stale);
    sim.block_on(job.rebuild()).unwrap();
    assert_eq!(run(&sim, &mut job), CopyOutcome::Done);
    assert_eq!(to.stored(&sim, &client, 1), [Some("late".into())]);
}

#[test]
fn an_old_state_is_found_out_before_it_does_harm() {
    let (sim, client) = start(DevnetConfig::instant());
    let to = Stream::new(&sim, &client, 1);
    let mut job = begin(&sim, &client);
    job.append(to.write_cap.clone(), to.first.clone(), "text").unwrap();
    job.close();
    let old = job.state().to_bytes();
    assert_eq!(run(&sim, &mut job), CopyOutcome::Done);
    let mut restored = CopyJob::new(&client, CopyState::from_bytes(&old).unwrap());
    let result = sim.block_on(restored.run(|_| Ok::<(), ()>(())));
    assert_eq!(result, Err(RunError::Copy(CopyError::Conflict)));
}

#[test]
fn steps_out_of_order_are_refused() {
    let (sim, client) = start(DevnetConfig::instant());
    let to = Stream::new(&sim, &client, 1);
    let mut job = begin(&sim, &client);
    assert_eq!(sim.block_on(job.finish()), Err(CopyError::NotUploaded));
    job.append(to.write_cap.clone(), to.first.clone(), "text").unwrap();
    job.close();
    assert_eq!(job.append(to.write_cap.clone(), to.first.clone(), "more"), Err(CopyError::Closed));
    assert!(sim.block_on(job.seal_batch()).unwrap());
    assert_eq!(sim.block_on(job.finish()), Err(CopyError::NotUploaded));
    sim.block_on(job.upload()).unwrap();
    let _ = sim.block_on(client.stop());
    let result = sim.block_on(job.finish());
    assert!(matches!(result, Err(CopyError::Call(CallError::Closed(..)))), "{result:?}");
}
