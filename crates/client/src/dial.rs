//! What adapters share about dialling: which addresses are tried, and what an endpoint that can't
//! be dialled is told.

use std::{future::Future, io, net::SocketAddr};

use crate::config::{Endpoint, Family};

impl Family {
    const fn includes(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

/// Connects to the first of a host's addresses that answers, for adapters.
///
/// Addresses of another family than the wanted one are passed over; the others are tried one after
/// the other.
///
/// # Errors
///
/// Of the address that was tried last, or [`io::ErrorKind::NotFound`] if there was none.
pub async fn connect_any<Io, C>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    family: Family,
    connect: impl Fn(SocketAddr) -> C,
) -> io::Result<Io>
where
    C: Future<Output = io::Result<Io>>,
{
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address of that family");
    for address in addresses.into_iter().filter(|address| family.includes(address)) {
        match connect(address).await {
            Ok(io) => return Ok(io),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Endpoint {
    /// The error for an endpoint that an adapter or its platform has no sockets for.
    #[must_use]
    pub fn unsupported(&self) -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, format!("{self} can't be dialled on this platform"))
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::ready};

    use super::*;

    /// Which addresses are tried, and what comes of it; those on port 1 refuse.
    fn tried(addresses: &[&str], family: Family) -> (Vec<String>, Result<SocketAddr, io::ErrorKind>) {
        let tried = RefCell::new(Vec::new());
        let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let connecting = connect_any(addresses, family, |address| {
            tried.borrow_mut().push(address.to_string());
            ready(match address.port() {
                1 => Err(io::ErrorKind::ConnectionRefused.into()),
                _ => Ok(address),
            })
        });
        let result = crate::tests::now(connecting).expect("nothing to wait for");
        (tried.into_inner(), result.map_err(|error| error.kind()))
    }

    #[test]
    fn the_first_address_that_answers_is_taken() {
        let (tried, result) = tried(&["[::1]:1", "127.0.0.1:2", "127.0.0.1:3"], Family::Any);
        assert_eq!(tried, ["[::1]:1", "127.0.0.1:2"]);
        assert_eq!(result, Ok("127.0.0.1:2".parse().unwrap()));
    }

    #[test]
    fn only_addresses_of_the_family_are_tried() {
        let all = ["[::1]:2", "127.0.0.1:1"];
        assert_eq!(
            tried(&all, Family::V4),
            (vec!["127.0.0.1:1".into()], Err(io::ErrorKind::ConnectionRefused))
        );
        assert_eq!(tried(&all, Family::V6).0, ["[::1]:2"]);
        assert_eq!(tried(&all[..1], Family::V4), (vec![], Err(io::ErrorKind::NotFound)));
    }
}
