//! What the operating system, or whoever runs the command, asks of it.

use std::sync::mpsc::Sender;

use super::Stop;

/// Tells of every signal that asks the command to end.
///
/// One that was ignored when the command was started stays so, as that of a hang-up under `nohup`, and that of Ctrl-C in
/// what a script runs in the background.
#[cfg(unix)]
pub(crate) fn tell(stop: Sender<Stop>) -> std::io::Result<()> {
    use std::sync::Arc;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    // Whoever writes beyond a limit hears of it by the error as well, and says why it ends.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let ignored = ignored();
    let known = [(SIGHUP, "SIGHUP"), (SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")];
    let wanted = known.into_iter().filter(|(signal, _)| match ignored {
        Some(set) => set & mask(*signal) == 0,
        // Where that can't be told a hang-up is left as it is: it ends the command without a goodbye, or not at all.
        None => *signal != SIGHUP,
    });
    let mut signals = Signals::new(wanted.map(|(signal, _)| signal))?;
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let _ = thread.spawn(move || {
        for signal in signals.forever() {
            let name = known.into_iter().find_map(|(number, name)| (number == signal).then_some(name));
            if stop.send(Stop::Signal(name.unwrap_or_default())).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn tell(stop: Sender<Stop>) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || drop(stop.send(Stop::Signal("Ctrl-C"))))
}

/// The signals that this process ignores, a bit each; none if the system does not tell.
#[cfg(unix)]
fn ignored() -> Option<u64> {
    ignored_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

#[cfg(unix)]
fn ignored_in(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

#[cfg(unix)]
fn mask(signal: i32) -> u64 {
    u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit)).unwrap_or(0)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status_of_a_process() {
        let status =
            "Name:\tkpthin-devnet\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001003\nSigCgt:\t0\n";
        assert_eq!(ignored_in(status), Some(0x1003));
        assert_eq!((ignored_in("Name:\tx\n"), ignored_in("SigIgn:\tx")), (None, None));
        assert_eq!([1, 2, 13, 64].map(mask), [1, 2, 0x1000, 1 << 63]);
    }
}
