//! Runs examples as a user does.

use std::{
    env,
    path::PathBuf,
    process::{Command, Output},
};

/// `cargo test` builds the examples next to the tests.
pub(crate) fn example(name: &str) -> Command {
    let mut path = env::current_exe().expect("this test has a path");
    assert!(path.pop() && path.pop(), "it lies in a folder of the target folder");
    Command::new(path.join("examples").join(name))
}

pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("`cargo test` builds the examples, unless it is told which tests to build")
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = output(command);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}

#[track_caller]
pub(crate) fn assert_prints(output: &str, lines: &[&str]) {
    for line in lines {
        assert!(output.contains(line), "not printed: {line}\n{output}");
    }
}

/// A folder of its own for a test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("kpthin-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}
