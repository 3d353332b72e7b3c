//! The clients of a simulation, looked at without keeping them open.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::Pin,
    rc::{Rc, Weak},
};

use kpthin_client::{Driver, Status};

use crate::runtime::Simulated;

type Shared = RefCell<Driver<Simulated>>;

/// The drivers of all clients that were ever connected, in that order.
#[derive(Default)]
pub(crate) struct Clients {
    drivers: RefCell<Vec<Weak<Shared>>>,
}

impl Clients {
    /// The number of the next client.
    pub(crate) fn next(&self) -> u64 {
        self.drivers.borrow().len() as u64
    }

    /// Notes a client's driver, and returns what runs it.
    pub(crate) fn add(&self, driver: Driver<Simulated>) -> impl Future<Output = ()> + use<> {
        let driver = Rc::new(RefCell::new(driver));
        self.drivers.borrow_mut().push(Rc::downgrade(&driver));
        async move {
            let _ = poll_fn(|cx| Pin::new(&mut *driver.borrow_mut()).poll(cx)).await;
        }
    }

    /// What the clients know that have not ended.
    pub(crate) fn statuses(&self) -> Vec<Status> {
        let drivers = self.drivers.borrow();
        let running = drivers.iter().filter_map(Weak::upgrade);
        running.filter_map(|driver| driver.try_borrow().ok().map(|driver| driver.status())).collect()
    }
}
