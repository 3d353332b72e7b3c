//! The guide shows the code of the recipes, and this keeps it that way.
//!
//! `KPTHIN_UPDATE_DOCS=1` writes the code into the guide anew.

use std::{env, fs, path::Path};

const BEGIN: &str = "    // <how-to>\n";
const END: &str = "    // </how-to>\n";

/// The part of an example that the guide shows: imports, the middle of `main`, functions below it.
fn shown(example: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example).with_extension("rs");
    let source = fs::read_to_string(path).expect(example);
    let (head, rest) = source.split_once(BEGIN).expect(example);
    let (_, imports) = head.split_once("mod support;\n\n").expect(example);
    let (imports, _) = imports.split_once("#[tokio::main]").expect(example);
    let (body, rest) = rest.split_once(END).expect(example);
    let (_, functions) = rest.split_once("\n}\n").expect(example);
    let imports = imports.lines().filter(|line| !line.is_empty());
    let gap = if imports.clone().next().is_some() { Some("") } else { None };
    let lines = body.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    let mut code: Vec<_> = imports.chain(gap).chain(lines).collect();
    code.extend(functions.trim_end().lines());
    code.join("\n")
}

/// The guide with the code of the examples in its places.
fn rebuilt(guide: &str) -> String {
    let mut out = String::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if let Some(name) = line.strip_prefix("<!-- example: ").and_then(|rest| rest.strip_suffix(" -->")) {
            assert_eq!(lines.next(), Some("```rust"), "{name}");
            let _old = lines.by_ref().find(|line| *line == "```").expect("the code ends");
            out.push_str(&format!("```rust\n{}\n```\n", shown(name)));
        }
    }
    out
}

#[test]
fn the_guide_shows_what_runs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/how-to.md");
    let guide = fs::read_to_string(&path).expect("the guide is there");
    let rebuilt = rebuilt(&guide);
    if env::var_os("KPTHIN_UPDATE_DOCS").is_some() {
        fs::write(&path, &rebuilt).expect("the guide is written");
        return;
    }
    assert!(
        guide == rebuilt,
        "docs/how-to.md differs from the examples; KPTHIN_UPDATE_DOCS=1 brings it up to date"
    );
}

#[test]
fn the_guide_leads_through_every_recipe() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/how-to.md");
    let guide = fs::read_to_string(path).expect("the guide is there");
    let examples = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).expect("examples");
    for example in examples {
        let path = example.expect("a file").path();
        let (Some(name), Some("rs")) = (path.file_stem(), path.extension().and_then(|end| end.to_str()))
        else {
            continue;
        };
        let name = name.to_str().expect("a name");
        assert!(guide.contains(&format!("{name}.rs")), "the guide does not name {name}");
    }
}
