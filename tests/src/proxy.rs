//! A proxy on loopback whose connections a test can cut.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

type Connections = Arc<Mutex<Vec<TcpStream>>>;

/// Passes on what clients and a daemon send each other, until it is told to cut them off.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    connections: Connections,
}

impl Proxy {
    /// Listens on a free port, and connects to `daemon` for everyone who comes.
    #[must_use]
    pub fn new(daemon: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let connections = Connections::default();
        let kept = connections.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(daemon) = TcpStream::connect(daemon) else { continue };
                join(&client, &daemon);
                join(&daemon, &client);
                kept.lock().expect("no panic").extend([client, daemon]);
            }
        });
        Self { address, connections }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, in the middle of whatever is on its way.
    pub fn cut(&self) {
        for socket in self.connections.lock().expect("no panic").drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Copies in one direction until it ends, and passes that on too.
fn join(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
    thread::spawn(move || {
        let mut buffer = [0; 64 << 10];
        loop {
            match from.read(&mut buffer) {
                Ok(len @ 1..) if to.write_all(&buffer[..len]).is_ok() => {}
                _ => break,
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
