//! For tests: what the accounts say, and what they should say.

use super::{Calls, lanes::Queue};

impl Calls {
    /// The places held on the link: copies, creates, polling reads, everything of the mix network, quick and
    /// slow ones.
    pub(in super::super) fn places(&self) -> [usize; 6] {
        self.wire.as_ref().map_or([0; 6], |wire| wire.places.held())
    }

    /// The same, counted anew.
    pub(in super::super) fn recounted_places(&self) -> [usize; 6] {
        let mut held = [0; 6];
        for (_, call) in
            self.table.iter().filter(|(id, call)| self.outstanding(*id).is_some() && !call.has_left())
        {
            let (place, mixnet) = match call.queue {
                Queue::Cancel => continue,
                Queue::Copy => (Some(0), 1),
                Queue::Create => (Some(1), 0),
                Queue::Poll => (Some(2), 1),
                Queue::Quick => (Some(4), 0),
                Queue::Slow => (Some(5), 0),
                Queue::Start => (None, 1),
            };
            if let Some(place) = place {
                held[place] += 1;
            }
            held[3] += mixnet;
        }
        held
    }

    /// How many calls wait to be written, counted anew.
    pub(in super::super) fn recounted_unwritten(&self) -> usize {
        self.table.iter().filter(|(_, call)| call.stage.is_unwritten()).count()
    }

    /// Whether no key is known, and nothing is to be cancelled.
    pub(in super::super) fn knows_no_key(&self) -> bool {
        let cancelling = self.wire.as_ref().is_some_and(|wire| wire.cancelling.iter().count() > 0);
        self.cancels.is_empty() && self.live.is_empty() && !cancelling
    }

    pub(in super::super) fn deadlines(&self) -> usize {
        self.agenda.deadlines.len()
    }
}
