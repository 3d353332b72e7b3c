//! A running command, and where it keeps its files.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// No test waits longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// The command, killed if the test fails.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: Option<Lines<BufReader<ChildStdout>>>,
    err: Option<Lines<BufReader<ChildStderr>>>,
}

/// How the command ended, and what it had said that nobody had read.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::spawn(command(args))
    }

    /// Runs it with both outputs read from here, unless they lead elsewhere already.
    pub(crate) fn spawn(mut command: Command) -> Self {
        Self::spawned(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    pub(crate) fn spawned(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("started");
        let out = child.stdout.take().map(|out| BufReader::new(out).lines());
        let err = child.stderr.take().map(|err| BufReader::new(err).lines());
        Self { child, out, err }
    }

    /// The lines up to and with the one that contains this.
    pub(crate) fn until(&mut self, text: &str) -> String {
        until(self.out.as_mut().expect("its output is read"), text)
    }

    /// The same on standard error.
    pub(crate) fn until_error(&mut self, text: &str) -> String {
        until(self.err.as_mut().expect("its errors are read"), text)
    }

    /// Closes the pipe that it prints to.
    pub(crate) fn stop_reading(&mut self) {
        self.out = None;
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(mut self) -> Ended {
        let began = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("waited for") {
                break status.code();
            }
            assert!(began.elapsed() < DEADLINE, "it does not end");
            std::thread::yield_now();
        };
        Ended { code, out: rest(self.out.take()), err: rest(self.err.take()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) -> String {
    let mut seen = String::new();
    for line in lines {
        let line = line.expect("text");
        seen.push_str(&line);
        seen.push('\n');
        if line.contains(text) {
            return seen;
        }
    }
    panic!("{text:?} did not come:\n{seen}");
}

fn rest<R: Read>(lines: Option<Lines<BufReader<R>>>) -> String {
    lines.into_iter().flatten().map(|line| line.expect("text") + "\n").collect()
}

pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("signalled").success());
}

/// Waits until a file is there, as a script would, and reads it.
pub(crate) fn wait_for(path: &Path) -> String {
    let began = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) => return text,
            Err(_) => assert!(began.elapsed() < DEADLINE, "{} does not come", path.display()),
        }
        std::thread::yield_now();
    }
}

/// The command with these flags, and none from the environment of the tests.
pub(crate) fn command(args: &[&str]) -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_kpthin-devnet")), args)
}

/// The command as the last step of a script, which has it as `"$@"`.
pub(crate) fn shell(script: &str, args: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_kpthin-devnet")]);
    clean(shell, args)
}

fn clean(mut command: Command, args: &[&str]) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KPTHIN_DEVNET_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the command, which is expected to say why it does not start; returns what it says.
pub(crate) fn failed(args: &[&str], code: i32) -> String {
    let ended = Running::start(args).ended();
    assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
    assert!(!ended.err.contains("panicked"), "{ended:?}");
    ended.err
}

/// A folder of its own for a test, gone at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kpthin-command-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it.
    pub(crate) fn at(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.join(name.as_ref())
    }

    /// The same as text, for a command line.
    pub(crate) fn text(&self, name: &str) -> String {
        self.at(name).into_os_string().into_string().expect("text")
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
