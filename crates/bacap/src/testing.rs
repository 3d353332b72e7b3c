//! Access to the vector file for the tests of what is not public.

extern crate std;

use alloc::vec::Vec;

use serde_json::Value;

/// Returns a list of the vector file, which must not be empty.
pub(crate) fn entries(list: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../tests/vectors/bacap.json")).unwrap();
    let entries = file[list].as_array().unwrap().clone();
    assert!(!entries.is_empty(), "{list}");
    entries
}

/// Returns a byte string of an entry.
pub(crate) fn hex(entry: &Value, field: &str) -> Vec<u8> {
    let text = entry[field].as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap())
        .collect()
}

/// Returns a byte string of known length.
pub(crate) fn array<const N: usize>(entry: &Value, field: &str) -> [u8; N] {
    hex(entry, field).try_into().unwrap()
}
