//! Reading the vectors: files, hexadecimal and the manifests' typed values.

use std::{fs, path::PathBuf};

use serde_json::Value as Json;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file)
}

pub(crate) fn bytes(file: &str) -> Vec<u8> {
    fs::read(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn json(file: &str) -> Json {
    serde_json::from_slice(&bytes(file)).unwrap()
}

pub(crate) fn list(json: &Json) -> &[Json] {
    json.as_array().unwrap()
}

pub(crate) fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    let digits: Vec<_> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}
