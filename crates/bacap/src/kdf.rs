//! The one key derivation function of BACAP: HKDF over HMAC-BLAKE2b-512 (Pigeonhole backend §2.1).

use blake2::Blake2b512;
use hkdf::SimpleHkdf;
use zeroize::Zeroizing;

/// Derives `N` keys of 32 bytes from `ikm`.
///
/// The empty salt is the absent salt: HMAC fills both up with zeros.
pub(crate) fn derive<const N: usize>(ikm: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[[u8; 32]; N]> {
    // RFC 5869 §2.3: at most 255 blocks, here of 64 bytes.
    const { assert!(N * 32 <= 255 * 64) };
    let mut keys = Zeroizing::new([[0; 32]; N]);
    #[expect(clippy::expect_used, reason = "the length is within the limit, checked at compile time above")]
    SimpleHkdf::<Blake2b512>::new(Some(salt), ikm)
        .expand(info, keys.as_flattened_mut())
        .expect("the output fits in 255 blocks");
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_salt_equals_64_zero_bytes() {
        assert_eq!(derive::<3>(b"ikm", b"", b"info"), derive::<3>(b"ikm", &[0; 64], b"info"));
    }

    #[test]
    fn every_input_matters() {
        let base = derive::<1>(b"ikm", b"salt", b"info");
        assert_ne!(base, derive::<1>(b"ikn", b"salt", b"info"));
        assert_ne!(base, derive::<1>(b"ikm", b"salu", b"info"));
        assert_ne!(base, derive::<1>(b"ikm", b"salt", b"infp"));
    }
}
