//! Ids, secrets and contents in other formats, so that states can hold them.

use std::fmt::Debug;

use ciborium::Value as Cbor;
use kpthin_core::{pki::ServiceAddress, wire::*};
use serde::{Serialize, de::DeserializeOwned};

fn assert_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value);

    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    assert_eq!(ciborium::from_reader::<T, _>(&*bytes).unwrap(), *value);
}

macro_rules! fixed {
    ($($name:ident),* $(,)?) => {$({
        let value = $name::from([0xa5; $name::LEN]);
        assert_round_trip(&value);
        let mut bytes = Vec::new();
        ciborium::into_writer(&value, &mut bytes).unwrap();
        let stored: Cbor = ciborium::from_reader(&*bytes).unwrap();
        assert_eq!(stored, Cbor::Bytes(vec![0xa5; $name::LEN]));

        for len in [0, $name::LEN - 1, $name::LEN + 1] {
            let text = serde_json::to_string(&vec![1; len]).unwrap();
            let error = serde_json::from_str::<$name>(&text).unwrap_err().to_string();
            assert!(error.contains(&format!("expected {} bytes", $name::LEN)), "{error}");
        }
    })*};
}

#[test]
fn values_of_fixed_length_are_byte_strings_of_that_length() {
    fixed! {
        AppId, EnvelopeHash, IdentityHash, InstanceToken, MessageBoxIndex, MessageId, QueryId, ReadCap, Salt,
        Seed, SessionToken, SurbId, Voucher, VoucherPublicKey, VoucherSecretKey, WriteCap, WriteCapHash,
    }
}

#[test]
fn values_of_any_length_are_byte_strings() {
    for bytes in [vec![], vec![7], vec![0xff; 1_000]] {
        assert_round_trip(&SecretBytes::from(bytes.clone()));
        assert_round_trip(&Blob::from(bytes));
    }
}

#[test]
fn a_queue_has_one_to_thirty_two_bytes() {
    let queue = QueueId::new("+echo").unwrap();
    assert_round_trip(&ServiceAddress { node: [3; 32].into(), queue: queue.clone() });
    assert_round_trip(&queue);
    for len in [0, 33] {
        let text = serde_json::to_string(&vec![1; len]).unwrap();
        assert!(serde_json::from_str::<QueueId>(&text).is_err());
    }
}
