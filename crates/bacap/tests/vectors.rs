//! Every entry of every list of the vector file, which two independent implementations agree on.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use kpthin_bacap::{BoxId, Context, MessageBoxIndex, OpenError, Opened, ReadCap, SealedBox, WriteCap};
use serde_json::Value;

fn file() -> Value {
    serde_json::from_str(include_str!("vectors/bacap.json")).unwrap()
}

/// Returns a list, which must have exactly the given number of entries.
fn entries(list: &str, count: usize) -> Vec<Value> {
    let entries = file()[list].as_array().unwrap().clone();
    assert_eq!(entries.len(), count, "{list}");
    entries
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_else(|| panic!("{field} in {entry}"))
}

fn hex(entry: &Value, field: &str) -> Vec<u8> {
    let text = text(entry, field).as_bytes();
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap();
    text.chunks(2).map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap()).collect()
}

fn array<const N: usize>(entry: &Value, field: &str) -> [u8; N] {
    hex(entry, field).try_into().unwrap()
}

fn index(entry: &Value, field: &str) -> MessageBoxIndex {
    MessageBoxIndex::from_bytes(&hex(entry, field)).unwrap()
}

fn write_cap(entry: &Value) -> WriteCap {
    WriteCap::from_bytes(&hex(entry, "write_cap")).unwrap()
}

fn counter(entry: &Value, field: &str) -> u64 {
    text(entry, field).parse().unwrap()
}

fn steps(index: &MessageBoxIndex, entry: &Value) -> MessageBoxIndex {
    let mut index = index.clone();
    for _ in 0..entry["steps"].as_u64().unwrap() {
        index = index.next().unwrap();
    }
    index
}

#[test]
fn no_list_is_forgotten() {
    let file = file();
    let lists: Vec<_> = file.as_object().unwrap().iter().filter(|(_, value)| value.is_array()).collect();
    let cases: usize = lists.iter().map(|(_, list)| list.as_array().unwrap().len()).sum();
    assert_eq!((lists.len(), cases), (8, 124));
    assert_eq!(hex(&file, "context"), Context::PIGEONHOLE.as_bytes());
}

#[test]
fn key_generation() {
    for entry in entries("key_generation", 8) {
        let write = WriteCap::from_seed(&array(&entry, "seed"));
        let read = write.read_cap();
        assert_eq!(write.to_bytes(), array(&entry, "write_cap"));
        assert_eq!(write.to_bytes()[..32], hex(&entry, "root_seed"));
        assert_eq!(write.to_bytes()[32..64], hex(&entry, "root_public_key"));
        assert_eq!(read.to_bytes(), array(&entry, "read_cap"));
        assert_eq!(write.index().to_bytes(), array(&entry, "first_index"));
        assert_eq!(read.index(), write.index());
        assert_eq!(write.index().counter(), counter(&entry, "counter"));
        assert_eq!(WriteCap::from_bytes(&hex(&entry, "write_cap")), Ok(write));
        assert_eq!(ReadCap::from_bytes(&hex(&entry, "read_cap")), Ok(read));
    }
}

#[test]
fn index_advance() {
    for entry in entries("index_advance", 23) {
        let start = index(&entry, "index");
        let result = steps(&start, &entry);
        assert_eq!(result.to_bytes(), array(&entry, "result"));
        assert_eq!(result.counter(), counter(&entry, "counter"));
        assert_eq!(start.advance_to(result.counter()), Ok(result));
    }
}

#[test]
fn box_id() {
    for entry in entries("box_id", 20) {
        let read = ReadCap::from_bytes(&hex(&entry, "read_cap")).unwrap();
        let context = hex(&entry, "context");
        let index = index(&entry, "index");
        assert_eq!(steps(read.index(), &entry), index);
        assert_eq!(read.box_id(&index, Context::new(&context)), BoxId(array(&entry, "box_id")));
    }
}

#[test]
fn encrypt() {
    for entry in entries("encrypt", 14) {
        let (write, index, plaintext) = (write_cap(&entry), index(&entry, "index"), hex(&entry, "plaintext"));
        let context = hex(&entry, "context");
        let sealed = write.seal(&index, Context::new(&context), &plaintext);
        assert_eq!(sealed.box_id, BoxId(array(&entry, "box_id")));
        assert_eq!(sealed.ciphertext, hex(&entry, "ciphertext"));
        assert_eq!(sealed.signature, array(&entry, "signature"));
        let opened = write.read_cap().open(&index, Context::new(&context), &sealed);
        assert_eq!(opened, Ok(Opened::Content(plaintext.into())));
        if let Some(length) = entry["message_length"].as_u64() {
            assert_eq!(hex(&entry, "plaintext").len(), 1553);
            assert_eq!(hex(&entry, "plaintext")[..4], u32::try_from(length).unwrap().to_be_bytes());
        }
    }
}

#[test]
fn tombstone() {
    for entry in entries("tombstone", 6) {
        let (write, index, context) = (write_cap(&entry), index(&entry, "index"), hex(&entry, "context"));
        assert_eq!(steps(write.index(), &entry), index);
        let sealed = write.tombstone(&index, Context::new(&context));
        assert_eq!(sealed.box_id, BoxId(array(&entry, "box_id")));
        assert_eq!(sealed.signature, array(&entry, "signature"));
        assert!(sealed.ciphertext.is_empty());
        assert_eq!(write.read_cap().open(&index, Context::new(&context), &sealed), Ok(Opened::Tombstone));
    }
}

#[test]
fn kdf_mutation() {
    for entry in entries("kdf_mutation", 5) {
        let (write, salt) = (write_cap(&entry), hex(&entry, "salt"));
        let (mutated, read) = (write.mutate(&salt), write.read_cap().mutate(&salt));
        assert_eq!(mutated.to_bytes(), array(&entry, "mutated_write_cap"));
        assert_eq!(read.to_bytes(), array(&entry, "mutated_read_cap"));
        assert_eq!(mutated.read_cap(), read);
        assert_eq!(mutated.index().counter(), write.index().counter());
        assert_eq!(read.box_id(read.index(), Context::PIGEONHOLE), BoxId(array(&entry, "first_box_id")));
    }
}

#[test]
fn voucher_stream() {
    for entry in entries("voucher_stream", 4) {
        let write = WriteCap::from_voucher(&array(&entry, "voucher"));
        let read = write.read_cap();
        assert_eq!(write.to_bytes(), array(&entry, "voucher_write_cap"));
        assert_eq!(read.to_bytes(), array(&entry, "voucher_read_cap"));
        assert_eq!(write.index().counter(), counter(&entry, "counter"));
        let second = read.index().next().unwrap();
        assert_eq!(read.box_id(read.index(), Context::PIGEONHOLE), BoxId(array(&entry, "box0_id")));
        assert_eq!(read.box_id(&second, Context::PIGEONHOLE), BoxId(array(&entry, "box1_id")));
    }
}

#[test]
fn negative() {
    for entry in entries("negative", 44) {
        let accepted = match text(&entry, "operation") {
            "advance_to" => index(&entry, "index").advance_to(counter(&entry, "target")).is_ok(),
            "decode_index" => MessageBoxIndex::from_bytes(&hex(&entry, "data")).is_ok(),
            "decode_read_cap" => decode_read_cap(&hex(&entry, "data")),
            "decode_write_cap" => WriteCap::from_bytes(&hex(&entry, "data")).is_ok(),
            "next_index" => index(&entry, "index").next().is_ok(),
            "open" => open(&entry),
            other => panic!("{other}"),
        };
        assert_eq!(accepted, text(&entry, "expect") == "ok", "{}", text(&entry, "name"));
    }
}

/// Decodes and, where that works, checks that the bytes come back unchanged.
fn decode_read_cap(bytes: &[u8]) -> bool {
    ReadCap::from_bytes(bytes).is_ok_and(|read| read.to_bytes() == bytes)
}

fn open(entry: &Value) -> bool {
    let read = ReadCap::from_bytes(&hex(entry, "read_cap")).unwrap();
    let sealed = SealedBox {
        box_id: BoxId(array(entry, "box_id")),
        ciphertext: hex(entry, "ciphertext"),
        signature: array(entry, "signature"),
    };
    let context = hex(entry, "context");
    let error = match read.open(&index(entry, "index"), Context::new(&context), &sealed) {
        Ok(opened) => {
            assert_eq!(opened, Opened::Content(hex(entry, "plaintext").into()));
            return true;
        }
        Err(error) => error,
    };
    let expected = match text(entry, "reason") {
        "no box" => OpenError::NoBox,
        "box id does not belong to this index" => OpenError::WrongBox,
        "signature" => OpenError::Signature,
        "aead" => OpenError::Content,
        other => panic!("{other}"),
    };
    assert_eq!(error, expected, "{}", text(entry, "name"));
    false
}
