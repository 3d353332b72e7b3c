//! Every state of small worlds.

use kpthin_tests::explore::{Faults, Report, Setting, What, search};

const BASE: Setting = Setting::BASE;
const NONE: Faults = BASE.faults;

const WORLDS: &[Setting] = &[
    Setting { name: "keypair", calls: &[What::Keypair], faults: Faults { cuts: 1, ..NONE }, quick: true, ..BASE },
    Setting { name: "write", calls: &[What::Write], faults: Faults { cuts: 1, cancels: 1, ..NONE }, quick: true, ..BASE },
];

#[test]
fn every_state_of_small_worlds() {
    println!("{}", Report::HEAD);
    for setting in WORLDS {
        let report = search(setting);
        println!("{report}");
        for finding in &report.findings {
            println!("{finding}");
        }
    }
}
