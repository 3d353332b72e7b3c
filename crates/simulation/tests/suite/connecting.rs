//! A first connection on which things go wrong.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use kpthin_client::{Client, Config, ConnectError, FirstConnect, LinkStatus};
use kpthin_devnet::Server;
use kpthin_simulation::{InProcess, in_process};

use crate::*;

fn profiles() -> [DevnetConfig; 2] {
    [DevnetConfig::instant(), DevnetConfig::reference()]
}

/// Undoes something after a time.
fn after(sim: &Simulation, time: Duration, undo: impl FnOnce(&Server) + 'static) {
    let (net, pause) = (sim.handle(), sim.sleep(time));
    sim.spawn(async move {
        pause.await;
        undo(&net);
    });
}

/// The client works: it stores a message.
fn works(sim: &Simulation, client: &Client) {
    sim.block_on(async {
        let stream = client.create_stream().await?;
        client.write(&stream.write_cap, &stream.first_message_index, "text").await
    })
    .unwrap();
}

#[test]
fn links_that_go_wrong_from_the_first_frame_on_are_dialled_again() {
    for text in ["cut=0.7", "malformed=0.7", "oversize=0.7", "restarts=4000", "shutdowns=4000", "dribble"] {
        for config in profiles() {
            for seed in 0..4 {
                let sim = Simulation::new(config.clone(), [seed; 32]);
                set(&sim, faults(&[text]));
                let client = sim.block_on(sim.connect()).unwrap();
                assert_eq!(client.status().link, LinkStatus::Up, "{text}, {}", config.quirks);
                set(&sim, Faults::default());
                works(&sim, &client);
            }
        }
    }
}

/// The two frames of a greeting, and only these, are cut: what an application meets that starts
/// together with its daemon.
#[test]
fn a_first_connection_that_is_cut_is_an_error_only_for_those_who_want_one() {
    let mut failed = 0;
    for seed in 0..8 {
        let begin = || {
            let sim = Simulation::new(DevnetConfig::reference(), [seed; 32]);
            set(&sim, faults(&["cut=0.5"]));
            sim
        };
        let sim = begin();
        let plain = sim.block_on(sim.connect_with(in_process(&sim.handle())));
        if let Err(error) = plain {
            assert!(matches!(error, ConnectError::Handshake { .. }), "{error}");
            failed += 1;
            let sim = begin();
            assert!(sim.block_on(sim.connect()).is_ok());
        }
    }
    assert!(failed > 1, "nothing went wrong");
}

#[test]
fn a_daemon_that_is_down_is_waited_for() {
    for config in profiles() {
        let sim = Simulation::new(config, [7; 32]);
        sim.net().shutdown();
        assert!(sim.block_on(sim.connect_with(in_process(&sim.handle()))).is_err());
        after(&sim, 3 * HOUR, Server::restart);
        let client = sim.block_on(sim.connect()).unwrap();
        let late = sim.now().since_origin() - 3 * HOUR;
        assert!(late < secs(90), "a minute is the longest pause between two attempts: {late:?}");
        works(&sim, &client);
    }
}

/// §3.2: the daemon greets late, and then without a document.
#[test]
fn a_network_without_a_document_keeps_nobody_from_connecting() {
    for config in profiles() {
        let sim = Simulation::new(config, [7; 32]);
        set(&sim, faults(&["missing-document"]));
        let client = sim.block_on(sim.connect()).unwrap();
        assert_eq!(client.status().epoch, None);
        assert!(sim.now().since_origin() < secs(120));
        after(&sim, HOUR, |net| net.with(|net, now| net.set_faults(now, Faults::default())));
        assert!(sim.block_on(client.wait_until_ready()).unwrap().epoch.is_some());
        assert!(sim.now().since_origin() > HOUR);
        works(&sim, &client);
    }
}

#[test]
fn a_mix_network_that_is_away_keeps_nobody_from_connecting() {
    for config in profiles() {
        let sim = Simulation::new(config, [7; 32]);
        sim.net().set_mixnet(false);
        let client = sim.block_on(sim.connect()).unwrap();
        assert!(!client.status().mixnet);
        assert!(sim.now().since_origin() < secs(120));
        after(&sim, HOUR, |net| net.set_mixnet(true));
        works(&sim, &client);
        assert!(sim.now().since_origin() >= HOUR);
    }
}

#[test]
fn dropping_it_gives_the_connection_up() {
    let sim = instant();
    drop(sim.connect());
    sim.advance(secs(60));
    assert_eq!(sim.net().with(|net, _| net.connections()), 0);
}

#[test]
fn a_connector_of_the_programs_own_is_as_patient_as_its_configuration_says() {
    let connector = |sim: &Simulation, dials: Arc<AtomicUsize>| {
        let net = sim.handle();
        Config::connector(move || {
            let refused = dials.fetch_add(1, Ordering::Relaxed) < 5;
            let link = InProcess::connect(&net);
            async move { if refused { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok(link) } }
        })
    };
    let sim = instant();
    let error = sim.block_on(sim.connect_with(connector(&sim, Arc::default()))).unwrap_err();
    assert!(matches!(error, ConnectError::Dial { .. }), "{error}");
    let dials = Arc::new(AtomicUsize::new(0));
    let config = connector(&sim, dials.clone()).first_connect(FirstConnect::KeepTrying);
    let client = sim.block_on(sim.connect_with(config)).unwrap();
    let _ = sim.block_on(client.wait_until_ready()).unwrap();
    assert_eq!(dials.load(Ordering::Relaxed), 6);
}
