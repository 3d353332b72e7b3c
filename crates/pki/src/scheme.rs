//! The signature schemes that networks use, by name (Pigeonhole backend §12.3).

use alloc::{borrow::ToOwned, string::String};
use core::fmt;
use core::str::FromStr;

/// A signature scheme.
///
/// # Examples
///
/// ```
/// use kpthin_pki::Scheme;
///
/// let scheme: Scheme = "Ed25519 Sphincs+".parse()?;
/// assert_eq!((scheme, scheme.public_key_len()), (Scheme::Ed25519Sphincs, 96));
/// assert!("ed25519".parse::<Scheme>().is_err(), "names are compared exactly");
/// # Ok::<(), kpthin_pki::UnknownScheme>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `Ed25519`, which test networks use.
    Ed25519,
    /// `Ed25519 Sphincs+`: both, Ed25519 first.
    Ed25519Sphincs,
    /// `Falcon-padded-512-Ed25519`: both, Falcon first.
    Falcon512Ed25519,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::Ed25519Sphincs, Self::Falcon512Ed25519];

    /// Its name in documents and configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::Ed25519Sphincs => "Ed25519 Sphincs+",
            Self::Falcon512Ed25519 => "Falcon-padded-512-Ed25519",
        }
    }

    /// The length of a public key, in bytes.
    #[must_use]
    pub const fn public_key_len(self) -> usize {
        match self {
            Self::Ed25519 => 32,
            Self::Ed25519Sphincs => 32 + 64,
            Self::Falcon512Ed25519 => 897 + 32,
        }
    }

    /// The length of a signature, in bytes.
    #[must_use]
    pub const fn signature_len(self) -> usize {
        match self {
            Self::Ed25519 => 64,
            Self::Ed25519Sphincs => 64 + 49_856,
            Self::Falcon512Ed25519 => 666 + 64,
        }
    }

    /// The feature that a scheme needs if it was left out when this crate was built.
    #[must_use]
    pub const fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Ed25519 => None,
            Self::Ed25519Sphincs if cfg!(feature = "sphincs") => None,
            Self::Ed25519Sphincs => Some("sphincs"),
            Self::Falcon512Ed25519 if cfg!(feature = "falcon") => None,
            Self::Falcon512Ed25519 => Some("falcon"),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// As its name.
#[cfg(feature = "serde")]
impl serde::Serialize for Scheme {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A name that no scheme has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no signature scheme; there are \"Ed25519\", \"Ed25519 Sphincs+\" and \"Falcon-padded-512-Ed25519\""
)]
pub struct UnknownScheme(String);

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(name: &str) -> Result<Self, UnknownScheme> {
        let found = Self::ALL.into_iter().find(|scheme| scheme.name() == name);
        found.ok_or_else(|| UnknownScheme(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn names_lead_back_to_their_schemes_and_others_are_told_what_there_is() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.to_string().parse(), Ok(scheme));
        }
        let error = "Ed25519-Sphincs+".parse::<Scheme>().unwrap_err().to_string();
        assert!(Scheme::ALL.into_iter().all(|scheme| error.contains(scheme.name())), "{error}");
    }
}
