//! The rooms of the machine know only what they are told.

use std::{fs, path::Path};

/// Every line of code of a room, with the file it stands in.
fn lines(room: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/machine").join(room);
    let mut lines = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.extend(code.map(|line| (name.clone(), line.to_owned())));
    }
    assert!(lines.len() > 50, "{room} is empty");
    lines
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[test]
fn neither_link_nor_calls_names_the_other_and_knowledge_names_nobody() {
    // A module is named with a path behind it, so that `link: LinkId` is none.
    for (room, others, types) in [
        ("link", &["calls", "knowledge"][..], &["Calls", "Knowledge"][..]),
        ("calls", &["link"], &["Link", "Knowledge"]),
        ("knowledge", &["calls", "link"], &["Calls", "Link"]),
    ] {
        for (file, line) in lines(room) {
            let path = others
                .iter()
                .any(|other| line.contains(&format!(" {other}::")) || line.contains(&format!(":{other}::")));
            let named = path || words(&line).any(|word| types.contains(&word));
            assert!(!named, "{room}/{file}: {line}");
        }
    }
}
