//! The four worlds that a client runs in, as the suites see them.

use std::{
    future::Future,
    marker::PhantomData,
    pin::{Pin, pin},
    task::{Context, Poll},
    thread,
};

use kpthin::{Client, Config, ConnectError, devnet::DevnetConfig};

use crate::quick;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An adapter together with something that runs its futures.
pub trait Adapter: Send + Sync + 'static {
    /// Connects, and lets the driver run in the background.
    fn connect(config: Config) -> BoxFuture<Result<Client, ConnectError>>;

    /// Runs a body to its end.
    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T;

    /// The daemon that it is tried with.
    fn daemon() -> DevnetConfig {
        DevnetConfig::instant()
    }
}

macro_rules! at {
    ($($(#[$doc:meta])* $name:ident => $profile:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<A>(PhantomData<A>);

        impl<A: Adapter> Adapter for $name<A> {
            fn connect(config: Config) -> BoxFuture<Result<Client, ConnectError>> {
                A::connect(config)
            }

            fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
                A::run(body)
            }

            fn daemon() -> DevnetConfig {
                quick(DevnetConfig::$profile())
            }
        }
    )*};
}

at! {
    /// An adapter tried with the reference daemon, kinks and all, a hundred times faster.
    AtReference => reference,
    /// The same with the daemon of October 2026.
    AtNewerReference => reference_2026_10,
}

/// Tokio with several workers.
#[derive(Debug)]
pub struct TokioMultiThread;

impl Adapter for TokioMultiThread {
    fn connect(config: Config) -> BoxFuture<Result<Client, ConnectError>> {
        Box::pin(kpthin::tokio::connect(config))
    }

    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        // On a worker, as a program's tasks are.
        let runtime = runtime.expect("a runtime starts");
        runtime.block_on(runtime.spawn(body)).expect("the body does not panic")
    }
}

/// Tokio on one thread.
#[derive(Debug)]
pub struct TokioCurrentThread;

impl Adapter for TokioCurrentThread {
    fn connect(config: Config) -> BoxFuture<Result<Client, ConnectError>> {
        Box::pin(kpthin::tokio::connect(config))
    }

    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime starts").block_on(body)
    }
}

/// Smol's global executor.
#[derive(Debug)]
pub struct Smol;

impl Adapter for Smol {
    fn connect(config: Config) -> BoxFuture<Result<Client, ConnectError>> {
        let (connecting, driver) = kpthin::smol::connect(config);
        smol::spawn(driver).detach();
        Box::pin(connecting)
    }

    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        smol::block_on(body)
    }
}

/// Async-std, for those who are on it.
#[derive(Debug)]
pub struct AsyncStd;

impl Adapter for AsyncStd {
    fn connect(config: Config) -> BoxFuture<Result<Client, ConnectError>> {
        let (connecting, driver) = kpthin::smol::connect(config);
        drop(async_std::task::spawn(driver));
        Box::pin(connecting)
    }

    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        async_std::task::block_on(body)
    }
}

/// Plain threads. The bodies are async all the same: this thread polls them and parks.
#[derive(Debug)]
pub struct Blocking;

impl Adapter for Blocking {
    fn connect(config: Config) -> BoxFuture<Result<Client, ConnectError>> {
        Box::pin(async { kpthin::blocking::connect(config) })
    }

    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        let mut body = pin!(body);
        let waker = kpthin::unparking_waker();
        let mut cx = Context::from_waker(&waker);
        loop {
            match body.as_mut().poll(&mut cx) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }
}
