//! Every state of small worlds: see `docs/reliability.md`.
//!
//! Without further ado those worlds are searched that take seconds. `KPTHIN_EXPLORE=all` searches all of them, best in a
//! release build, any other value those whose names begin with it. With `--nocapture` there is a row for each, and the
//! steps that lead to what was found.

use kpthin_tests::explore::{Report, Setting, WORLDS, search};

fn is_wanted(setting: &Setting) -> bool {
    match std::env::var("KPTHIN_EXPLORE") {
        Err(_) => setting.quick,
        Ok(all) if all == "all" => true,
        Ok(beginning) => setting.name.starts_with(&beginning),
    }
}

#[test]
fn nothing_breaks_in_any_state_but_what_is_known() {
    eprintln!("{}", Report::HEAD);
    let mut wrong = Vec::new();
    for setting in WORLDS.iter().filter(|setting| is_wanted(setting)) {
        let report = search(setting);
        eprintln!("{report}");
        let (name, profile) = (setting.name, setting.profile);
        for finding in &report.findings {
            eprintln!("  {finding}");
        }
        wrong.extend(report.new_findings().map(|finding| format!("{name}, {profile}: {finding}")));
        wrong.extend(report.mended().map(|known| format!("{name}, {profile}: not found any more: {known}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
