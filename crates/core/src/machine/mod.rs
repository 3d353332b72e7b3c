//! skeleton
mod config;
mod output;
pub use config::{Config, limits};
pub use output::*;
use crate::{Instant, wire::{AnyRequest, Geometry}};
use alloc::{sync::Arc, vec::Vec};

/// The protocol's state.
#[derive(Debug)]
pub struct Machine {}

#[allow(missing_docs, unused, clippy::all)]
impl Machine {
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self { Self {} }
    pub fn start(&mut self, now: Instant, request: impl Into<AnyRequest>, deadline: Option<Instant>) -> CallId { CallId(0) }
    pub fn cancel(&mut self, now: Instant, call: CallId) {}
    pub fn set_deadline(&mut self, now: Instant, call: CallId, at: Option<Instant>) {}
    pub fn timer(&mut self, now: Instant, at: Instant) -> TimerId { TimerId(0) }
    pub fn cancel_timer(&mut self, timer: TimerId) {}
    pub fn close(&mut self, now: Instant) {}
    pub fn handle_connected(&mut self, now: Instant, link: LinkId) {}
    pub fn handle_connect_failed(&mut self, now: Instant, link: LinkId, cause: &str) {}
    pub fn handle_input(&mut self, now: Instant, link: LinkId, bytes: &[u8]) {}
    pub fn handle_disconnected(&mut self, now: Instant, link: LinkId, cause: DisconnectCause) {}
    pub fn handle_timeout(&mut self, now: Instant) {}
    pub fn poll_output(&mut self) -> Output { Output::Idle { wake_at: None } }
    pub fn poll_transmit(&mut self, now: Instant, link: LinkId, out: &mut Vec<u8>) {}
    pub fn status(&self) -> Status { unimplemented!() }
    pub fn geometry(&self) -> Option<&Arc<Geometry>> { None }
    pub fn close_for(&mut self, now: Instant, reason: crate::error::CloseReason) {}
}
