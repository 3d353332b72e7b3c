//! What happens by itself, later.

use std::sync::Arc;
use std::time::Duration;

use kpthin_core::Instant;
use kpthin_core::wire::{AppId, MessageReply};

use super::operation::OpId;
use super::packet::CourierReply;
use super::{ConnId, Devnet};
use crate::network::CommandHash;
use crate::pigeonhole::messages::CourierEnvelope;
use crate::pigeonhole::replica::Push;

/// Something that is due at some time.
#[derive(Debug)]
pub(super) enum Event {
    /// An operation's packet is at its courier.
    AtCourier(OpId),
    /// A courier's envelope is at a replica.
    AtReplica { courier: usize, slot: usize, envelope: Arc<CourierEnvelope> },
    /// A courier takes the next step of a copy command.
    Copy { courier: usize, hash: CommandHash },
    /// The first document since the start is there.
    DocumentReady,
    /// A service's reply is at the daemon.
    EchoReply(AppId, Box<MessageReply>),
    /// An epoch ends.
    Epoch,
    /// A fault takes the mix network away or brings it back.
    Flap,
    /// A session was away for too long.
    Grace(AppId),
    /// A connection has waited long enough for a document.
    Greet(ConnId),
    /// A connection that presented no token is told what it missed.
    Late(ConnId),
    /// A slow local call is done.
    LocalDone(ConnId),
    /// The daemon has connected to the mix network again.
    MixnetBack,
    /// What a replica answered is opened.
    Opened(OpId, Vec<u8>),
    /// A connection has rested as long as a fault makes it.
    ReadOn(ConnId),
    /// An operation's pause is over.
    Resend(OpId),
    /// A courier's reply is at the daemon.
    Reply(OpId, Box<CourierReply>),
    /// A stored box is at the other replica that keeps it.
    Replicate(Push),
    /// A fault, or the time it was to be away, starts the daemon anew.
    Restart,
    /// A fault stops the daemon.
    ShutDown,
    /// The daemon may send a packet.
    Slot,
    /// A client has left its bytes unread for too long.
    WriteDeadline(ConnId),
}

/// The pause before a replica that is down is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Event {
    /// Whether it happens in the network, whatever becomes of the daemon.
    pub(super) const fn outlives_daemon(&self) -> bool {
        match self {
            Self::AtReplica { .. }
            | Self::Copy { .. }
            | Self::Epoch
            | Self::Flap
            | Self::MixnetBack
            | Self::Replicate(_)
            | Self::Restart
            | Self::ShutDown => true,
            Self::AtCourier(_)
            | Self::DocumentReady
            | Self::EchoReply(..)
            | Self::Grace(_)
            | Self::Greet(_)
            | Self::Late(_)
            | Self::LocalDone(_)
            | Self::Opened(..)
            | Self::ReadOn(_)
            | Self::Reply(..)
            | Self::Resend(_)
            | Self::Slot
            | Self::WriteDeadline(_) => false,
        }
    }
}

impl Devnet {
    pub(super) fn handle_event(&mut self, event: Event) {
        match event {
            Event::AtCourier(op) => self.reach_courier(op),
            Event::AtReplica { courier, slot, envelope } => self.reach_replica(courier, slot, &envelope),
            Event::Copy { courier, hash } => self.copy_step(courier, hash),
            Event::DocumentReady => self.publish_first_document(),
            Event::EchoReply(..) | Event::Reply(..) if !self.mixnet => self.held.push_back(event),
            Event::EchoReply(app, reply) => self.deliver_message(app, *reply),
            Event::Epoch => {
                if self.network.handle_timeout(self.now) {
                    self.begin_epoch();
                } else {
                    self.await_epoch_end();
                }
            }
            Event::Flap => self.flap(),
            Event::Grace(app) => self.forget_session(app),
            Event::Greet(conn) => self.greet(conn),
            Event::Late(conn) => self.open_gate(conn),
            Event::LocalDone(conn) => self.finish_local(conn),
            Event::Resend(op) => self.queue_resend(op),
            Event::Reply(op, reply) => self.handle_reply(op, *reply),
            Event::Replicate(push) if !self.network.replicas.can_push(&push) => {
                let _ = self.strikes_if(true);
                let later = self.config.timing.replica_time.max(RETRY);
                let _ = self.schedule.add(self.now + later, Event::Replicate(push));
            }
            Event::Replicate(push) => {
                let epoch = self.network.replica_epoch();
                let _ = self.network.replicas.handle_push(push, epoch);
            }
            Event::MixnetBack => self.set_mixnet_at_once(true),
            Event::Opened(op, payload) => self.finish_opening(op, &payload),
            Event::ReadOn(conn) => self.read_on(conn),
            Event::Restart => self.restart_by_itself(),
            Event::ShutDown => self.shut_down_by_itself(),
            Event::Slot => self.use_slot(),
            Event::WriteDeadline(conn) => self.drop_stuck(conn),
        }
    }

    pub(super) fn await_epoch_end(&mut self) {
        let ends_at: Instant = self.network.epoch_ends_at();
        let _ = self.schedule.add(ends_at, Event::Epoch);
    }

    pub(super) fn begin_epoch(&mut self) {
        self.await_epoch_end();
        self.broadcast_document();
    }
}
