//! The `thinclient.toml` that leads a client here (§8.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kpthin_devnet::Address;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    dial: Dial,
}

/// Exactly one of them may be there.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Dial {
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<Tcp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unix: Option<Unix>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tcp {
    address: String,
    network: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Unix {
    address: String,
}

/// What a client reads to find the first of these addresses that such a file can name, Unix sockets before others.
pub(crate) fn toml(addresses: &[Address]) -> Result<String, String> {
    let unix = addresses.iter().find_map(|address| match address {
        Address::Abstract(name) => Some(format!("@{name}")),
        Address::Unix(path) => path.to_str().map(ToOwned::to_owned),
        _ => None,
    });
    let tcp = addresses.iter().find_map(|address| match address {
        Address::Tcp(address) => Some(dialled(*address).to_string()),
        _ => None,
    });
    let dial = match (unix, tcp) {
        (Some(address), _) => Dial { tcp: None, unix: Some(Unix { address }) },
        (None, Some(address)) => Dial { tcp: Some(Tcp { address, network: "tcp" }), unix: None },
        (None, None) => {
            // Nothing else is left.
            let named: Vec<_> = addresses
                .iter()
                .filter_map(|address| match address {
                    Address::Unix(path) => Some(format!("{path:?}")),
                    _ => None,
                })
                .collect();
            return Err(format!(
                "a thinclient.toml can't name {}, as its path is not UTF-8; choose another --unix, or a --listen as well",
                named.join(" or ")
            ));
        }
    };
    toml::to_string(&File { dial }).map_err(|error| error.to_string())
}

/// Where a client on this machine finds who listens everywhere.
const fn dialled(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> Address {
        Address::Tcp(text.parse().expect("an address"))
    }

    /// Reads the text again, and takes what is in the only table of `[Dial]`.
    fn read(text: &str) -> (String, toml::Table) {
        let table: toml::Table = text.parse().expect(text);
        let dial = table.get("Dial").and_then(toml::Value::as_table).expect(text);
        assert_eq!((table.len(), dial.len()), (1, 1), "{text}");
        let (transport, value) = dial.iter().next().expect(text);
        (transport.clone(), value.as_table().expect(text).clone())
    }

    #[test]
    fn it_looks_as_the_protocol_has_it() {
        assert_eq!(
            toml(&[tcp("127.0.0.1:64331")]).expect("named"),
            "[Dial.Tcp]\nAddress = \"127.0.0.1:64331\"\nNetwork = \"tcp\"\n"
        );
        assert_eq!(
            toml(&[Address::Unix("/tmp/s".into())]).expect("named"),
            "[Dial.Unix]\nAddress = \"/tmp/s\"\n"
        );
    }

    #[test]
    fn every_path_is_written_so_that_it_is_read_again() {
        for path in [
            "/tmp/with space",
            "/tmp/\"quoted\"",
            "/tmp/'single'",
            "/tmp/back\\slash",
            "/tmp/new\nline",
            "/tmp/tab\t",
            "/tmp/\r\u{7f}\u{1}",
            "/tmp/größe-日本-🦀",
            "/tmp/'''\"\"\"\n\\",
            "/tmp/#comment = [x]",
        ] {
            let (transport, dial) = read(&toml(&[Address::Unix(path.into())]).expect("named"));
            assert_eq!(transport, "Unix");
            assert_eq!(dial.into_iter().collect::<Vec<_>>(), [("Address".to_owned(), path.into())]);
        }
        let (_, dial) = read(&toml(&[Address::Abstract("a\"b".to_owned())]).expect("named"));
        assert_eq!(dial.get("Address").and_then(toml::Value::as_str), Some("@a\"b"));
    }

    #[test]
    fn the_address_is_one_that_a_client_can_dial() {
        for (listens, dialled) in [
            ("0.0.0.0:5", "127.0.0.1:5"),
            ("[::]:5", "[::1]:5"),
            ("[::1]:5", "[::1]:5"),
            ("10.0.0.1:5", "10.0.0.1:5"),
        ] {
            let (_, dial) = read(&toml(&[tcp(listens)]).expect("named"));
            assert_eq!(dial.get("Address").and_then(toml::Value::as_str), Some(dialled));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_passed_over_or_told() {
        use std::os::unix::ffi::OsStrExt;

        let path = Address::Unix(std::ffi::OsStr::from_bytes(b"/tmp/\xff").into());
        let error = toml(std::slice::from_ref(&path)).expect_err("no text");
        assert!(error.contains("\"/tmp/\\xFF\"") && error.contains("not UTF-8"), "{error}");
        let (_, dial) = read(&toml(&[path.clone(), tcp("127.0.0.1:5")]).expect("named"));
        assert_eq!(dial.get("Address").and_then(toml::Value::as_str), Some("127.0.0.1:5"));
        let (transport, _) = read(&toml(&[path, Address::Unix("/tmp/s".into())]).expect("named"));
        assert_eq!(transport, "Unix");
    }
}
