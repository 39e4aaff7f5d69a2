//! Where people connect: the sockets that listen, and what happens when no more can be taken.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, Type};

use crate::limits::LISTEN_BACKLOG;

/// Ports tried until one is free on both loopback addresses, when any port will do.
const PORT_TRIES: usize = 16;

/// The sockets that listen, all on one port.
#[derive(Debug)]
pub(super) struct Listeners {
    sockets: Vec<TcpListener>,
    /// What the user asked for, with the real port.
    shown: String,
    /// Closed for a moment when there are no descriptors left, so that a peer can be told.
    spare: Option<Spare>,
}

/// What came of an attempt to accept.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A connection.
    Peer(TcpStream, SocketAddr),
    /// Nobody is waiting.
    Nobody,
    /// The system has no descriptor or memory left.
    Exhausted(io::Error),
}

impl Listeners {
    /// Listens on `HOST:PORT`. `localhost` is both loopback addresses, whatever the resolver says.
    pub(super) fn bind(listen: &str) -> io::Result<Self> {
        let (host, port) = split(listen).ok_or(ErrorKind::InvalidInput)?;
        let sockets = if host.eq_ignore_ascii_case("localhost") {
            bind_loopback(port)?
        } else {
            let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
            addresses.dedup();
            let first = addresses.first().ok_or(ErrorKind::AddrNotAvailable)?;
            vec![listen_on(*first)?]
        };
        let port = sockets[0].local_addr()?.port();
        let shown =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Ok(Self { sockets, shown, spare: Spare::new() })
    }

    /// The sockets, to register.
    pub(super) fn sockets_mut(&mut self) -> &mut [TcpListener] {
        &mut self.sockets
    }

    /// What they listen on.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// The address that people are told.
    pub(super) fn shown(&self) -> impl Display {
        &self.shown
    }

    /// Takes one connection from one of the sockets.
    pub(super) fn accept(&self, listener: usize) -> Accepted {
        let Some(socket) = self.sockets.get(listener) else {
            return Accepted::Nobody;
        };
        loop {
            return match socket.accept() {
                Ok((stream, peer)) => Accepted::Peer(stream, peer),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => Accepted::Nobody,
                    // It gave up while it waited; the next may be fine.
                    ErrorKind::Interrupted
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::ConnectionReset => continue,
                    _ => Accepted::Exhausted(error),
                },
            };
        }
    }

    /// Takes one connection with the spare descriptor, so that it can be told why it is refused. That
    /// nobody is waiting, the system says only where it has a descriptor. `None` without a spare one.
    pub(super) fn accept_with_spare(&mut self, listener: usize) -> Option<Accepted> {
        self.spare.take()?;
        Some(self.accept(listener))
    }

    /// Takes the spare descriptor again, once the refused connection is closed.
    pub(super) fn renew_spare(&mut self) {
        self.spare = self.spare.take().or_else(Spare::new);
    }
}

/// Splits `HOST:PORT`; an IPv6 host stands in brackets.
pub(super) fn split(listen: &str) -> Option<(&str, u16)> {
    let (host, port) = listen.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}

/// Listens on 127.0.0.1 and, where there is IPv6, on `::1`, on the same port.
fn bind_loopback(port: u16) -> io::Result<Vec<TcpListener>> {
    for _ in 0..PORT_TRIES {
        let v4 = listen_on(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))?;
        let same = v4.local_addr()?.port();
        match listen_on(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), same)) {
            Ok(v6) => return Ok(vec![v4, v6]),
            // Free on one loopback only: another port may be free on both.
            Err(error) if error.kind() == ErrorKind::AddrInUse && port == 0 => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            // A machine without IPv6.
            Err(_) => return Ok(vec![v4]),
        }
    }
    Err(ErrorKind::AddrInUse.into())
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On Unix this lets a restarted server have its port back at once; on Windows it would let
    // another program take the port away.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if let SocketAddr::V6(v6) = address {
        socket.set_only_v6(!v6.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// A descriptor held for the moment when there is no other.
#[derive(Debug)]
struct Spare {
    #[cfg(unix)]
    _held: std::fs::File,
}

impl Spare {
    fn new() -> Option<Self> {
        #[cfg(unix)]
        return std::fs::File::open("/dev/null").ok().map(|held| Self { _held: held });
        #[cfg(not(unix))]
        return Some(Self {});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(split("localhost:12345"), Some(("localhost", 12345)));
        assert_eq!(split("[::1]:0"), Some(("::1", 0)));
        for wrong in ["localhost", ":1", "a:b", "a:70000", ""] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn localhost_has_one_port_on_both_loopbacks() {
        let listeners = Listeners::bind("localhost:0").unwrap();
        let port = listeners.sockets[0].local_addr().unwrap().port();
        assert_ne!(port, 0);
        assert_eq!(listeners.shown().to_string(), format!("localhost:{port}"));
        assert!(listeners.sockets.iter().all(|s| s.local_addr().unwrap().port() == port));
        let taken = Listeners::bind(&format!("localhost:{port}")).map(|_| ()).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
    }
}
