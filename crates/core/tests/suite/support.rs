//! Reading the vectors: files, hexadecimal and the manifests' typed values.

use std::{fs, path::PathBuf};

use ciborium::Value as Cbor;
use kpthin_core::{
    frame::{FrameBuffer, OverlongFrame},
    wire::{AnyResponse, DecodeError, RequestFrame},
};
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

/// A value as the manifests write it.
pub(crate) fn typed(json: &Json) -> Cbor {
    match json {
        Json::Null => Cbor::Null,
        Json::Bool(value) => Cbor::Bool(*value),
        Json::Number(number) => integer(&number.to_string()),
        Json::String(text) => Cbor::Text(text.clone()),
        Json::Array(items) => Cbor::Array(items.iter().map(typed).collect()),
        Json::Object(members) => {
            if let Some((kind, value)) = members.iter().next()
                && members.len() == 1
            {
                match kind.as_str() {
                    "bytes" => return Cbor::Bytes(unhex(text(value))),
                    "float" => return Cbor::Float(text(value).parse().unwrap()),
                    "int" => return integer(text(value)),
                    "map" => {
                        let pair = |pair| (typed(&list(pair)[0]), typed(&list(pair)[1]));
                        return Cbor::Map(list(value).iter().map(pair).collect());
                    }
                    _ => {}
                }
            }
            Cbor::Map(members.iter().map(|(key, value)| (Cbor::Text(key.clone()), typed(value))).collect())
        }
    }
}

fn integer(decimal: &str) -> Cbor {
    Cbor::Integer(decimal.parse::<i128>().unwrap().try_into().unwrap())
}

/// Fails unless both values say the same.
///
/// A member that is `null`, absent or the zero value of its type says nothing (§2.1).
pub(crate) fn assert_same(context: &str, expected: &Cbor, got: &Cbor) {
    match (expected, got) {
        (Cbor::Map(expected), Cbor::Map(got)) => {
            for key in expected.iter().chain(got).map(|(key, _)| key) {
                let find = |pairs: &[(Cbor, Cbor)]| {
                    pairs.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
                };
                let context = format!("{context}.{}", key.as_text().unwrap_or("?"));
                match (find(expected), find(got)) {
                    (Some(expected), Some(got)) if !says_nothing(&expected) => {
                        assert_same(&context, &expected, &got);
                    }
                    (expected, got) => {
                        assert!(expected.as_ref().is_none_or(says_nothing), "{context}: lost {expected:?}");
                        assert!(got.as_ref().is_none_or(says_nothing), "{context}: gained {got:?}");
                    }
                }
            }
        }
        (Cbor::Array(expected), Cbor::Array(got)) => {
            assert_eq!(expected.len(), got.len(), "{context}");
            expected.iter().zip(got).for_each(|(expected, got)| assert_same(context, expected, got));
        }
        _ => assert_eq!(expected, got, "{context}"),
    }
}

fn says_nothing(value: &Cbor) -> bool {
    match value {
        Cbor::Null | Cbor::Bool(false) => true,
        Cbor::Array(items) => items.is_empty(),
        Cbor::Bytes(bytes) => bytes.is_empty(),
        Cbor::Integer(value) => *value == 0.into(),
        Cbor::Map(pairs) => pairs.is_empty(),
        Cbor::Text(text) => text.is_empty(),
        _ => false,
    }
}

/// Either direction of the protocol, decoded.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "moved a few times in a test")]
pub(crate) enum Message {
    Request(RequestFrame),
    Response(AnyResponse),
}

impl Message {
    pub(crate) fn decode(direction: &str, body: &[u8]) -> Result<Option<Self>, DecodeError> {
        match direction {
            "request" => Ok(RequestFrame::decode(body)?.map(Self::Request)),
            "response" => Ok(AnyResponse::decode(body)?.map(Self::Response)),
            other => panic!("direction {other}"),
        }
    }

    /// The body of the frame, without its prefix.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Request(request) => request.encode(&mut out).unwrap(),
            Self::Response(response) => response.encode(&mut out).unwrap(),
        }
        let body = out.split_off(4);
        assert_eq!(out, u32::try_from(body.len()).unwrap().to_be_bytes());
        body
    }

    /// The one member that is encoded, read by another decoder.
    pub(crate) fn member(&self) -> (String, Cbor) {
        let outer: Cbor = ciborium::from_reader(&*self.encode()).unwrap();
        let mut pairs = outer.into_map().unwrap();
        assert_eq!(pairs.len(), 1);
        let (name, value) = pairs.remove(0);
        (name.into_text().unwrap(), value)
    }
}

/// The bodies of the whole frames in `bytes`, and how many bytes are left over.
pub(crate) fn frames(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, usize), OverlongFrame> {
    let mut buffer = FrameBuffer::default();
    buffer.push(bytes);
    let mut bodies = Vec::new();
    while let Some(body) = buffer.next_frame()? {
        bodies.push(body.to_vec());
    }
    Ok((bodies, buffer.pending_len()))
}
