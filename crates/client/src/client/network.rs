//! What the network's document tells, and what is addressed by it: services, couriers, messages.

use std::sync::Arc;

use kpthin_core::{
    error::{CallError, InvalidRequest},
    pki::{Document, Service, ServiceAddress},
    wire::{
        AnyReply, MessageReply, MessageSent, SecretBytes, SendMessage, StartResendingCopyCommand, Surb,
        WriteCap,
    },
};

use super::{Client, ready::ready};
use crate::{call::Call, flow::FlowKind, shared::OnDrop};

/// Answered from what the client holds, without asking the daemon.
impl Client {
    /// The network document that came last, `None` until one did.
    ///
    /// Its signatures are not part of it; to trust it, fetch the signed form with
    /// [`get_pki_document_raw`](Self::get_pki_document_raw) and verify that, as `kpthin::pki` does.
    #[doc(alias = "PKIDocument")]
    #[must_use]
    pub fn pki_document(&self) -> Option<Arc<Document>> {
        self.shared().lock().machines.main.document().cloned()
    }

    /// The network document of an epoch, if it is among the latest five.
    #[doc(alias = "PKIDocumentForEpoch")]
    #[must_use]
    pub fn pki_document_for_epoch(&self, epoch: u64) -> Option<Arc<Document>> {
        self.shared().lock().machines.main.document_for_epoch(epoch).cloned()
    }

    /// A service of a kind, for example `echo`; one of them at random, where several nodes offer it.
    ///
    /// `None` if nobody offers it, or if there are no random numbers to choose by.
    #[doc(alias = "GetService")]
    #[doc(alias = "get_service")]
    #[must_use]
    pub fn service(&self, capability: &str) -> Option<Service> {
        self.draw(self.services(capability)).ok()?
    }

    /// The same by a document of the caller's, for example one that was verified.
    #[must_use]
    pub fn service_in(&self, document: &Document, capability: &str) -> Option<Service> {
        self.draw(document.services(capability).collect()).ok()?
    }

    /// All services of a kind.
    #[doc(alias = "GetServices")]
    #[doc(alias = "get_services")]
    #[must_use]
    pub fn services(&self, capability: &str) -> Vec<Service> {
        self.pki_document().map_or_else(Vec::new, |document| document.services(capability).collect())
    }

    /// All couriers, which forward to the storage replicas.
    #[doc(alias = "GetAllCouriers")]
    #[doc(alias = "get_all_couriers")]
    #[must_use]
    pub fn couriers(&self) -> Vec<Service> {
        self.pki_document().map_or_else(Vec::new, |document| document.couriers().collect())
    }

    /// So many couriers at random, no two of them the same; `None` if there are not that many, or no
    /// random numbers to choose by.
    #[doc(alias = "GetDistinctCouriers")]
    #[doc(alias = "get_distinct_couriers")]
    #[must_use]
    pub fn distinct_couriers(&self, count: usize) -> Option<Vec<Service>> {
        self.distinct(self.couriers(), count)
    }

    /// The same by a document of the caller's, for example one that was verified.
    #[must_use]
    pub fn distinct_couriers_in(&self, document: &Document, count: usize) -> Option<Vec<Service>> {
        self.distinct(document.couriers().collect(), count)
    }

    /// Draws so many, no two of them the same.
    fn distinct(&self, mut couriers: Vec<Service>, count: usize) -> Option<Vec<Service>> {
        couriers.sort_by(|a, b| (&a.identity_hash, &a.queue).cmp(&(&b.identity_hash, &b.queue)));
        couriers.dedup_by(|a, b| (a.identity_hash, &a.queue) == (b.identity_hash, &b.queue));
        if couriers.len() < count {
            return None;
        }
        (0..count).map(|_| Some(couriers.swap_remove(self.below(couriers.len()).ok()??))).collect()
    }

    /// Draws one of several, `None` if there are none.
    fn draw<T>(&self, mut from: Vec<T>) -> Result<Option<T>, CallError> {
        Ok(self.below(from.len())?.map(|at| from.swap_remove(at)))
    }

    /// A random number below `bound`, `None` if there is none.
    fn below(&self, bound: usize) -> Result<Option<usize>, CallError> {
        let Some(bound) = u64::try_from(bound).ok().filter(|bound| *bound > 0) else { return Ok(None) };
        let drawn = u64::from_le_bytes(*self.shared().draw()?);
        // The remainder prefers small numbers by less than one in 2^50, for fewer than 2^14 nodes.
        Ok(usize::try_from(drawn % bound).ok())
    }
}

/// Messages to services, and copy commands.
impl Client {
    /// Has a courier execute the stream of writes behind a capability (§4.9).
    ///
    /// The courier is part of the command: at another one it would be executed a second time. Draw
    /// it once ([`distinct_couriers`](Self::distinct_couriers)) and keep it with the command.
    ///
    /// # Errors
    ///
    /// - [`CallError::Copy`]: an envelope could not be executed; those before it stay executed.
    /// - [`CallError::CourierGone`]: the courier left the network.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call ends the daemon's asking; the courier may still finish.
    #[doc(alias = "StartResendingCopyCommand")]
    pub fn start_resending_copy_command(&self, write_cap: &WriteCap, courier: &ServiceAddress) -> Call<()> {
        let request =
            StartResendingCopyCommand { write_cap: write_cap.clone(), courier: Some(courier.clone()) };
        self.call(request, drop)
    }

    /// Sends one message to a service and waits for its reply (§4.4).
    ///
    /// It is sent once: there is no retransmission, and a lost reply ends in a timeout. The reply
    /// is padded with zeros; the service's own framing tells its end.
    ///
    /// # Errors
    ///
    /// - [`CallError::TooLarge`]: names the most a message can hold.
    /// - [`CallError::SendFailed`]: the daemon could not send it, and says why.
    /// - [`CallError::TimedOut`]: no reply came in time; the service may have acted.
    #[doc(alias = "SendMessage")]
    pub fn send_message(
        &self,
        destination: &ServiceAddress,
        payload: impl Into<SecretBytes>,
    ) -> Call<MessageReply> {
        self.call(message(destination, payload.into(), Surb::Unnamed), |reply| reply)
    }

    /// Sends one message to a service; the call ends when the message has left (§4.4).
    ///
    /// # Errors
    ///
    /// As [`send_message`](Self::send_message).
    #[doc(alias = "SendMessageWithoutReply")]
    pub fn send_message_without_reply(
        &self,
        destination: &ServiceAddress,
        payload: impl Into<SecretBytes>,
    ) -> Call<MessageSent> {
        let request = message(destination, payload.into(), Surb::None).into();
        let take = |reply| match reply {
            AnyReply::MessageSent(sent) => Some(sent),
            _ => None,
        };
        self.begin(request, OnDrop::Cancel, Box::new(take))
    }

    /// Sends one message to a service of a kind, once the network can be reached, and returns the
    /// reply's payload.
    ///
    /// Where several nodes offer the service, one is chosen at random. The message is sent once.
    ///
    /// # Errors
    ///
    /// - [`InvalidRequest::UnknownService`]: nobody offers it.
    /// - [`InvalidRequest::Missing`]: there are no random numbers to choose by.
    /// - the others as [`send_message`](Self::send_message).
    #[doc(alias = "BlockingSendMessage")]
    #[doc(alias = "blocking_send_message")]
    pub fn send_and_await_reply(
        &self,
        capability: impl Into<String>,
        payload: impl Into<SecretBytes>,
    ) -> Call<SecretBytes> {
        let (capability, payload) = (capability.into(), payload.into());
        self.flow(FlowKind::Finite, |client| async move {
            drop(ready(&client).await);
            let Some(service) = client.draw(client.services(&capability))? else {
                return Err(InvalidRequest::UnknownService { capability }.into());
            };
            let reply: Result<MessageReply, CallError> =
                client.send_message(&service.destination(), payload).await;
            reply.map(|reply| reply.payload)
        })
    }
}

fn message(destination: &ServiceAddress, payload: SecretBytes, surb: Surb) -> SendMessage {
    SendMessage {
        id: None,
        surb,
        destination_id_hash: destination.node,
        recipient_queue_id: destination.queue.clone(),
        payload,
    }
}
