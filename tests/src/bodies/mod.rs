//! Every method of the client, each in a body that any adapter runs against any daemon.

mod cancels;
mod copies;
mod documents;
mod keys;
mod messages;
mod streams;
mod target;
mod vouchers;

use std::{future::Future, pin::Pin};

pub use target::{Connect, Outcome, Target, ensure};

/// What a body is: it gets a target and says how it went.
pub type Body = fn(Target) -> Pin<Box<dyn Future<Output = Result<(), Outcome>> + Send>>;

/// All bodies with their names.
macro_rules! bodies {
    ($($module:ident::$name:ident),* $(,)?) => {
        /// All bodies by name.
        pub const ALL: &[(&str, Body)] =
            &[$((stringify!($name), |target| Box::pin($module::$name(target)))),*];
    };
}

bodies![
    documents::the_connection_tells_the_network,
    documents::services_are_found_and_couriers_drawn,
    documents::a_signed_document_is_fetched,
    documents::an_unknown_epoch_is_unavailable,
    documents::the_authorities_are_told,
    keys::a_seed_gives_the_same_stream_as_everywhere,
    keys::indexes_step_and_tell_their_counter,
    messages::echo_returns_what_was_sent,
    messages::a_message_without_reply_ends_when_it_has_left,
    messages::a_message_too_long_is_refused_with_both_sizes,
    messages::an_unknown_service_is_refused,
    streams::three_boxes_are_written_and_read,
    streams::the_largest_box_fits_and_one_byte_more_is_refused,
    streams::an_unwritten_box_reads_as_not_written,
    streams::an_ask_tells_what_is_there_and_what_is_not,
    streams::an_identical_rewrite_succeeds_and_a_different_one_is_refused,
    streams::a_courier_confirms_what_replicas_refuse,
    streams::a_tombstone_is_read_as_one,
    streams::envelopes_are_prepared_stored_and_sent_later,
    streams::a_polling_read_is_answered_once_the_box_is_written,
    cancels::a_pending_read_is_cancelled_by_its_handle,
    cancels::a_pending_read_is_cancelled_by_its_hash,
    cancels::an_unknown_hash_is_cancelled_without_complaint,
    cancels::a_deadline_ends_a_read,
    copies::a_payload_is_copied_to_one_stream,
    copies::payloads_are_copied_to_two_streams,
    copies::a_tombstone_range_is_copied,
    copies::a_copy_of_nothing_fails_with_the_reason,
    copies::an_unknown_copy_is_cancelled_without_complaint,
    vouchers::an_invitation_goes_round,
    vouchers::a_payload_of_another_voucher_is_refused,
];
