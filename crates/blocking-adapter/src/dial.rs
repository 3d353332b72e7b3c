//! Dialling: each attempt on a thread of its own, because nothing can interrupt it.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::{Arc, mpsc},
    task::Poll,
    thread,
};

use kpthin_client::{Config, Duplex, Endpoint, connect_any};

use crate::{Socket, Stream, wakeup::Wakeup};

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
pub fn connector<S: Stream>(connect: impl Fn() -> io::Result<S> + Send + Sync + 'static) -> Config
where
    for<'a> &'a S: Read + Write,
{
    let connect = Arc::new(connect);
    Config::connector(move || {
        let connect = connect.clone();
        async move { Socket::new(elsewhere(move || connect()).await?) }
    })
}

const PANICKED: &str = "the connecting function panicked";

/// Does something that blocks on a thread of its own; dropping the future abandons it.
async fn elsewhere<T: Send + 'static>(act: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let wakeup = Wakeup::default();
    let (sender, receiver) = mpsc::sync_channel(1);
    let ends = (wakeup.clone(), sender);
    let run = move || {
        let (_rings_last, sender) = ends;
        drop(sender.send(act()));
    };
    // It can't be joined: nothing would interrupt it.
    drop(thread::Builder::new().name("kpthin dial".to_owned()).spawn(run)?);
    poll_fn(move |cx| {
        wakeup.listen(cx);
        match receiver.try_recv() {
            Err(mpsc::TryRecvError::Empty) => Poll::Pending,
            result => Poll::Ready(result.unwrap_or_else(|_| Err(io::Error::other(PANICKED)))),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        sync::Mutex,
        task::{Context, Waker},
    };

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
        assert_eq!(error.to_string(), PANICKED);
    }
}
