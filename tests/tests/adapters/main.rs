//! One suite for all adapters: what only real sockets and real runtimes show, against the devnet.
//!
//! Each behaviour is written once, generic over the adapter, and runs on tokio (several threads and
//! one), smol, async-std and plain threads, with the ideal daemon and with both
//! references.

mod cancel;
mod endpoints;
mod load;
mod methods;
mod on_threads;
mod on_tokio;
mod reconnect;
mod stop;
mod support;
mod waiting;

macro_rules! suite {
    ($($adapter:ident as $name:ident),* $(,)? => $bodies:tt) => {
        $(suite!(@adapter $adapter, $name, $bodies);)*
    };
    (@adapter $adapter:ident, $name:ident, { $($module:ident::$body:ident),* $(,)? }) => {
        mod $name {
            $(
                #[test]
                fn $body() {
                    crate::$module::$body::<kpthin_tests::adapters::$adapter>();
                }
            )*

            mod reference {
                use kpthin_tests::adapters::{$adapter, AtReference};

                $(
                    #[test]
                    fn $body() {
                        crate::$module::$body::<AtReference<$adapter>>();
                    }
                )*
            }

            mod reference_2026_10 {
                use kpthin_tests::adapters::{$adapter, AtNewerReference};

                $(
                    #[test]
                    fn $body() {
                        crate::$module::$body::<AtNewerReference<$adapter>>();
                    }
                )*
            }
        }
    };
}

suite! {
    TokioMultiThread as tokio_multi_thread,
    TokioCurrentThread as tokio_current_thread,
    Smol as smol,
    AsyncStd as async_std,
    Blocking as blocking,
    => {
        methods::every_method,
        endpoints::tcp_and_names,
        endpoints::unix_sockets,
        endpoints::abstract_sockets,
        endpoints::within_the_process,
        endpoints::a_connector,
        endpoints::a_refused_dial_says_so,
        endpoints::a_program_may_start_before_its_daemon,
        endpoints::dropping_a_pending_connect_closes_the_socket,
        reconnect::a_session_is_resumed,
        reconnect::a_session_has_expired,
        reconnect::a_daemon_is_restarted,
        reconnect::a_daemon_is_shut_down_and_comes_back,
        cancel::dropping_a_read_cancels_it,
        cancel::a_call_is_cancelled_by_itself_and_from_another_thread,
        cancel::a_deadline_ends_a_call,
        cancel::cancels_pass_a_daemon_that_takes_two_seconds_per_encryption,
        load::a_thousand_calls_at_once,
        load::payloads_larger_than_the_sockets_buffers_both_ways_at_once,
        load::many_clients_of_one_daemon,
        load::a_subscriber_that_does_not_read_delays_nobody,
        load::waiting_readers_delay_no_writer,
        stop::stopping_while_busy_ends_everything,
        stop::draining_lets_calls_end,
        stop::the_last_handle_closes_the_sockets,
        waiting::plain_threads_wait,
        waiting::threads_that_wait_drop_cancel_and_detach_leave_nothing_behind,
        waiting::waiting_where_the_driver_runs_is_an_error,
    }
}
