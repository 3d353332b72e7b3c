//! What the `tracing` subscriber is told: link, call, kind, duration, error; nothing else.

#[cfg(not(feature = "tracing"))]
pub(crate) use self::off::Trace;
#[cfg(feature = "tracing")]
pub(crate) use self::on::Trace;

#[cfg(feature = "tracing")]
mod on {
    use std::time::Duration;

    use kpthin_core::{
        Instant,
        error::CallError,
        machine::{Event, LinkId},
        wire::RequestKind,
    };

    use crate::{
        machines::{CallKey, Role},
        slots::Ended,
    };

    enum Record {
        Call { call: CallKey, kind: RequestKind, duration: Duration, error: Option<CallError> },
        Event(Event),
        Link(Role, LinkId, &'static str),
    }

    /// What is to be told once the lock is released, in order.
    #[derive(Default)]
    pub(crate) struct Trace(Vec<Record>);

    impl Trace {
        pub(crate) fn call(&mut self, now: Instant, call: CallKey, ended: &Ended, error: Option<CallError>) {
            let duration = now.saturating_since(ended.started);
            self.0.push(Record::Call { call, kind: ended.kind, duration, error });
        }

        pub(crate) fn event(&mut self, event: &Event) {
            self.0.push(Record::Event(event.clone()));
        }

        pub(crate) fn link(&mut self, role: Role, link: LinkId, what: &'static str) {
            self.0.push(Record::Link(role, link, what));
        }

        pub(crate) fn flush(&mut self) {
            for record in self.0.drain(..) {
                match record {
                    Record::Call { call, kind, duration, error: None } => {
                        let CallKey { role, id: call } = call;
                        tracing::debug!(?role, %call, kind = kind.name(), ?duration, "call ended");
                    }
                    Record::Call { call, kind, duration, error: Some(error) } => {
                        let CallKey { role, id: call } = call;
                        tracing::debug!(?role, %call, kind = kind.name(), ?duration, %error, "call failed");
                    }
                    Record::Event(event) => tracing::info!(?event, "event"),
                    Record::Link(role, link, what) => tracing::debug!(?role, %link, what, "link"),
                }
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use kpthin_core::{
        Instant,
        error::CallError,
        machine::{Event, LinkId},
    };

    use crate::{
        machines::{CallKey, Role},
        slots::Ended,
    };

    /// Nobody is told anything.
    #[derive(Default)]
    pub(crate) struct Trace(());

    #[expect(
        clippy::needless_pass_by_ref_mut,
        clippy::unused_self,
        reason = "the other half of the pair needs it"
    )]
    impl Trace {
        pub(crate) fn call(&mut self, _: Instant, _: CallKey, _: &Ended, _: Option<CallError>) {}
        pub(crate) fn event(&mut self, _: &Event) {}
        pub(crate) fn link(&mut self, _: Role, _: LinkId, _: &'static str) {}
        pub(crate) fn flush(&mut self) {}
    }
}
