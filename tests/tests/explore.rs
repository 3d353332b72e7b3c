//! Every state of small worlds.

use std::time::Duration;

use kpthin_tests::explore::{Begin, Faults, Report, Setting, What, search};

const BASE: Setting = Setting::BASE;
const NONE: Faults = BASE.faults;
const R: &str = "reference";
const N: &str = "reference-2026-10";
const UNFENCED: &str = "a live key was started again on one link, before its cancel was answered";
const UNANSWERED: &str = "Keypair failed with Unanswered";

const WORLDS: &[Setting] = &[
    Setting { name: "dial", calls: &[What::Keypair], begin: Begin::Dialling, faults: Faults { cuts: 1, torn: 1, restarts: 1, refusals: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "local 3", calls: &[What::Keypair, What::Encrypt, What::Create], faults: Faults { cuts: 1, restarts: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "local 3", profile: R, calls: &[What::Keypair, What::Encrypt, What::Create], faults: Faults { cuts: 1, restarts: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "write", calls: &[What::Write], faults: Faults { cuts: 2, cancels: 1, restarts: 1, ..NONE }, ..BASE },
    Setting { name: "write", profile: R, calls: &[What::Write], faults: Faults { cuts: 1, cancels: 1, restarts: 1, ..NONE }, ..BASE },
    Setting { name: "write", profile: N, calls: &[What::Write], faults: Faults { cuts: 1, cancels: 1, restarts: 1, ..NONE }, ..BASE },
    Setting { name: "hidden", calls: &[What::Write], faults: Faults { hidden: 1, ..NONE }, ..BASE },
    Setting { name: "hidden", profile: R, calls: &[What::Write], faults: Faults { hidden: 1, ..NONE }, known: &[UNFENCED], ..BASE },
    Setting { name: "hidden message", profile: R, calls: &[What::Message], faults: Faults { hidden: 1, ..NONE }, ..BASE },
    Setting { name: "local end", calls: &[What::Write], faults: Faults { local: 1, ..NONE }, ..BASE },
    Setting { name: "unseen", calls: &[What::Write, What::Keypair], faults: Faults { unseen: 1, ..NONE }, known: &[UNFENCED, UNANSWERED], ..BASE },
    Setting { name: "messages", calls: &[What::Message, What::MessageWithoutReply], faults: Faults { cuts: 1, restarts: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "messages", profile: R, calls: &[What::Message, What::MessageWithoutReply], faults: Faults { cuts: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "copy", calls: &[What::Copy], faults: Faults { cuts: 1, restarts: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "copy", profile: R, calls: &[What::Copy], faults: Faults { cuts: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "mixed", calls: &[What::Keypair, What::Write, What::Message], faults: Faults { cuts: 1, ..NONE }, ..BASE },
    Setting { name: "poll", calls: &[What::Poll, What::Write], faults: Faults { cuts: 1, ..NONE }, known: &[UNFENCED], ..BASE },
    Setting { name: "shutdown", calls: &[What::Write, What::Keypair], faults: Faults { shutdowns: 1, ..NONE }, ..BASE },
    Setting { name: "flap", calls: &[What::Write, What::Message], faults: Faults { flaps: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "close", calls: &[What::Write, What::Message, What::Keypair], faults: Faults { closes: 1, ..NONE }, ..BASE },
    Setting { name: "deadline", calls: &[What::Write, What::Message], faults: Faults { deadlines: 1, cuts: 1, delays: 1, ..NONE }, known: &[UNFENCED], ..BASE },
    Setting { name: "parts", calls: &[What::Write], faults: Faults { parts: 2, torn: 1, ..NONE }, ..BASE },
    Setting { name: "cancels", calls: &[What::Write, What::CancelWrite], faults: Faults { cuts: 1, cancels: 1, ..NONE }, ..BASE },
    Setting { name: "lazy", calls: &[What::Write, What::Keypair], faults: Faults { cuts: 1, cancels: 1, ..NONE }, lazy: true, ..BASE },
    Setting { name: "grace", calls: &[What::Write, What::Message], faults: Faults { cuts: 1, refusals: 1, ..NONE }, grace: Duration::from_millis(500), ..BASE },
];

#[test]
fn every_state_of_small_worlds() {
    println!("{}", Report::HEAD);
    let only = std::env::var("KPTHIN_EXPLORE").unwrap_or_default();
    let mut wrong = 0;
    for setting in WORLDS.iter().filter(|setting| setting.name.contains(&*only)) {
        let report = search(setting);
        println!("{report} {}", report.compared);
        for finding in report.new_findings() {
            wrong += 1;
            println!("NEW {finding}");
        }
        for known in report.mended() {
            wrong += 1;
            println!("MENDED {known}");
        }
    }
    assert_eq!(wrong, 0);
}
