//! Maps in canonical order, as documents and certificates are written.

use ciborium::Value;

/// Makes a map of named members.
pub(crate) fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

/// Encodes a value with the keys of all maps in canonical order, the shorter first.
pub(crate) fn encode(value: Value) -> Vec<u8> {
    write(&canonical(value))
}

fn canonical(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        Value::Map(members) => {
            let mut members: Vec<_> =
                members.into_iter().map(|(key, value)| (write(&key), key, canonical(value))).collect();
            members.sort_by(|(a, ..), (b, ..)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            Value::Map(members.into_iter().map(|(_, key, value)| (key, value)).collect())
        }
        other => other,
    }
}

fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    #[expect(clippy::expect_used, reason = "a vector takes everything, and every value is encodable")]
    ciborium::into_writer(value, &mut bytes).expect("writing to a vector");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_keys_come_first() {
        let value = map([("bb", Value::from(1)), ("c", Value::from(2)), ("aa", Value::from(3))]);
        assert_eq!(encode(value), b"\xa3\x61c\x02\x62aa\x03\x62bb\x01");
    }
}
