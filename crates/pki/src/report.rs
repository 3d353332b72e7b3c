//! Who signed a document, for a person and for a program.

use alloc::{string::String, vec::Vec};
use core::fmt;

use kpthin_core::wire::IdentityHash;

use crate::scheme::Scheme;

/// What an authority's signature under a document is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Verdict {
    /// It is not there.
    Absent,
    /// It does not fit the document and the key.
    Bad,
    /// It is good.
    Signed,
    /// It has a length that no signature of the scheme has.
    WrongLength {
        /// What signatures of the scheme have, in bytes.
        expected: usize,
        /// What this one has, in bytes.
        actual: usize,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("did not sign"),
            Self::Bad => f.write_str("bad signature"),
            Self::Signed => f.write_str("signed"),
            Self::WrongLength { expected, actual } => {
                write!(f, "signature of {actual} bytes instead of {expected}")
            }
        }
    }
}

/// One authority of the trust root and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AuthorityReport {
    /// Its name in the trust root.
    pub name: String,
    /// BLAKE2b-256 of its public key, by which certificates name it; in JSON as hexadecimal digits.
    #[cfg_attr(feature = "serde", serde(serialize_with = "hex"))]
    pub key_hash: IdentityHash,
    /// What its signature is worth.
    pub verdict: Verdict,
}

/// Who signed a document.
///
/// Shown as a table for a person; with the feature `serde` also a value that serializes.
///
/// # Examples
///
/// ```text
/// Ed25519, epoch 300000, expires with epoch 300005
/// 2 of 3 authorities signed, 2 are needed
///   auth1  f5e0b055e45f4339d6dcf5d5d5837185ca8d51fab8315867408ca66dcd232473  signed
///   auth2  1238d93755955a40225023b4d264b5281cfbc4a0efd0e857daeac1e8c116aa0f  did not sign
///   auth3  78b16f87969a78991288d8fbd61d2d7677494f483ec062f0231a1619eb094c64  signed
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The scheme of the trust root.
    pub scheme: Scheme,
    /// The document's epoch, if enough have signed and it can be read: what nobody signed says nothing.
    pub epoch: Option<u64>,
    /// The first epoch at which the document counts no longer.
    pub expiration: u64,
    /// How many authorities have to have signed.
    pub threshold: usize,
    /// How many have.
    pub signed: usize,
    /// Each authority of the trust root, in its order.
    pub authorities: Vec<AuthorityReport>,
    /// How many signatures are by keys that are not in the trust root.
    pub strangers: usize,
}

impl Report {
    /// Whether enough authorities have signed.
    #[must_use]
    pub const fn is_enough(&self) -> bool {
        self.signed >= self.threshold
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.scheme)?;
        match self.epoch {
            Some(epoch) => write!(f, "epoch {epoch}")?,
            None => f.write_str("epoch unknown")?,
        }
        writeln!(f, ", expires with epoch {}", self.expiration)?;
        let count = self.authorities.len();
        write!(f, "{} of {count} authorities signed, {} are needed", self.signed, self.threshold)?;
        if self.strangers > 0 {
            write!(f, "; {} signatures are by strangers", self.strangers)?;
        }
        let width =
            self.authorities.iter().map(|authority| authority.name.chars().count()).max().unwrap_or(0);
        for AuthorityReport { name, key_hash, verdict } in &self.authorities {
            write!(f, "\n  {name:<width$}  ")?;
            key_hash.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            write!(f, "  {verdict}")?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
fn hex<S: serde::Serializer>(hash: &IdentityHash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&base16ct::lower::encode_string(hash.as_bytes()))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    fn report() -> Report {
        let authority = |name: &str, byte, verdict| AuthorityReport {
            name: name.into(),
            key_hash: IdentityHash::from([byte; 32]),
            verdict,
        };
        Report {
            scheme: Scheme::Ed25519,
            epoch: Some(7),
            expiration: 12,
            threshold: 2,
            signed: 1,
            authorities: vec![
                authority("one", 1, Verdict::Signed),
                authority("number two", 2, Verdict::WrongLength { expected: 64, actual: 63 }),
            ],
            strangers: 1,
        }
    }

    #[test]
    fn a_person_can_read_it() {
        let (one, two) = ("01".repeat(32), "02".repeat(32));
        let expected = [
            "Ed25519, epoch 7, expires with epoch 12".to_string(),
            "1 of 2 authorities signed, 2 are needed; 1 signatures are by strangers".to_string(),
            alloc::format!("  one         {one}  signed"),
            alloc::format!("  number two  {two}  signature of 63 bytes instead of 64"),
        ];
        assert_eq!(report().to_string(), expected.join("\n"));
        let unreadable = Report { epoch: None, ..report() };
        assert!(unreadable.to_string().starts_with("Ed25519, epoch unknown, expires"));
        assert!(!report().is_enough());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_program_can_read_it() {
        let value = serde_json::to_value(report()).unwrap();
        assert_eq!(value["scheme"], "Ed25519");
        assert_eq!(value["authorities"][0]["key_hash"], "01".repeat(32));
        assert_eq!(value["authorities"][0]["verdict"], "signed");
        assert_eq!(value["authorities"][1]["verdict"]["wrong_length"]["actual"], 63);
        assert_eq!((&value["signed"], &value["strangers"]), (&1.into(), &1.into()));
    }
}
