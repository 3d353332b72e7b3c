//! Contact vouchers, from the invitation to the first message.

use kpthin::{
    CallError, Client, DaemonError,
    devnet::{DevnetConfig, Simulation},
    streams::{
        Inductor, InductorState, Joiner, JoinerState, StateError, StreamReader, StreamWriter, VoucherError,
    },
    wire::Voucher,
};

use crate::support::*;

fn mint(sim: &Simulation, client: &Client, name: &str) -> (Stream, JoinerState) {
    let stream = Stream::new(sim, client, 1);
    let state = sim.block_on(Joiner::mint(client, &stream.write_cap, name)).unwrap();
    (stream, state)
}

#[test]
fn an_invitation_is_answered_and_the_joiner_is_read_also_if_everybody_dies_in_between() {
    for config in profiles() {
        let (sim, client) = start(config);
        let (_, minted) = mint(&sim, &client, "Alice");
        let saved = minted.to_bytes();
        let joiner = || Joiner::new(&client, JoinerState::from_bytes(&saved).unwrap());
        // Everything is done twice, as after a crash.
        sim.block_on(joiner().publish()).unwrap();
        sim.block_on(joiner().publish()).unwrap();
        let voucher = Voucher::from(*joiner().voucher().as_bytes());

        let others = crate::support::client(&sim);
        let accepted = sim.block_on(Inductor::accept(&others, &voucher, "welcome")).unwrap();
        let accepted = accepted.to_bytes();
        let inductor = || Inductor::new(&others, InductorState::from_bytes(&accepted).unwrap());
        sim.block_on(inductor().reply()).unwrap();
        sim.block_on(inductor().reply()).unwrap();
        assert_eq!(inductor().contact().display_name, "Alice");

        let joined = sim.block_on(joiner().join()).unwrap();
        assert_eq!(joined.who_reply, *b"welcome");
        assert_eq!(sim.block_on(joiner().join()).unwrap(), joined);
        let writer = StreamWriter::new(&client, joined.writer);
        send(&writer, 0..2);
        let reader = StreamReader::new(&others, inductor().contact().reader.clone());
        assert_eq!(read(&sim, &reader, 2), [text(0), text(1)]);
    }
}

#[test]
fn both_sides_wait_for_one_another() {
    let (sim, client) = start(DevnetConfig::instant());
    let others = crate::support::client(&sim);
    let (_, minted) = mint(&sim, &client, "Alice");
    let joiner = Joiner::new(&client, minted);
    let joined = sim.block_on(async {
        let accepts = async {
            let state = Inductor::accept(&others, joiner.voucher(), "hello").await.unwrap();
            sim.sleep(secs(30)).await;
            Inductor::new(&others, state).reply().await.unwrap();
        };
        let joins = async {
            sim.sleep(secs(30)).await;
            joiner.publish().await.unwrap();
            joiner.join().await.unwrap()
        };
        futures_util::join!(accepts, joins).1
    });
    assert_eq!(joined.who_reply, *b"hello");
}

#[test]
fn a_voucher_that_was_used_is_told_so_and_a_second_answer_does_not_count() {
    let (sim, client) = start(DevnetConfig::instant());
    let (_, minted) = mint(&sim, &client, "Alice");
    let joiner = Joiner::new(&client, minted);
    sim.block_on(joiner.publish()).unwrap();
    let accept = || sim.block_on(Inductor::accept(&client, joiner.voucher(), "me"));
    let (first, second) = (accept().unwrap(), accept().unwrap());
    sim.block_on(Inductor::new(&client, first).reply()).unwrap();
    assert_eq!(sim.block_on(Inductor::new(&client, second).reply()), Err(VoucherError::Taken));
    assert_eq!(accept(), Err(VoucherError::Used));
    assert_eq!(sim.block_on(joiner.publish()), Err(VoucherError::Used));
}

#[test]
fn what_does_not_fit_into_a_box_is_refused_before_anything_is_published() {
    let (sim, client) = start(DevnetConfig::instant());
    let (_, minted) = mint(&sim, &client, &"x".repeat(2_000));
    let too_large = |result: Result<(), VoucherError>| {
        matches!(result, Err(VoucherError::Call(CallError::TooLarge { .. })))
    };
    assert!(too_large(sim.block_on(Joiner::new(&client, minted).publish())));
    let (_, minted) = mint(&sim, &client, "Alice");
    let joiner = Joiner::new(&client, minted);
    sim.block_on(joiner.publish()).unwrap();
    let accepted = sim.block_on(Inductor::accept(&client, joiner.voucher(), vec![b'x'; 1_500]));
    assert!(too_large(accepted.map(drop)));
}

#[test]
fn an_invitation_that_is_not_genuine_is_refused() {
    let (sim, client) = start(DevnetConfig::instant());
    let (_, minted) = mint(&sim, &client, "Alice");
    let voucher = Joiner::new(&client, minted).voucher().clone();
    let stream = sim.block_on(client.voucher_derive_stream(&voucher)).unwrap();
    let cap = &stream.voucher_write_cap;
    let _ = sim.block_on(client.write(cap, &cap.index(), "something else")).unwrap();
    let accepted = sim.block_on(Inductor::accept(&client, &voucher, "me"));
    let expected = VoucherError::Call(CallError::Daemon(DaemonError::VoucherHashMismatch));
    assert_eq!(accepted, Err(expected));
}

#[test]
fn states_are_not_mixed_up_and_print_no_secrets() {
    let (sim, client) = start(DevnetConfig::instant());
    let (stream, minted) = mint(&sim, &client, "Alice");
    assert_eq!(format!("{minted:?}"), "JoinerState(..)");
    assert!(matches!(InductorState::from_bytes(&minted.to_bytes()), Err(StateError::Record(_))));
    assert!(matches!(JoinerState::from_bytes(&stream.writer_state().to_bytes()), Err(StateError::Record(_))));
    let bytes = minted.to_bytes();
    assert!((0..bytes.len()).all(|at| JoinerState::from_bytes(&bytes[..at]).is_err()));
}
