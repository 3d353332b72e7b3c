//! Vector files and a replayable source of bytes, for the tests of this folder.

use serde_json::Value;

use super::geometry::Geometry;

/// Returns a list of a vector file, which must have exactly the given number of entries.
pub(crate) fn entries(file: &str, list: &str, count: usize) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).unwrap();
    let entries = file[list].as_array().unwrap().clone();
    assert_eq!(entries.len(), count, "{list}");
    entries
}

/// Returns a byte string of an entry.
pub(crate) fn hex(entry: &Value, field: &str) -> Vec<u8> {
    decode_hex(&entry[field])
}

/// Returns a list of byte strings of an entry.
pub(crate) fn hex_list(entry: &Value, field: &str) -> Vec<Vec<u8>> {
    entry[field].as_array().unwrap().iter().map(decode_hex).collect()
}

fn decode_hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Returns a source that gives the same bytes in every run.
pub(crate) fn entropy() -> impl FnMut(&mut [u8]) {
    let mut state = 0u64;
    move |bytes: &mut [u8]| {
        for byte in bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
    }
}

/// Returns the sizes of the test network.
pub(crate) fn geometry() -> Geometry {
    Geometry::new(2000).unwrap()
}
