//! Lines on their way to whoever runs the command.
//!
//! Nobody has to read them: an output that is closed, full or left unread holds up the printing thread and no other.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::args::Level;

/// Lines that wait, at most; further ones are left out, and how many is told in their place.
const LINES_MAX: usize = 1_024;

/// Prints on standard output and on standard error.
#[derive(Clone)]
pub(crate) struct Printer {
    level: Level,
    out: Arc<Lines>,
    err: Arc<Lines>,
}

impl Printer {
    /// Starts a thread for each output.
    pub(crate) fn new(level: Level) -> io::Result<Self> {
        Ok(Self {
            level,
            out: Lines::printed_to("stdout", unbuffered(io::stdout()))?,
            err: Lines::printed_to("stderr", unbuffered(io::stderr()))?,
        })
    }

    /// Tells what ends the command.
    pub(crate) fn error(&self, text: &str) {
        self.err.push(format!("kpthin-devnet: {text}"));
    }

    /// Tells what goes wrong though the command goes on.
    pub(crate) fn warn(&self, text: &str) {
        if self.level >= Level::Warn {
            self.err.push(format!("kpthin-devnet: warning: {text}"));
        }
    }

    pub(crate) fn info(&self, text: impl Into<String>) {
        if self.level >= Level::Info {
            self.out.push(text.into());
        }
    }

    pub(crate) fn debug(&self, text: impl Into<String>) {
        if self.level >= Level::Debug {
            self.out.push(text.into());
        }
    }

    /// Waits until everything is printed, at most so long in all.
    pub(crate) fn finish(&self, time: Duration) {
        let until = Instant::now() + time;
        self.out.wait_until_printed(until);
        self.err.wait_until_printed(until);
    }
}

#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    left_out: u64,
    printing: bool,
    /// Nobody will ever read them.
    closed: bool,
}

impl Lines {
    fn printed_to(name: &str, output: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let lines = Arc::new(Self::default());
        let printed = Arc::clone(&lines);
        let thread = thread::Builder::new().name(name.to_owned());
        let _ = thread.spawn(move || printed.print_on(output))?;
        Ok(lines)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never waits.
    fn push(&self, line: String) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        if waiting.lines.len() >= LINES_MAX {
            waiting.left_out += 1;
            return;
        }
        waiting.tell_left_out();
        waiting.lines.push_back(line);
        drop(waiting);
        self.changed.notify_all();
    }

    fn print_on(&self, mut output: impl Write) {
        loop {
            let mut waiting = self.lock();
            waiting.printing = false;
            if waiting.lines.is_empty() {
                waiting.tell_left_out();
            }
            let Some(mut line) = waiting.lines.pop_front() else {
                self.changed.notify_all();
                drop(self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner));
                continue;
            };
            waiting.printing = true;
            drop(waiting);
            line.push('\n');
            let printed = output.write_all(line.as_bytes());
            // A full disk may have room again; a reader that has left does not come back.
            if printed.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
                *self.lock() = Waiting { closed: true, ..Waiting::default() };
                self.changed.notify_all();
                return;
            }
        }
    }

    fn wait_until_printed(&self, until: Instant) {
        let mut waiting = self.lock();
        while waiting.printing || !waiting.lines.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Waiting {
    fn tell_left_out(&mut self) {
        let count = std::mem::take(&mut self.left_out);
        if count > 0 {
            self.lines.push_back(format!("({count} lines were left out here, as nobody read them)"));
        }
    }
}

/// The same output without a buffer of its own, which would keep what could not be written and try it again and again.
#[cfg(unix)]
fn unbuffered(output: impl std::os::fd::AsFd + Write + Send + 'static) -> Box<dyn Write + Send> {
    match output.as_fd().try_clone_to_owned() {
        Ok(handle) => Box::new(File::from(handle)),
        Err(_) => Box::new(output),
    }
}

#[cfg(not(unix))]
fn unbuffered(output: impl Write + Send + 'static) -> Box<dyn Write + Send> {
    Box::new(output)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, SyncSender};

    use super::*;

    /// An output that takes a line when it is told to.
    struct Slow(Receiver<io::Result<()>>, SyncSender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().unwrap_or(Ok(()))?;
            let _ = self.1.send(String::from_utf8(bytes.to_vec()).expect("text"));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Arc<Lines>, mpsc::Sender<io::Result<()>>, Receiver<String>) {
        let (go, wait) = mpsc::channel();
        let (tell, told) = mpsc::sync_channel(10_000);
        (Lines::printed_to("test", Slow(wait, tell)).expect("a thread"), go, told)
    }

    #[test]
    fn an_output_that_takes_nothing_holds_up_nobody_and_what_is_left_out_is_counted_in_its_place() {
        let (lines, go, told) = slow();
        for number in 0..LINES_MAX + 100 {
            lines.push(number.to_string());
        }
        lines.wait_until_printed(Instant::now());
        drop(go);
        lines.wait_until_printed(Instant::now() + Duration::from_secs(60));
        lines.push("later".to_owned());
        lines.wait_until_printed(Instant::now() + Duration::from_secs(60));
        let printed: Vec<_> = told.try_iter().collect();
        let count = printed.len() - 2;
        // The thread may have taken one line before the queue was full.
        assert!((LINES_MAX..=LINES_MAX + 1).contains(&count), "{count}");
        assert!((0..count).all(|number| printed[number] == format!("{number}\n")));
        let left_out = LINES_MAX + 100 - count;
        assert_eq!(printed[count], format!("({left_out} lines were left out here, as nobody read them)\n"));
        assert_eq!(printed[count + 1], "later\n");
    }

    #[test]
    fn a_full_disk_costs_a_line_and_a_closed_output_all() {
        let (lines, go, told) = slow();
        let send = |result: io::Result<()>| go.send(result).expect("printed");
        send(Err(io::ErrorKind::StorageFull.into()));
        send(Ok(()));
        send(Err(io::ErrorKind::BrokenPipe.into()));
        for text in ["one", "two", "three", "four"] {
            lines.push(text.to_owned());
            lines.wait_until_printed(Instant::now() + Duration::from_secs(60));
        }
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["two\n"]);
        assert!(lines.lock().closed);
    }
}
