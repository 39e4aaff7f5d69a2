//! Where the page is, as people type it: on this machine, and on the others if they can reach it.

use std::net::{IpAddr, SocketAddr};

/// Addresses of the page, one for each address that the server listens on; of all the machine's own
/// when it listens on every one. `own` are those.
pub(super) fn pages(scheme: &str, listening: &[SocketAddr], own: &[IpAddr]) -> Vec<String> {
    let Some(port) = listening.first().map(SocketAddr::port) else { return Vec::new() };
    let mut pages = Vec::new();
    let mut add = |host: String| {
        let page = format!("{scheme}://{host}:{port}/");
        if !pages.contains(&page) {
            pages.push(page);
        }
    };
    for address in listening.iter().map(SocketAddr::ip) {
        if address.is_loopback() || address.is_unspecified() {
            add("localhost".to_owned());
        } else {
            add(host(address));
        }
        let reached = |own: &&IpAddr| address.is_ipv6() || own.is_ipv4();
        for own in own.iter().filter(|_| address.is_unspecified()).filter(reached) {
            add(host(*own));
        }
    }
    pages
}

/// The addresses of this machine that another one can use: what holds on one wire alone would need
/// the name of that wire.
pub(super) fn own() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let addresses = interfaces.iter().map(if_addrs::Interface::ip);
    addresses
        .filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
        })
        .collect()
}

fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_where_the_server_listens() {
        let own: [IpAddr; 2] = ["192.168.0.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
        for (listening, expected) in [
            (&["127.0.0.1:12345", "[::1]:12345"][..], &["http://localhost:12345/"][..]),
            (&["0.0.0.0:80"], &["http://localhost:80/", "http://192.168.0.7:80/"]),
            (
                &["[::]:1"],
                &["http://localhost:1/", "http://192.168.0.7:1/", "http://[2001:db8::7]:1/"],
            ),
            (&["192.168.0.7:1"], &["http://192.168.0.7:1/"]),
        ] {
            let listening: Vec<SocketAddr> =
                listening.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(pages("http", &listening, &own), expected);
        }
    }
}
