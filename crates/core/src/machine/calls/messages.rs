//! What the daemon says of messages: that they have left, and what was replied.

use alloc::string::String;
use core::time::Duration;

use super::{
    super::{
        Progress,
        context::Context,
        waits::{REPLY_ETA_MAX, REPLY_SLACK},
    },
    Calls,
    call::{EndsWith, Kind},
};
use crate::{
    error::CallError,
    wire::{AnyReply, MessageReply, MessageSent, SurbId},
};

impl Calls {
    /// Whether a message is not known to have left yet.
    pub(in super::super) fn awaits_sent(&self, surb: &SurbId) -> bool {
        self.table.by_surb(surb).is_some_and(|(_, call)| !call.has_left())
    }

    /// Whether a message has not ended.
    pub(in super::super) fn awaits_event(&self, surb: &SurbId) -> bool {
        self.table.by_surb(surb).is_some()
    }

    /// Takes note of the reply to a message that has left and ended; what it says is nobody's.
    pub(in super::super) fn late_event(&mut self, surb: &SurbId) -> Progress {
        if self.late.take(surb) { Progress::Made } else { Progress::None }
    }

    /// An event that can't be used fails the message it names, not the link.
    pub(in super::super) fn undecodable_event(&mut self, cx: &mut Context, surb: &SurbId) -> Progress {
        let Some((id, call)) = self.table.by_surb(surb) else { return Progress::None };
        if !call.has_left() {
            // Its reply may still come.
            self.late.insert(*surb);
        }
        self.note_reply(cx);
        self.end(cx, id, Err(CallError::Undecodable));
        Progress::Made
    }

    /// A message has left for the mix network, or could not.
    pub(in super::super) fn sent(&mut self, cx: &mut Context, event: MessageSent) -> Progress {
        let Some(surb) = event.surbid.filter(|surb| self.awaits_sent(surb)) else { return Progress::None };
        let Some((id, call)) = self.table.by_surb(&surb) else { return Progress::None };
        let nobody_waits =
            !call.is_owned() || matches!(call.kind, Kind::Message { ends_with: EndsWith::Sent, .. });
        self.note_reply(cx);
        match event.failure().map(String::from) {
            Some(text) => self.end(cx, id, Err(CallError::SendFailed(text))),
            None if nobody_waits => {
                self.late.insert(surb);
                self.end(cx, id, Ok(AnyReply::MessageSent(event)));
            }
            None => {
                self.release_place(cx, id);
                let eta = Duration::from_nanos(u64::try_from(event.reply_eta).unwrap_or(0));
                let patience = eta.min(REPLY_ETA_MAX) + REPLY_SLACK;
                let due = self.agenda.up.schedule(cx.now(), patience, id);
                if let Some(call) = self.table.get_mut(id) {
                    if let Kind::Message { left, .. } = &mut call.kind {
                        *left = Some(due);
                    }
                    self.agenda.connected.unschedule(call.due_connected.take(), id);
                }
            }
        }
        Progress::Made
    }

    /// A message was replied to.
    pub(in super::super) fn replied(&mut self, cx: &mut Context, event: MessageReply) -> Progress {
        let Some(surb) = event.surbid else { return Progress::None };
        let Some((id, call)) = self.table.by_surb(&surb) else { return Progress::None };
        let wants_reply = matches!(call.kind, Kind::Message { ends_with: EndsWith::Reply, .. });
        self.note_reply(cx);
        let reply = if wants_reply {
            AnyReply::SendMessage(event)
        } else {
            // Its sent event was lost with a link, but an answer says the same.
            let MessageReply { message_id, surbid, .. } = event;
            AnyReply::MessageSent(MessageSent { message_id, surbid, ..MessageSent::default() })
        };
        self.end(cx, id, Ok(reply));
        Progress::Made
    }
}
