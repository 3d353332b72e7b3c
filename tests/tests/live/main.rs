//! Every method of the client against a daemon: the embedded one, and a real one if there is one.
//!
//! The same bodies run four times. Against the embedded daemon always, as it should be and with the
//! kinks of the reference, older and newer. Against the daemon that the `thinclient.toml` named by
//! `KPTHIN_LIVE_CONFIG` leads to, with the patience that a real network needs; without that
//! variable they are reported as skipped. A word on the command line selects bodies by name.

use std::{env, process::ExitCode, time::Instant};

use kpthin::devnet::DevnetConfig;
use kpthin_tests::{
    adapters::{Adapter, TokioMultiThread},
    bodies::{ALL, Outcome, Target},
    quick,
};

const VARIABLE: &str = "KPTHIN_LIVE_CONFIG";

#[expect(clippy::print_stdout, reason = "the report is the point")]
fn main() -> ExitCode {
    let filters: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let live = env::var(VARIABLE).ok();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let connect = TokioMultiThread::connect;
    for (name, body) in ALL {
        let devnet = |config, mark| Some(Target::devnet(connect, quick(config), &format!("{mark}-{name}")));
        let targets = [
            ("devnet", Some(Target::devnet(connect, DevnetConfig::instant(), name))),
            ("reference", devnet(DevnetConfig::reference(), "r")),
            ("reference-2026-10", devnet(DevnetConfig::reference_2026_10(), "n")),
            ("live", live.as_deref().map(|path| Target::live(connect, path))),
        ];
        for (kind, target) in targets {
            let name = format!("{kind}::{name}");
            if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
                continue;
            }
            let begin = Instant::now();
            let outcome = match target {
                None => Err(Outcome::Skipped(format!("{VARIABLE} names no thinclient.toml"))),
                Some(Err(error)) => Err(Outcome::Failed(error)),
                Some(Ok(target)) => runtime.block_on(async {
                    // In a task of its own, so that a panic fails the body alone.
                    match tokio::spawn(body(target)).await {
                        Ok(outcome) => outcome,
                        Err(error) => Err(Outcome::Failed(error.to_string())),
                    }
                }),
            };
            let took = begin.elapsed();
            match outcome {
                Ok(()) => {
                    passed += 1;
                    println!("{name} ... ok ({took:.2?})");
                }
                Err(Outcome::Skipped(why)) => {
                    skipped += 1;
                    println!("{name} ... skipped: {why}");
                }
                Err(Outcome::Failed(why)) => {
                    failed += 1;
                    println!("{name} ... FAILED ({took:.2?}): {why}");
                }
            }
        }
    }
    println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
