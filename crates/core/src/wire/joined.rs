//! Values that stand in a request as several members.

use super::{IdentityHash, MessageBoxIndex, QueueId, ReadCap, SurbId, WriteCap};
use crate::{
    cbor::{Joined, MemberFault, MemberProblem},
    pki::ServiceAddress,
};

/// Whether a message takes along what a reply comes back by: `with_surb` and `surbid` (§4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the protocol")]
pub enum Surb {
    /// A SURB with this id.
    Named(SurbId),
    /// None: no reply is wanted. Services can't read what daemons make of that.
    None,
    /// A SURB, whose id is given when the message is written.
    ///
    /// This is what a caller asks a [`Machine`](crate::machine::Machine) for. A message that reaches a daemon like this is
    /// broken.
    Unnamed,
}

impl Surb {
    /// The id, if there is one.
    #[must_use]
    pub const fn id(self) -> Option<SurbId> {
        match self {
            Self::Named(id) => Some(id),
            Self::None | Self::Unnamed => None,
        }
    }
}

impl Joined for Surb {
    type Members = (bool, Option<SurbId>);

    fn join(members: Self::Members) -> Result<Self, MemberFault> {
        Ok(match members {
            // An id without a SURB names nothing.
            (false, _) => Self::None,
            (true, Some(id)) => Self::Named(id),
            (true, None) => Self::Unnamed,
        })
    }

    fn split(&self) -> Self::Members {
        (*self != Self::None, self.id())
    }
}

/// What an envelope does with its box: `read_cap`, `write_cap` and `message_box_index` (§4.7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the protocol")]
pub enum BoxAccess {
    /// It asks for the box.
    Read {
        /// The stream.
        read_cap: ReadCap,
        /// The box; without it the daemon would not verify what it is given.
        message_box_index: MessageBoxIndex,
    },
    /// It fills the box.
    Write {
        /// The stream.
        write_cap: WriteCap,
        /// The box; ignored.
        message_box_index: Option<MessageBoxIndex>,
    },
}

impl BoxAccess {
    /// Whether the box is asked for.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    /// The box, if it is named.
    #[must_use]
    pub const fn message_box_index(&self) -> Option<&MessageBoxIndex> {
        match self {
            Self::Read { message_box_index, .. } => Some(message_box_index),
            Self::Write { message_box_index, .. } => message_box_index.as_ref(),
        }
    }
}

impl Joined for BoxAccess {
    type Members = (Option<ReadCap>, Option<WriteCap>, Option<MessageBoxIndex>);

    fn join(members: Self::Members) -> Result<Self, MemberFault> {
        let (member, problem) = match members {
            (Some(read_cap), None, Some(message_box_index)) => {
                return Ok(Self::Read { read_cap, message_box_index });
            }
            (None, Some(write_cap), message_box_index) => {
                return Ok(Self::Write { write_cap, message_box_index });
            }
            (Some(_), None, None) => ("message_box_index", MemberProblem::Missing),
            (Some(_), Some(_), _) => ("write_cap", MemberProblem::Excluded { by: "read_cap" }),
            (None, None, _) => ("read_cap or write_cap", MemberProblem::Missing),
        };
        Err(MemberFault { member, problem })
    }

    fn split(&self) -> Self::Members {
        match self.clone() {
            Self::Read { read_cap, message_box_index } => (Some(read_cap), None, Some(message_box_index)),
            Self::Write { write_cap, message_box_index } => (None, Some(write_cap), message_box_index),
        }
    }
}

/// The courier that a copy command is pinned to: `courier_identity_hash` and `courier_queue_id` (§4.9).
impl Joined for Option<ServiceAddress> {
    type Members = (Option<IdentityHash>, Option<QueueId>);

    /// Half a courier is none, as with the reference (§4.9).
    fn join((identity_hash, queue_id): Self::Members) -> Result<Self, MemberFault> {
        Ok(identity_hash.zip(queue_id).map(|(node, queue)| ServiceAddress { node, queue }))
    }

    fn split(&self) -> Self::Members {
        self.clone().map(|courier| (courier.node, courier.queue)).unzip()
    }
}
