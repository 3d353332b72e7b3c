//! What every connection is told: the greeting, the status, the documents, the end (§3.2, §4.2, §4.3).

use std::time::Duration;

use kpthin_core::wire::{
    AnyResponse, Blob, ConnectionStatus, Geometry as AnnouncedGeometry, NewPkiDocument, PigeonholeGeometry,
    Shutdown, SphinxGeometry,
};

use super::conn::{Gate, Missed, Phase};
use super::event::Event;
use super::{ConnId, Devnet};
use crate::config::Profile;
use crate::pigeonhole::geometry::Geometry;

/// How long a connection waits for the daemon's first document.
const DOCUMENT_WAIT: Duration = Duration::from_secs(30);

/// How long the news wait for a token, in case the client is one that never sends it.
const TOKEN_WAIT: Duration = Duration::from_secs(5);

/// How long after its greeting the reference passes a connection over.
const DEAF: Duration = Duration::from_millis(1);

/// Sizes of packets with X25519 and five hops, which do not depend on the payload (§6.8).
const SURB_LEN: u64 = 572;
const HEADER_LEN: u64 = 476;
const TAG_LEN: u64 = 32;
const PLAINTEXT_HEADER_LEN: u64 = 2;

/// Derives all sizes from the payload of a packet.
pub(super) fn geometries(user_forward_payload_length: usize) -> (Geometry, AnnouncedGeometry) {
    #[expect(
        clippy::expect_used,
        reason = "the configuration was brought into its range, 512 bytes at least"
    )]
    let geometry = Geometry::new(user_forward_payload_length).expect("a payload with room for a box");
    let wide = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let user = wide(user_forward_payload_length);
    let forward = user.saturating_add(SURB_LEN + PLAINTEXT_HEADER_LEN);
    let sphinx = SphinxGeometry {
        packet_length: forward.saturating_add(HEADER_LEN + TAG_LEN),
        nr_hops: 5,
        header_length: HEADER_LEN,
        routing_info_length: 410,
        per_hop_routing_info_length: 82,
        surb_length: SURB_LEN,
        sphinx_plaintext_header_length: PLAINTEXT_HEADER_LEN,
        payload_tag_length: TAG_LEN,
        forward_payload_length: forward,
        user_forward_payload_length: user,
        next_node_hop_length: 65,
        sprp_key_material_length: 64,
        nike_name: "x25519".to_owned(),
        kem_name: String::new(),
    };
    let pigeonhole = PigeonholeGeometry {
        max_plaintext_payload_length: wide(geometry.plaintext_max()),
        courier_query_read_length: wide(geometry.courier_query()),
        courier_query_write_length: wide(geometry.courier_query()),
        courier_query_reply_read_length: wide(geometry.query_reply_reported()),
        courier_query_reply_write_length: wide(geometry.query_reply_reported()),
        nike_name: "CTIDH1024-X25519".to_owned(),
        signature_scheme_name: "Ed25519".to_owned(),
    };
    (geometry, AnnouncedGeometry::new(sphinx, pigeonhole))
}

impl Devnet {
    /// Sends the first two frames, unless they wait for the first document.
    pub(super) fn begin_greeting(&mut self, conn: ConnId) {
        if self.has_document() {
            self.greet(conn);
            return;
        }
        let ticket = self.schedule.add(self.now + DOCUMENT_WAIT, Event::Greet(conn));
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.phase = Phase::Greeting(ticket);
        }
    }

    /// Sends the first two frames and begins to read.
    pub(super) fn greet(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if let Phase::Greeting(ticket) = conn.phase {
            drop(self.schedule.remove(ticket));
        }
        conn.phase = Phase::Serving;
        let closed_for = match self.config.profile {
            Profile::Instant => TOKEN_WAIT,
            Profile::Reference => DEAF,
        };
        let opens = self.schedule.add(self.now + closed_for, Event::Late(id));
        conn.gate = Gate::Held { opens, missed: Missed::default() };
        self.send(id, &self.status());
        self.send(id, &self.document());
        self.pump(id);
    }

    /// Whether the daemon has a document of the network.
    pub(super) const fn has_document(&self) -> bool {
        self.document_ready && !self.faults.missing_document
    }

    pub(super) fn await_document(&mut self) {
        let wait = self.config.timing.first_document;
        self.document_ready = wait.is_zero();
        if !wait.is_zero() {
            let _ = self.schedule.add(self.now + wait, Event::DocumentReady);
        }
    }

    pub(super) fn publish_first_document(&mut self) {
        self.document_ready = true;
        if !self.has_document() {
            return;
        }
        self.broadcast_document();
        let waiting = self.conns.iter().filter(|(_, conn)| matches!(conn.phase, Phase::Greeting(_)));
        for conn in waiting.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.greet(conn);
        }
    }

    pub(super) fn broadcast_status(&mut self) {
        self.broadcast(&self.status(), |missed| missed.status = true);
    }

    pub(super) fn broadcast_document(&mut self) {
        if self.has_document() {
            self.broadcast(&self.document(), |missed| missed.document = true);
        }
    }

    /// Tells every connection that the daemon stops, and closes it behind that.
    pub(super) fn say_goodbye(&mut self) {
        for conn in self.conns.keys().copied().collect::<Vec<_>>() {
            self.send(conn, &AnyResponse::Shutdown(Shutdown {}));
            self.leave(conn);
        }
    }

    /// Reaches the connections that are registered and greeted (§9.9), some of them later; in the reference those that
    /// have just been greeted never hear of it.
    fn broadcast(&mut self, response: &AnyResponse, miss: impl Fn(&mut Missed)) {
        let reference = self.is_reference();
        let greeted = self.conns.iter().filter(|(id, conn)| {
            let registered = self.sessions.get(&conn.app).is_some_and(|session| session.is_on(**id));
            registered && matches!(conn.phase, Phase::Serving)
        });
        for conn in greeted.map(|(id, _)| *id).collect::<Vec<_>>() {
            match self.conns.get_mut(&conn).map(|conn| &mut conn.gate) {
                Some(Gate::Held { .. }) if reference => {}
                Some(Gate::Held { missed, .. }) => miss(missed),
                Some(Gate::Open) => self.send(conn, response),
                None => {}
            }
        }
    }

    /// Tells a connection what it missed, and everything from now on at once.
    pub(super) fn open_gate(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let Gate::Held { opens, missed } = std::mem::replace(&mut conn.gate, Gate::Open) else { return };
        drop(self.schedule.remove(opens));
        if missed.status {
            self.send(id, &self.status());
        }
        if missed.document {
            self.send(id, &self.document());
        }
    }

    fn status(&self) -> AnyResponse {
        AnyResponse::ConnectionStatus(ConnectionStatus {
            is_connected: self.mixnet,
            instance_token: self.instance_token,
            sphinx_geometry: Some(self.announced.sphinx.clone()),
            pigeonhole_geometry: Some(self.announced.pigeonhole.clone()),
        })
    }

    fn document(&self) -> AnyResponse {
        let document = self.network.document(self.network.epoch()).filter(|_| self.has_document());
        AnyResponse::NewPkiDocument(NewPkiDocument {
            payload: document.map(|document| Blob::from(document.plain.clone())),
        })
    }
}
