//! The schemes' arithmetic, behind one key type.

#[cfg(feature = "falcon")]
mod falcon;
#[cfg(feature = "sphincs")]
mod sphincs;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

use crate::report::Verdict;
use crate::scheme::Scheme;

/// An authority's public key, ready to verify with.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "falcon", expect(clippy::large_enum_variant, reason = "there are few of them"))]
pub(crate) enum PublicKey {
    Ed25519(VerifyingKey),
    #[cfg(feature = "sphincs")]
    Ed25519Sphincs(VerifyingKey, sphincs::PublicKey),
    #[cfg(feature = "falcon")]
    Falcon512Ed25519(falcon::PublicKey, VerifyingKey),
}

impl PublicKey {
    /// Reads a key; `None` if it is none, or of a scheme that was left out.
    pub(crate) fn new(scheme: Scheme, bytes: &[u8]) -> Option<Self> {
        match scheme {
            Scheme::Ed25519 => Some(Self::Ed25519(ed25519(bytes)?)),
            #[cfg(feature = "sphincs")]
            Scheme::Ed25519Sphincs => {
                let (first, second) = bytes.split_first_chunk::<32>()?;
                Some(Self::Ed25519Sphincs(ed25519(first)?, sphincs::PublicKey::new(second.try_into().ok()?)))
            }
            #[cfg(feature = "falcon")]
            Scheme::Falcon512Ed25519 => {
                let (first, second) = bytes.split_last_chunk::<32>()?;
                Some(Self::Falcon512Ed25519(falcon::PublicKey::new(first)?, ed25519(second)?))
            }
            #[cfg(not(all(feature = "falcon", feature = "sphincs")))]
            _ => None,
        }
    }

    const fn scheme(&self) -> Scheme {
        match self {
            Self::Ed25519(_) => Scheme::Ed25519,
            #[cfg(feature = "sphincs")]
            Self::Ed25519Sphincs(..) => Scheme::Ed25519Sphincs,
            #[cfg(feature = "falcon")]
            Self::Falcon512Ed25519(..) => Scheme::Falcon512Ed25519,
        }
    }

    /// Checks a signature; the length comes first, because the reference panics on a wrong one.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Verdict {
        let (expected, actual) = (self.scheme().signature_len(), signature.len());
        if actual != expected {
            return Verdict::WrongLength { expected, actual };
        }
        let good = match self {
            Self::Ed25519(key) => is_good(key, message, signature),
            // The cheaper half first: both have to be good.
            #[cfg(feature = "sphincs")]
            Self::Ed25519Sphincs(key, sphincs) => {
                signature.split_first_chunk::<{ Signature::BYTE_SIZE }>().is_some_and(|(first, second)| {
                    is_good(key, message, first) && sphincs.verify(message, second)
                })
            }
            #[cfg(feature = "falcon")]
            Self::Falcon512Ed25519(falcon, key) => {
                signature.split_last_chunk::<{ Signature::BYTE_SIZE }>().is_some_and(|(first, second)| {
                    is_good(key, message, second) && falcon.verify(message, first)
                })
            }
        };
        if good { Verdict::Signed } else { Verdict::Bad }
    }
}

/// Reads a key; one of small order is none, as everybody can sign for it.
fn ed25519(bytes: &[u8]) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(bytes.try_into().ok()?).ok().filter(|key| !key.is_weak())
}

/// Not the strict verification: the accept-set is the reference's (Pigeonhole backend §2.10).
fn is_good(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}
