//! What the search itself promises.

use super::{Faults, Setting, Step, WORLDS, What, replay, search};

/// How a local call ends on which two links in a row were silent.
const UNANSWERED: &str = "Keypair failed with Unanswered";

#[test]
fn steps_are_read_as_they_are_shown() {
    let setting = WORLDS.iter().find(|setting| setting.name == "frames in parts").expect("a world");
    let report = search(&Setting { faults: Faults { cancels: 1, ..setting.faults }, ..*setting });
    assert!(report.complete && report.findings.is_empty() && report.compared > 0, "{report:?}");
    for word in ["cancel-1", "deadline-0", "daemon", "part-up", "ghost-end"] {
        assert_eq!(word.parse::<Step>().unwrap().to_string(), word);
    }
    assert!("cancel".parse::<Step>().is_err() && "cancel-x".parse::<Step>().is_err());
}

#[test]
fn a_finding_is_told_with_steps_that_lead_to_it() {
    let unknown = Setting {
        calls: &[What::Keypair],
        faults: Faults { delays: 4, ..Setting::BASE.faults },
        ..Setting::BASE
    };
    let report = search(&unknown);
    let [finding] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!(report.new_findings().count(), 1);
    assert!(finding.text.starts_with(UNANSWERED));
    let steps: Vec<_> = finding.steps.iter().map(Step::to_string).collect();
    assert_eq!(replay(&unknown, &steps.join(" ")).broken, Some(finding.text.clone()));
}

#[test]
fn what_is_known_is_missed_when_it_is_mended() {
    let setting = Setting { calls: &[What::Keypair], known: &[UNANSWERED], ..Setting::BASE };
    let report = search(&setting);
    assert!(report.complete);
    assert_eq!(report.mended().collect::<Vec<_>>(), [UNANSWERED]);
}
