//! What the far end of the wire has to be able to do.

use kpthin_core::Instant;

/// Names a connection at the daemon.
pub type Conn = u64;

/// A daemon without I/O, as [`Pair`](crate::Pair) drives it.
///
/// After every call the pair drains it with [`drain`](Self::drain) and
/// [`poll_transmit`](Self::poll_transmit).
pub trait Daemon {
    /// A client has connected; `None` refuses it.
    fn connect(&mut self, now: Instant) -> Option<Conn>;

    /// Bytes from the client.
    fn handle_input(&mut self, now: Instant, conn: Conn, bytes: &[u8]);

    /// The client has closed its writing half.
    fn handle_eof(&mut self, now: Instant, conn: Conn);

    /// The connection is gone, in both directions.
    fn handle_disconnected(&mut self, now: Instant, conn: Conn);

    /// The time that [`drain`](Self::drain) had asked for has come.
    fn handle_timeout(&mut self, now: Instant);

    /// Adds the connections the daemon has closed; says when it wants to be woken.
    fn drain(&mut self, now: Instant, closed: &mut Vec<Conn>) -> Option<Instant>;

    /// Appends what is to be sent to a client.
    fn poll_transmit(&mut self, now: Instant, conn: Conn, out: &mut Vec<u8>);

    /// Whether the daemon reads from this connection now.
    fn wants_input(&self, _: Conn) -> bool {
        true
    }

    /// Whether the daemon has taken note of [`handle_disconnected`](Self::handle_disconnected).
    fn has_noticed(&self, _: Conn) -> bool {
        true
    }
}
