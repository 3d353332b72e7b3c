//! What there is in the network, for a search that recognises states.

use kpthin_core::testing::Fingerprint;

use super::packets::{CourierReply, Due, OpId};
use super::{Arrival, Network};

impl Network {
    pub(crate) fn tell(&self, to: &mut Fingerprint) {
        to.number(u8::from(self.is_connected()));
        to.time(self.epochs.ends_at());
        to.list(&self.uplink.held, |to, arrival| arrival.tell(to));
        to.list(&self.arrivals, |to, arrival| arrival.tell(to));
        to.list(self.schedule.iter(), |to, (at, due)| {
            to.time(at);
            due.tell(to);
        });
        let couriers = self.couriers.iter().zip(&self.copying).enumerate();
        to.unordered(couriers, |to, (number, (courier, copying))| {
            to.name(&self::courier(number));
            courier.tell(to);
            copying.tell(to);
        });
        to.unordered(self.replicas.identity_keys().keys(), |to, number| {
            to.name(&replica(*number));
            let records = self.replicas.store(*number).into_iter().flat_map(|store| store.records());
            to.unordered(records, |to, (epoch, sealed)| {
                to.number(self.replica_epoch().saturating_sub(epoch));
                to.name(&sealed.box_id.0);
                to.name(&sealed.ciphertext);
            });
        });
    }
}

/// The name of a courier: which one it is makes no difference.
pub(crate) fn courier(number: usize) -> Vec<u8> {
    format!("courier {number}").into_bytes()
}

fn replica(number: u8) -> Vec<u8> {
    format!("replica {number}").into_bytes()
}

impl OpId {
    /// Tells which operation it is.
    pub(crate) fn tell(self, to: &mut Fingerprint) {
        to.name(&[&b"operation"[..], &self.0.to_be_bytes()].concat());
    }
}

impl Arrival {
    fn tell(&self, to: &mut Fingerprint) {
        match self {
            Self::Epoch => to.tag("epoch"),
            Self::Message { app, reply, forgotten_at } => {
                to.name(app.as_bytes());
                to.option(reply.surbid, |to, surb| to.name(surb.as_bytes()));
                to.option(*forgotten_at, Fingerprint::time);
            }
            Self::Reply(op, reply) => {
                op.tell(to);
                match &**reply {
                    CourierReply::Copy(reply) => to.tag(&format!("{reply:?}")),
                    CourierReply::Envelope(reply) => {
                        to.tag(&format!("{:?} {}", reply.reply_type, reply.error));
                        to.name(&reply.payload);
                    }
                }
            }
            Self::Status => to.tag("status"),
        }
    }
}

impl Due {
    fn tell(&self, to: &mut Fingerprint) {
        match self {
            Self::AtCourier(packet) => {
                packet.op.tell(to);
                to.name(&courier(packet.courier));
                to.name(&packet.query);
            }
            Self::AtReplica { courier, slot, envelope } => {
                to.name(&self::courier(*courier));
                to.number(*slot);
                to.name(&envelope.hash().0);
            }
            Self::Back(arrival) => arrival.tell(to),
            Self::Connected => to.tag("connected"),
            Self::Copy { courier, hash } => {
                to.name(&self::courier(*courier));
                to.name(hash);
            }
            Self::EpochEnd => to.tag("epoch end"),
            Self::Replicate(push) => {
                to.name(&replica(push.replica));
                to.name(&push.sealed.box_id.0);
                to.name(&push.sealed.ciphertext);
            }
        }
    }
}
