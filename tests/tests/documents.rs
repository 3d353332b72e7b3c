//! A daemon that lies about the network, and a program that verifies.

use std::time::Duration;

use kpthin::{
    CallError, Client, DaemonError,
    devnet::{DevnetConfig, Faults, Simulation},
    pki::{ClientExt, Freshness, Reason, TrustRoot, UnixTime, Verdict, Verified, VerifiedDocumentError},
};

fn start() -> (Simulation, Client, TrustRoot) {
    let sim = Simulation::new(DevnetConfig::instant(), [7; 32]);
    let client = sim.block_on(sim.connect()).unwrap();
    let _ = sim.block_on(client.wait_until_ready()).unwrap();
    let root = sim.net().with(|net, _| net.trust_root());
    (sim, client, root)
}

fn time(sim: &Simulation) -> UnixTime {
    let origin = DevnetConfig::instant().unix_time_at_origin;
    UnixTime::from_secs((origin + sim.now().since_origin()).as_secs())
}

fn lie(sim: &Simulation, text: &str) {
    sim.net().with(|net, now| net.set_faults(now, text.parse().unwrap()));
}

fn verified(sim: &Simulation, client: &Client, root: &TrustRoot) -> Result<Verified, VerifiedDocumentError> {
    sim.block_on(client.verified_document(root, 0, Some(time(sim))))
}

fn refused(sim: &Simulation, client: &Client, root: &TrustRoot) -> Reason {
    match verified(sim, client, root) {
        Err(VerifiedDocumentError::Refused(error)) => error.reason().clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_honest_document_is_verified_in_every_epoch() {
    let (sim, client, mut root) = start();
    for _ in 0..5 {
        let document = verified(&sim, &client, &root).unwrap();
        assert_eq!(document.report().signed, 3);
        let epoch = sim.net().with(|net, _| net.epoch());
        assert_eq!(document.freshness(), Freshness::Checked { expected_epoch: epoch });
        root.not_before_epoch(document.epoch());
        let announced = client.pki_document().unwrap();
        assert_eq!(announced.epoch(), document.epoch());
        let echo = client.service_in(document.document(), "echo").unwrap();
        assert!(client.services("echo").contains(&echo));
        assert_eq!(client.distinct_couriers_in(document.document(), 2).unwrap().len(), 2);
        assert_eq!(client.distinct_couriers_in(document.document(), 3), None);
        sim.block_on(sim.sleep(Duration::from_secs(20 * 60)));
    }
}

#[test]
fn a_forged_document_is_refused() {
    let (sim, client, root) = start();
    lie(&sim, "forged-document");
    let Err(VerifiedDocumentError::Refused(error)) = verified(&sim, &client, &root) else {
        panic!("accepted")
    };
    assert_eq!(error.reason(), &Reason::Threshold { signed: 0, threshold: 2, count: 3 });
    let verdicts = &error.report().unwrap().authorities;
    assert!(verdicts.iter().all(|authority| authority.verdict == Verdict::Bad));
    sim.net().with(|net, now| net.set_faults(now, Faults::default()));
    assert!(verified(&sim, &client, &root).is_ok());
}

#[test]
fn a_thinned_out_document_is_refused() {
    let (sim, client, root) = start();
    lie(&sim, "thin-signatures");
    assert_eq!(refused(&sim, &client, &root), Reason::Threshold { signed: 1, threshold: 2, count: 3 });
}

#[test]
fn a_replayed_document_is_refused_by_the_time_and_by_what_is_known() {
    let (sim, client, mut root) = start();
    let first = verified(&sim, &client, &root).unwrap().epoch();
    lie(&sim, "old-document");
    sim.block_on(sim.sleep(Duration::from_secs(3 * 20 * 60)));
    let expected = first + 3;
    assert_eq!(refused(&sim, &client, &root), Reason::NotOfThePresent { found: first, expected });
    // Without a time it is good as long as the program asks for that epoch, and says that nobody checked.
    let without = sim.block_on(client.verified_document(&root, expected, None));
    let Err(VerifiedDocumentError::Refused(error)) = without else { panic!("accepted") };
    assert_eq!(error.reason(), &Reason::Epoch { found: first, asked: expected });
    root.not_before_epoch(first + 1);
    sim.block_on(sim.sleep(Duration::from_secs(2 * 20 * 60)));
    assert_eq!(refused(&sim, &client, &root), Reason::Expired { expiration: first + 5, now: first + 5 });
}

/// A program whose clock is slow is not at the mercy of a daemon that repeats: it knows a later one.
#[test]
fn a_replayed_document_is_refused_by_what_is_known_although_the_clock_is_slow() {
    let (sim, client, mut root) = start();
    let then = time(&sim);
    sim.block_on(sim.sleep(Duration::from_secs(20 * 60)));
    root.not_before_epoch(verified(&sim, &client, &root).unwrap().epoch());
    lie(&sim, "old-document");
    let result = sim.block_on(client.verified_document(&root, 0, Some(then)));
    let Err(VerifiedDocumentError::Refused(error)) = result else { panic!("accepted") };
    assert!(matches!(error.reason(), Reason::Older { .. }), "{error}");
}

#[test]
fn a_document_that_is_not_there_is_told_by_the_call() {
    let (sim, client, root) = start();
    let result = sim.block_on(client.verified_document(&root, 7, None));
    assert!(
        matches!(
            result,
            Err(VerifiedDocumentError::Call(CallError::Daemon(DaemonError::ServiceUnavailable)))
        ),
        "{result:?}"
    );
}

#[test]
fn strangers_sign_nothing() {
    let (sim, client, _) = start();
    let other = Simulation::new(DevnetConfig::instant(), [8; 32]);
    let root = other.net().with(|net, _| net.trust_root());
    let Err(VerifiedDocumentError::Refused(error)) = verified(&sim, &client, &root) else {
        panic!("accepted")
    };
    let report = error.report().unwrap();
    assert_eq!((report.signed, report.strangers), (0, 3));
    assert!(report.authorities.iter().all(|authority| authority.verdict == Verdict::Absent));
}

#[test]
fn plain_threads_verify_as_well() {
    use std::{sync::Arc, time::SystemTime};

    use kpthin::devnet::{self, Server};

    let net = Arc::new(Server::start(DevnetConfig::instant(), [7; 32]).unwrap());
    let client = kpthin::blocking::connect(devnet::in_process(&net)).unwrap();
    let root = net.with(|net, _| net.trust_root());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = UnixTime::from_secs(now.as_secs());
    let verified =
        client.verified_document(&root, 0, Some(now)).timeout(Duration::from_secs(60)).wait().unwrap();
    assert_eq!(verified.report().signed, 3);
}
