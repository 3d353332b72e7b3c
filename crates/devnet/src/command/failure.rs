//! What went wrong, with the way out.

use std::io::ErrorKind;

use kpthin_devnet::{Address, StartError};

/// Why a server does not start, and what to do about it.
pub(crate) fn explained(error: &StartError) -> String {
    let way_out = match error {
        StartError::Listen { address: Address::Tcp(address), kind, .. } => match kind {
            ErrorKind::AddrInUse => {
                "another program listens there; stop it, or give another port, as in --listen :0, which takes a free one"
            }
            ErrorKind::AddrNotAvailable => "this machine has no such address; 127.0.0.1 is always there",
            ErrorKind::PermissionDenied if address.port() < 1_024 => {
                "ports below 1024 are kept for the system; give a higher one"
            }
            _ => return error.to_string(),
        },
        StartError::Listen { address: Address::Abstract(_), kind: ErrorKind::AddrInUse, .. } => {
            "another program listens there; stop it, or choose another name"
        }
        StartError::Listen { address: Address::Unix(_), kind, .. } => match kind {
            ErrorKind::NotFound => "its folder has to be there; make it, or choose another path",
            ErrorKind::PermissionDenied => "its folder has to be writable; choose another path",
            _ => return error.to_string(),
        },
        StartError::NotLoopback(_) => {
            "others could read and change everything; --allow-public listens there all the same"
        }
        StartError::OtherSeed { path, found, given } => {
            return format!(
                "{}: belongs to the network of seed {}, not to that of {}; leave --seed out, or choose another --store",
                path.display(),
                seed_text(found),
                seed_text(given)
            );
        }
        StartError::PathInUse(_) => "stop who listens on it, remove what is there, or choose another path",
        _ => return error.to_string(),
    };
    format!("{error}: {way_out}")
}

/// The bytes that a number as seed stands for.
pub(crate) fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_le_bytes()).for_each(|(byte, seed)| *byte = seed);
    bytes
}

/// The number that these bytes stand for, or all of them in hexadecimal digits if they were not made from one.
pub(crate) fn seed_text(bytes: &[u8; 32]) -> String {
    let number = bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    if seed_bytes(number) == *bytes {
        return number.to_string();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_told_as_it_was_given() {
        for seed in [0, 7, u64::MAX] {
            assert_eq!(seed_text(&seed_bytes(seed)), seed.to_string());
        }
        assert_eq!(seed_text(&[1; 32]), "01".repeat(32));
    }
}
