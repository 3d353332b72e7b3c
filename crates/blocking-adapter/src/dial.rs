//! Dialling: each attempt on a thread of its own, because nothing can interrupt it.

use std::{
    future::Future,
    io,
    net::{TcpStream, ToSocketAddrs},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

use kpthin_client::{Config, Duplex, Endpoint, connect_any};

use crate::{Socket, Stream};

pub(crate) async fn dial(endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
    match endpoint {
        Endpoint::Tcp { address, family } => {
            let address = address.clone();
            let addresses = elsewhere(move || address.to_socket_addrs().map(Vec::from_iter)).await?;
            let connect = |address| elsewhere(move || TcpStream::connect(address));
            let stream = connect_any(addresses, *family, connect).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(Socket::new(stream)?))
        }
        #[cfg(unix)]
        Endpoint::Unix(path) => {
            let path = path.clone();
            let stream = elsewhere(|| std::os::unix::net::UnixStream::connect(path)).await?;
            Ok(Box::new(Socket::new(stream)?))
        }
        #[cfg(target_os = "linux")]
        Endpoint::Abstract(name) => {
            use std::os::{linux::net::SocketAddrExt, unix::net};

            let address = net::SocketAddr::from_abstract_name(name)?;
            let stream = elsewhere(move || net::UnixStream::connect_addr(&address)).await?;
            Ok(Box::new(Socket::new(stream)?))
        }
        other => Err(other.unsupported()),
    }
}

/// A daemon behind a connection that the program makes itself, with an ordinary function.
///
/// `connect` is called for every connection attempt, on a thread of that attempt's own, so it may
/// block. An attempt that is given up is abandoned: its stream is dropped when it is there.
///
/// # Examples
///
/// ```
/// use std::net::TcpStream;
///
/// let config = kpthin_blocking::connector(|| TcpStream::connect("localhost:64331"));
/// # let _ = config;
/// ```
pub fn connector<S: Stream>(connect: impl Fn() -> io::Result<S> + Send + Sync + 'static) -> Config {
    let connect = Arc::new(connect);
    Config::connector(move || {
        let connect = connect.clone();
        async move { Socket::new(elsewhere(move || connect()).await?) }
    })
}

/// What another thread works on.
enum Work<T> {
    /// Nobody waits for it any more.
    Abandoned,
    Done(io::Result<T>),
    Running(Option<Waker>),
}

/// Waits for a thread; dropping it abandons what the thread is at.
struct Elsewhere<T>(Arc<Mutex<Work<T>>>);

fn lock<T>(work: &Mutex<Work<T>>) -> MutexGuard<'_, Work<T>> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something that blocks on a thread of its own.
async fn elsewhere<T: Send + 'static>(act: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let work = Arc::new(Mutex::new(Work::Running(None)));
    let theirs = work.clone();
    let run = move || {
        let result = catch_unwind(AssertUnwindSafe(act))
            .unwrap_or_else(|_| Err(io::Error::other("the connecting function panicked")));
        let before = {
            let mut work = lock(&theirs);
            match *work {
                Work::Abandoned => Work::Done(result),
                Work::Done(_) | Work::Running(_) => std::mem::replace(&mut *work, Work::Done(result)),
            }
        };
        if let Work::Running(Some(waker)) = before {
            waker.wake();
        }
    };
    // It can't be joined: nothing would interrupt it.
    drop(thread::Builder::new().name("kpthin dial".to_owned()).spawn(run)?);
    Elsewhere(work).await
}

impl<T> Future for Elsewhere<T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let mut work = lock(&self.0);
        match std::mem::replace(&mut *work, Work::Abandoned) {
            Work::Done(result) => Poll::Ready(result),
            Work::Abandoned | Work::Running(_) => {
                *work = Work::Running(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Elsewhere<T> {
    fn drop(&mut self) {
        let work = std::mem::replace(&mut *lock(&self.0), Work::Abandoned);
        drop(work);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Says when it is dropped.
    struct Told(mpsc::Sender<()>);

    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[test]
    fn what_an_abandoned_thread_brings_is_dropped() {
        let (go, wait) = mpsc::channel::<()>();
        let (told, dropped) = mpsc::channel();
        let mut working = Box::pin(elsewhere(move || {
            wait.recv().unwrap();
            Ok(Told(told))
        }));
        assert!(working.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(working);
        go.send(()).unwrap();
        assert_eq!(dropped.recv(), Ok(()), "dropped by its thread");
        assert!(dropped.recv().is_err());
    }

    #[test]
    fn a_function_that_panics_is_an_error() {
        struct Tell(Mutex<mpsc::Sender<()>>);
        impl std::task::Wake for Tell {
            fn wake(self: Arc<Self>) {
                let _ = self.0.lock().unwrap().send(());
            }
        }
        let (woken, wakes) = mpsc::channel();
        let waker = Waker::from(Arc::new(Tell(Mutex::new(woken))));
        let mut cx = Context::from_waker(&waker);
        let mut working = Box::pin(elsewhere::<()>(|| panic!("on purpose")));
        let error = loop {
            match working.as_mut().poll(&mut cx) {
                Poll::Ready(result) => break result.unwrap_err(),
                Poll::Pending => wakes.recv().unwrap(),
            }
        };
        assert_eq!(error.to_string(), "the connecting function panicked");
    }
}
