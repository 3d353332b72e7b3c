//! The daemon's way to the mix network (§9.8).

use std::collections::VecDeque;

use super::packets::Due;
use super::{Arrival, Network};
use crate::env::Env;
use crate::schedule::Ticket;

/// Whether the daemon is connected, and what waits until it is.
#[derive(Clone, Debug)]
pub(super) struct Uplink {
    connected: bool,
    /// It will be connected then.
    reconnecting: Option<Ticket>,
    /// A fault took it away.
    flapped_away: bool,
    pub(super) held: VecDeque<Arrival>,
}

impl Uplink {
    pub(super) const fn new(connected: bool) -> Self {
        Self { connected, reconnecting: None, flapped_away: false, held: VecDeque::new() }
    }
}

impl Network {
    pub(crate) const fn is_connected(&self) -> bool {
        self.uplink.connected
    }

    /// Connects the daemon, which takes a while, or cuts it off.
    pub(crate) fn set_connected(&mut self, env: &Env<'_>, connected: bool) {
        self.uplink.flapped_away = false;
        self.connect(env, connected);
    }

    /// Has a fault take the network away or bring it back.
    pub(crate) fn flap(&mut self, env: &Env<'_>) {
        self.uplink.flapped_away = self.uplink.connected;
        self.connect(env, !self.uplink.connected);
    }

    /// Brings back what a fault took away.
    pub(crate) fn end_flapping(&mut self, env: &Env<'_>) {
        if std::mem::take(&mut self.uplink.flapped_away) {
            self.connect(env, true);
        }
    }

    fn connect(&mut self, env: &Env<'_>, connected: bool) {
        let reconnect = env.timing().reconnect;
        if !connected || self.uplink.connected || reconnect.is_zero() {
            return self.connect_at_once(env, connected);
        }
        if self.uplink.reconnecting.is_some() {
            return;
        }
        for _ in 0..env.quirks().status_repeats.unwrap_or(0) {
            self.arrivals.push_back(Arrival::Status);
        }
        self.uplink.reconnecting = Some(self.schedule.add(env.now + reconnect, Due::Connected));
    }

    pub(super) fn connect_at_once(&mut self, env: &Env<'_>, connected: bool) {
        if let Some(ticket) = self.uplink.reconnecting.take() {
            self.schedule.cancel(ticket);
        }
        self.uplink.connected = connected;
        self.arrivals.push_back(Arrival::Status);
        if connected {
            for arrival in std::mem::take(&mut self.uplink.held) {
                self.schedule.add(env.now, Due::Back(arrival));
            }
        }
    }

    /// Hands something over to the daemon, now or when it is connected again.
    pub(super) fn hand_over(&mut self, env: &Env<'_>, arrival: Arrival) {
        if !self.uplink.connected {
            return self.uplink.held.push_back(arrival);
        }
        let known = match &arrival {
            Arrival::Message { app, forgotten_at, .. } => self.message_arrived(env, *app, *forgotten_at),
            Arrival::Epoch | Arrival::Reply(..) | Arrival::Status => true,
        };
        if known {
            self.arrivals.push_back(arrival);
        }
    }
}
