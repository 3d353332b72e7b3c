//! Every method of the client against a daemon: the embedded one, and a real one if there is one.
//!
//! The same bodies run twice. Against the embedded daemon always; what that one cannot do yet is
//! reported as `skipped: devnet`. Against the daemon that the `thinclient.toml` named by
//! `KPTHIN_LIVE_CONFIG` leads to, with the patience that a real network needs; without that
//! variable they are reported as skipped. A word on the command line selects bodies by name.

mod cancels;
mod copies;
mod documents;
mod keys;
mod messages;
mod streams;
mod target;
mod vouchers;

use std::{env, future::Future, pin::Pin, process::ExitCode, time::Instant};

use target::{Outcome, Target};

/// What a body is: it gets a target and says how it went.
type Body = fn(Target) -> Pin<Box<dyn Future<Output = Result<(), Outcome>> + Send>>;

macro_rules! bodies {
    ($($module:ident::$name:ident),* $(,)?) => {
        [$((stringify!($name), (|target| Box::pin($module::$name(target))) as Body)),*]
    };
}

const VARIABLE: &str = "KPTHIN_LIVE_CONFIG";

#[expect(clippy::print_stdout, reason = "the report is the point")]
fn main() -> ExitCode {
    let filters: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let bodies = bodies![
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
    let live = env::var(VARIABLE).ok();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, body) in bodies {
        let targets = [("devnet", Some(Target::devnet(name))), ("live", live.as_deref().map(Target::live))];
        for (kind, target) in targets {
            let name = format!("{kind}::{name}");
            if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
                continue;
            }
            let begin = Instant::now();
            let outcome = match target {
                None => Err(Outcome::Skipped(format!("{VARIABLE} names no thinclient.toml"))),
                Some(Err(error)) => Err(Outcome::Failed(error)),
                Some(Ok(target)) => runtime.block_on(async {
                    // In a task of its own, so that a panic fails the body alone.
                    match tokio::spawn(body(target)).await {
                        Ok(outcome) => outcome,
                        Err(error) => Err(Outcome::Failed(error.to_string())),
                    }
                }),
            };
            let took = begin.elapsed();
            match outcome {
                Ok(()) => {
                    passed += 1;
                    println!("{name} ... ok ({took:.2?})");
                }
                Err(Outcome::Skipped(why)) => {
                    skipped += 1;
                    println!("{name} ... skipped: {why}");
                }
                Err(Outcome::Failed(why)) => {
                    failed += 1;
                    println!("{name} ... FAILED ({took:.2?}): {why}");
                }
            }
        }
    }
    println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
