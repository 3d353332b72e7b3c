//! What the daemon answers alone, in the order it was asked (§4.5, §4.6, §4.11-4.16, §4.18).
//!
//! A request is checked first, and costs nothing if it is refused; what is left is a job, which takes its time and is
//! then carried out.

mod documents;
mod packing;
mod sealing;
mod vouchers;

use std::time::Duration;

use kpthin_bacap::WriteCap;
use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    self, AnyReply, AnyRequest, CounterReply, IndexReply, KeypairReply, MessageBoxIndex, NewKeypair, ReadCap,
    ReplyFailure, RequestKind,
};

use super::capability;
use super::refusal::failure;
use crate::config::Timing;
use crate::entropy::SeededEntropy;
use crate::env::Env;
use crate::network::Network;
use crate::pigeonhole::geometry::Geometry;
use packing::Packing;
use sealing::Seal;
use vouchers::Exchange;

/// A local call that was checked.
#[derive(Clone, Debug)]
pub(super) struct Job {
    kind: RequestKind,
    work: Work,
}

#[derive(Clone, Debug)]
enum Work {
    /// Answered from what the daemon knows.
    Ask(Box<AnyRequest>),
    Exchange(Box<Exchange>),
    Pack(Packing),
    Refuse(DaemonError),
    Seal(Box<Seal>),
    /// It waits for a document in vain.
    Wait,
}

/// What the daemon computes by itself.
#[derive(Clone, Debug)]
pub(super) struct Local {
    geometry: Geometry,
    entropy: SeededEntropy,
    sealed_reads: u64,
    sealed_writes: u64,
}

impl Job {
    /// What it costs: a seal for each box, key agreement for each voucher, nothing else worth counting.
    pub(super) fn cost(&self, env: &Env<'_>) -> Duration {
        let Timing { encrypt_time, group_action, .. } = *env.timing();
        match &self.work {
            Work::Ask(_) | Work::Refuse(_) => Duration::ZERO,
            Work::Exchange(exchange) => exchange.cost(group_action),
            Work::Pack(packing) => encrypt_time.saturating_mul(packing.boxes()),
            Work::Seal(_) => encrypt_time,
            Work::Wait => env.quirks().document_wait.unwrap_or_default(),
        }
    }

    /// The kind of the request.
    pub(super) const fn kind(&self) -> RequestKind {
        self.kind
    }
}

impl Local {
    pub(super) fn new(geometry: Geometry, seed: [u8; 32]) -> Self {
        Self { geometry, entropy: SeededEntropy::new(seed), sealed_reads: 0, sealed_writes: 0 }
    }

    /// How many reads and writes were asked to be encrypted.
    pub(super) const fn sealed(&self) -> (u64, u64) {
        (self.sealed_reads, self.sealed_writes)
    }

    /// Checks a request; what is wrong with it is found out now and told when the job is carried out.
    ///
    /// `ready` says whether the daemon has a document.
    pub(super) fn prepare(&mut self, env: &Env<'_>, ready: bool, request: AnyRequest) -> Job {
        let kind = request.kind();
        self.count(kind);
        let work = self.check(env, request).unwrap_or_else(Work::Refuse);
        let work = match work {
            Work::Pack(_) | Work::Seal(_) if !ready => Work::Wait,
            work => work,
        };
        Job { kind, work }
    }

    /// What is left to do of a request that lacks something.
    pub(super) fn refuse(&mut self, kind: RequestKind) -> Job {
        self.count(kind);
        Job { kind, work: Work::Refuse(DaemonError::InvalidRequest) }
    }

    fn count(&mut self, kind: RequestKind) {
        match kind {
            RequestKind::EncryptRead => self.sealed_reads += 1,
            RequestKind::EncryptWrite => self.sealed_writes += 1,
            _ => {}
        }
    }

    fn check(&self, env: &Env<'_>, request: AnyRequest) -> Result<Work, DaemonError> {
        let (geometry, quirks) = (self.geometry, env.quirks());
        Ok(match request {
            AnyRequest::EncryptRead(request) => Work::Seal(Box::new(Seal::read(quirks, &request)?)),
            AnyRequest::EncryptWrite(request) => {
                Work::Seal(Box::new(Seal::write(geometry, quirks, &request)?))
            }
            AnyRequest::CreateCourierEnvelopesFromMultiPayload(request) => {
                Work::Pack(Packing::multi(geometry, quirks, request)?)
            }
            AnyRequest::CreateCourierEnvelopesFromPayload(request) => {
                Work::Pack(Packing::single(geometry, quirks, request)?)
            }
            AnyRequest::CreateCourierEnvelopesFromTombstoneRange(request) => {
                Work::Pack(Packing::tombstones(quirks, request)?)
            }
            AnyRequest::VoucherInduct(request) => Work::Exchange(Box::new(Exchange::induct(request))),
            AnyRequest::VoucherMint(request) => Work::Exchange(Box::new(Exchange::mint(request)?)),
            AnyRequest::VoucherOpen(request) => Work::Exchange(Box::new(Exchange::open(request)?)),
            request => Work::Ask(Box::new(request)),
        })
    }

    /// Carries a job out.
    pub(super) fn carry_out(
        &mut self,
        env: &mut Env<'_>,
        network: &Network,
        ready: bool,
        job: Job,
    ) -> Result<AnyReply, ReplyFailure> {
        let Job { kind, work } = job;
        let unavailable = unavailable(env);
        let result = match work {
            Work::Ask(request) => return self.ask(env, network, ready, &request),
            Work::Exchange(exchange) => self.exchange(*exchange),
            Work::Pack(_) | Work::Seal(_) if !ready => Err(unavailable),
            Work::Pack(packing) => self.pack(network, kind, packing, unavailable),
            Work::Refuse(error) => Err(error),
            Work::Seal(seal) => self.seal(network, kind, *seal, unavailable),
            Work::Wait => {
                env.injector.count(env.injector.faults().missing_document);
                Err(unavailable)
            }
        };
        result.map_err(|error| failure(kind, error))
    }

    /// Answers what needs no time.
    fn ask(
        &self,
        env: &mut Env<'_>,
        network: &Network,
        ready: bool,
        request: &AnyRequest,
    ) -> Result<AnyReply, ReplyFailure> {
        let result = match request {
            AnyRequest::GetDirectoryAuthorities(_) => Ok(documents::authorities(network)),
            AnyRequest::GetMessageBoxIndexCounter(request) => {
                let counter = request.message_box_index.counter();
                Ok(AnyReply::GetMessageBoxIndexCounter(CounterReply { counter }))
            }
            AnyRequest::GetPkiDocument(request) => {
                return documents::signed_document(env, network, ready, request.epoch);
            }
            AnyRequest::NewKeypair(request) => Ok(AnyReply::NewKeypair(new_keypair(request))),
            AnyRequest::NextMessageBoxIndex(request) => {
                next_index(&request.message_box_index).map(AnyReply::NextMessageBoxIndex)
            }
            AnyRequest::VoucherDeriveStream(request) => {
                Ok(AnyReply::VoucherDeriveStream(vouchers::derive_stream(request)))
            }
            // None of the others is asked like that.
            _ => Err(DaemonError::InternalError),
        };
        result.map_err(|error| failure(request.kind(), error))
    }
}

/// What the daemon says where it lacks a document, or replicas' keys (M3).
pub(super) const fn unavailable(env: &Env<'_>) -> DaemonError {
    if env.quirks().unavailable_code { DaemonError::ServiceUnavailable } else { DaemonError::InternalError }
}

fn new_keypair(request: &NewKeypair) -> KeypairReply {
    let cap = WriteCap::from_seed(request.seed.as_bytes());
    KeypairReply {
        write_cap: wire::WriteCap::from(cap.to_bytes()),
        read_cap: ReadCap::from(cap.read_cap().to_bytes()),
        first_message_index: MessageBoxIndex::from(cap.index().to_bytes()),
    }
}

fn next_index(from: &MessageBoxIndex) -> Result<IndexReply, DaemonError> {
    let next = capability::index(from)?.next().map_err(|_| DaemonError::InternalError)?;
    Ok(IndexReply { next_message_box_index: MessageBoxIndex::from(next.to_bytes()) })
}
