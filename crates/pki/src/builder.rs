//! Whom an application trusts, as it is put together.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::time::Duration;

use kpthin_core::wire::IdentityHash;

use crate::root::{Authority, TrustRoot};
use crate::scheme::Scheme;
use crate::schemes::PublicKey;

/// A [`TrustRoot`] that is being put together.
///
/// What is wrong with it is told by [`build`](Self::build).
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct TrustRootBuilder {
    scheme: Scheme,
    authorities: Vec<Result<(String, Vec<u8>), TrustRootError>>,
    threshold: Option<usize>,
    epoch_period: Option<Duration>,
    not_before_epoch: u64,
}

impl TrustRootBuilder {
    pub(crate) const fn new(scheme: Scheme) -> Self {
        Self { scheme, authorities: Vec::new(), threshold: None, epoch_period: None, not_before_epoch: 0 }
    }

    /// Trusts an authority: a name for reports, and its public key as raw bytes.
    pub fn authority(mut self, name: impl Into<String>, public_key: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Ok((name.into(), public_key.into())));
        self
    }

    /// Trusts an authority whose public key is written in hexadecimal digits of either case.
    pub fn authority_hex(mut self, name: impl Into<String>, public_key: &str) -> Self {
        let name = name.into();
        let key = base16ct::mixed::decode_vec(public_key.trim());
        self.authorities.push(match key {
            Ok(key) => Ok((name, key)),
            Err(_) => Err(TrustRootError::Hex { name }),
        });
        self
    }

    /// Trusts an authority whose public key is in PEM, as configurations of the network have it.
    ///
    /// The label is the scheme's name in upper case and `PUBLIC KEY` (Pigeonhole backend §12.3).
    pub fn authority_pem(mut self, name: impl Into<String>, public_key: &str) -> Self {
        let name = name.into();
        let expected = self.scheme.name().to_ascii_uppercase() + " PUBLIC KEY";
        self.authorities.push(match pem::parse(public_key) {
            Ok(parsed) if parsed.tag() == expected => Ok((name, parsed.into_contents())),
            Ok(parsed) => Err(TrustRootError::PemLabel { name, label: parsed.tag().to_owned(), expected }),
            Err(_) => Err(TrustRootError::Pem { name }),
        });
        self
    }

    /// How many authorities have to have signed; more than half of them unless set, and never fewer.
    pub const fn threshold(mut self, threshold: usize) -> Self {
        self.threshold = Some(threshold);
        self
    }

    /// How long an epoch of the network lasts, which neither the protocol nor a document tells (§7.5).
    ///
    /// 20 minutes unless the network is one for tests. With it and the time, a document has to be of the present.
    pub const fn epoch_period(mut self, period: Duration) -> Self {
        self.epoch_period = Some(period);
        self
    }

    /// Refuses documents of earlier epochs, as [`TrustRoot::not_before_epoch`] does.
    pub const fn not_before_epoch(mut self, epoch: u64) -> Self {
        self.not_before_epoch = epoch;
        self
    }

    /// Checks all of it.
    ///
    /// # Errors
    ///
    /// [`TrustRootError`] names the authority or the number that can't be used, and what could.
    pub fn build(self) -> Result<TrustRoot, TrustRootError> {
        let scheme = self.scheme;
        if let Some(feature) = scheme.missing_feature() {
            return Err(TrustRootError::Unsupported { scheme, feature });
        }
        let mut authorities: Vec<Authority> = Vec::new();
        for authority in self.authorities {
            let (name, bytes) = authority?;
            let (expected, actual) = (scheme.public_key_len(), bytes.len());
            if actual != expected {
                return Err(TrustRootError::KeyLength { name, expected, actual });
            }
            let key_hash = IdentityHash::of_key(&bytes);
            if let Some(other) = authorities.iter().find(|other| other.key_hash == key_hash) {
                return Err(TrustRootError::SameKey { name, other: other.name.clone() });
            }
            let Some(key) = PublicKey::new(scheme, &bytes) else { return Err(TrustRootError::Key { name }) };
            authorities.push(Authority { name, key, key_hash });
        }
        let count = authorities.len();
        let least = count / 2 + 1;
        let threshold = self.threshold.unwrap_or(least);
        if count == 0 {
            return Err(TrustRootError::NoAuthorities);
        }
        if !(least..=count).contains(&threshold) {
            return Err(TrustRootError::Threshold { threshold, least, count });
        }
        if self.epoch_period == Some(Duration::ZERO) {
            return Err(TrustRootError::EpochPeriod);
        }
        Ok(TrustRoot {
            scheme,
            authorities,
            threshold,
            epoch_period: self.epoch_period,
            not_before_epoch: self.not_before_epoch,
        })
    }
}

/// Why a trust root can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustRootError {
    /// An epoch lasts some time.
    #[error("the epoch period is zero")]
    EpochPeriod,
    /// A key is not written in hexadecimal digits.
    #[error("the key of {name:?} is not written in pairs of hexadecimal digits")]
    Hex {
        /// The authority.
        name: String,
    },
    /// A key has the right length and is none.
    #[error("the key of {name:?} is no key of the scheme")]
    Key {
        /// The authority.
        name: String,
    },
    /// A key has a wrong length.
    #[error("the key of {name:?} has {actual} bytes instead of {expected}")]
    KeyLength {
        /// The authority.
        name: String,
        /// What keys of the scheme have, in bytes.
        expected: usize,
        /// What this one has, in bytes.
        actual: usize,
    },
    /// Nobody is trusted.
    #[error("there are no authorities")]
    NoAuthorities,
    /// A key is not in PEM.
    #[error("the key of {name:?} is not in PEM")]
    Pem {
        /// The authority.
        name: String,
    },
    /// A key is one of another scheme.
    #[error("the key of {name:?} is labelled {label:?} instead of {expected:?}")]
    PemLabel {
        /// The authority.
        name: String,
        /// What its label is.
        label: String,
        /// What labels of the scheme are.
        expected: String,
    },
    /// Two authorities have one key.
    #[error("{name:?} has the key of {other:?}")]
    SameKey {
        /// The authority.
        name: String,
        /// The one before it.
        other: String,
    },
    /// The threshold is no majority, or more than there are.
    #[error("a threshold of {threshold} is not from {least} to {count}")]
    Threshold {
        /// What was given.
        threshold: usize,
        /// More than half.
        least: usize,
        /// All of them.
        count: usize,
    },
    /// The scheme was left out when this crate was built.
    #[error("{scheme} needs the feature {feature:?} of kpthin-pki")]
    Unsupported {
        /// The scheme.
        scheme: Scheme,
        /// The feature.
        feature: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const KEYS: [&str; 3] = [
        "acd2bd9d5987f0a6c54a3dfbe6cff49375d02ec1c0c5dd6d2b8e362da1a494b3",
        "EA22E551fa4391b61fa5092b1c0cbb34003ddc8fbc92beb762240a3a7bce9602",
        "c323fc003a2de21815a717ad967957584eeefc89c3c6d40b3b333def6c8c12cf",
    ];
    const PEM: &str = "-----BEGIN ED25519 PUBLIC KEY-----\nrNK9nVmH8KbFSj375s/0k3XQLsHAxd1tK442LaGklLM=\n-----END ED25519 PUBLIC KEY-----\n";

    fn three() -> TrustRootBuilder {
        let builder = TrustRoot::builder(Scheme::Ed25519);
        KEYS.iter()
            .zip(["a", "b", "c"])
            .fold(builder, |builder, (key, name)| builder.authority_hex(name, key))
    }

    fn refused(builder: TrustRootBuilder) -> String {
        builder.build().unwrap_err().to_string()
    }

    #[test]
    fn the_threshold_is_a_majority_or_more() {
        assert_eq!(three().build().unwrap().threshold(), 2);
        assert_eq!(three().threshold(3).build().unwrap().threshold(), 3);
        assert_eq!(refused(three().threshold(1)), "a threshold of 1 is not from 2 to 3");
        assert_eq!(refused(three().threshold(4)), "a threshold of 4 is not from 2 to 3");
        let one = TrustRoot::builder(Scheme::Ed25519).authority_hex("a", KEYS[0]);
        assert_eq!(one.build().unwrap().threshold(), 1);
    }

    #[test]
    fn a_key_may_be_bytes_digits_or_pem() {
        let pem = TrustRoot::builder(Scheme::Ed25519).authority_pem("a", PEM).build().unwrap();
        let hex = TrustRoot::builder(Scheme::Ed25519).authority_hex("a", KEYS[0]).build().unwrap();
        let bytes = base16ct::mixed::decode_vec(KEYS[0]).unwrap();
        let raw = TrustRoot::builder(Scheme::Ed25519).authority("a", bytes).build().unwrap();
        let hashes = [pem, hex, raw].map(|root| root.authorities[0].key_hash);
        assert!(hashes.iter().all(|hash| *hash == hashes[0]));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let empty = || TrustRoot::builder(Scheme::Ed25519);
        assert_eq!(refused(empty()), "there are no authorities");
        assert_eq!(refused(three().epoch_period(Duration::ZERO)), "the epoch period is zero");
        assert_eq!(refused(three().authority_hex("d", KEYS[1])), "\"d\" has the key of \"b\"");
        assert_eq!(refused(empty().authority("a", [1; 31])), "the key of \"a\" has 31 bytes instead of 32");
        // No point of the curve has this second coordinate.
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        // The neutral element: every signature can be made to fit.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        for key in [off_curve, neutral] {
            assert_eq!(refused(empty().authority("a", key)), "the key of \"a\" is no key of the scheme");
        }
        assert!(refused(empty().authority_hex("a", "abc")).contains("hexadecimal"));
        assert_eq!(refused(empty().authority_pem("a", KEYS[0])), "the key of \"a\" is not in PEM");
        let other = PEM.replace("ED25519", "X25519");
        let told = "the key of \"a\" is labelled \"X25519 PUBLIC KEY\" instead of \"ED25519 PUBLIC KEY\"";
        assert_eq!(refused(empty().authority_pem("a", &other)), told);
    }

    #[test]
    fn a_scheme_that_was_left_out_names_its_feature() {
        for scheme in Scheme::ALL {
            let result = TrustRoot::builder(scheme).build();
            match scheme.missing_feature() {
                None => assert_eq!(result.unwrap_err(), TrustRootError::NoAuthorities),
                Some(feature) => {
                    assert_eq!(result.unwrap_err(), TrustRootError::Unsupported { scheme, feature })
                }
            }
        }
    }
}
