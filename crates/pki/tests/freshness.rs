//! Documents of the past, which a lying daemon could repeat: they were signed well once.

use std::time::Duration;

use kpthin_pki::{Freshness, Reason, Scheme, TrustRoot, TrustRootBuilder, UnixTime};

/// Of epoch 300,000; it expires with epoch 300,005.
const DOCUMENT: &[u8] = include_bytes!("vectors/ed25519-valid-3of3.cbor");
const EPOCH: u64 = 300_000;
const PERIOD: Duration = Duration::from_secs(20 * 60);

fn builder() -> TrustRootBuilder {
    TrustRoot::builder(Scheme::Ed25519)
        .authority_hex("auth1", "acd2bd9d5987f0a6c54a3dfbe6cff49375d02ec1c0c5dd6d2b8e362da1a494b3")
        .authority_hex("auth2", "ea22e551fa4391b61fa5092b1c0cbb34003ddc8fbc92beb762240a3a7bce9602")
        .authority_hex("auth3", "c323fc003a2de21815a717ad967957584eeefc89c3c6d40b3b333def6c8c12cf")
}

fn time(epoch: u64) -> UnixTime {
    UnixTime::from_secs(1_496_275_200 + epoch * PERIOD.as_secs())
}

#[test]
fn by_the_time_a_document_is_of_this_epoch_or_of_a_neighbour() {
    let root = builder().epoch_period(PERIOD).build().unwrap();
    for asked in [0, EPOCH] {
        for (now, refused) in [
            (EPOCH - 2, true),
            (EPOCH - 1, false),
            (EPOCH, false),
            (EPOCH + 1, false),
            (EPOCH + 2, true),
            (EPOCH + 4, true),
        ] {
            let result = root.verify(DOCUMENT, asked, Some(time(now)));
            match result {
                Ok(verified) => {
                    assert!(!refused, "{now}");
                    assert_eq!(verified.freshness(), Freshness::Checked { expected_epoch: now });
                }
                Err(error) => {
                    assert_eq!(error.reason(), &Reason::NotOfThePresent { found: EPOCH, expected: now });
                    assert!(refused, "{now}");
                }
            }
        }
        let expired = root.verify(DOCUMENT, asked, Some(time(EPOCH + 5))).unwrap_err();
        assert_eq!(expired.reason(), &Reason::Expired { expiration: EPOCH + 5, now: EPOCH + 5 });
        assert_eq!(expired.report().unwrap().signed, 3, "signatures are looked at all the same");
    }
}

#[test]
fn without_a_time_or_a_period_freshness_is_unchecked_and_the_epoch_has_to_be_given() {
    let with_period = builder().epoch_period(PERIOD).build().unwrap();
    let without = builder().build().unwrap();
    for (root, now) in [(&with_period, None), (&without, None), (&without, Some(time(EPOCH + 1_000)))] {
        let verified = root.verify(DOCUMENT, EPOCH, now).unwrap();
        assert_eq!(verified.freshness(), Freshness::Unchecked);
        assert_eq!(root.verify(DOCUMENT, 0, now).unwrap_err().reason(), &Reason::NoEpoch);
        let other = root.verify(DOCUMENT, EPOCH + 1, now).unwrap_err();
        assert_eq!(other.reason(), &Reason::Epoch { found: EPOCH, asked: EPOCH + 1 });
    }
}

#[test]
fn what_is_older_than_a_verified_document_is_refused() {
    let mut root = builder().epoch_period(PERIOD).build().unwrap();
    let verified = root.verify(DOCUMENT, 0, Some(time(EPOCH + 1))).unwrap();
    root.not_before_epoch(verified.epoch());
    assert!(root.verify(DOCUMENT, 0, Some(time(EPOCH))).is_ok(), "the same one is not older");
    root.not_before_epoch(EPOCH + 1);
    root.not_before_epoch(5);
    for result in [root.verify(DOCUMENT, 0, Some(time(EPOCH))), root.verify(DOCUMENT, EPOCH, None)] {
        assert_eq!(result.unwrap_err().reason(), &Reason::Older { found: EPOCH, not_before: EPOCH + 1 });
    }
    let built = builder().not_before_epoch(EPOCH + 1).build().unwrap();
    assert!(built.verify(DOCUMENT, EPOCH, None).is_err());
}
