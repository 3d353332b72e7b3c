//! CBOR as this protocol uses it: a reader over a slice that believes nothing, and a writer.
//!
//! The headers are read and written by `ciborium-ll`; this module adds what the protocol needs on
//! top: the limits, tolerance for tags, indefinite lengths and unknown members, and borrowing.

mod budget;
mod extent;
mod message;
mod reader;
mod value;
mod writer;

pub(crate) use budget::Budget;
pub(crate) use extent::Extents;
pub use message::MemberProblem;
pub(crate) use message::{
    Joined, Member, MemberFault, Unset, is_written, members, message, put, required, set, set_required, skip,
    unset,
};
pub(crate) use reader::Reader;
pub use reader::{CborError, CborProblem};
pub(crate) use value::{Value, read_array, read_bytes, read_list};
pub(crate) use writer::Writer;

/// Nesting levels accepted in one item, the same as the reference decoder's (§1.2).
pub(crate) const DEPTH_MAX: usize = 32;
/// Elements of one array or pairs of one map, the same as the reference decoder's (§1.2).
pub(crate) const CONTAINER_LEN_MAX: usize = 131_072;
/// Items in one frame, keys and tags included.
pub(crate) const ITEMS_MAX: usize = 1_048_576;
