//! A driver of a machine, as far as all drivers in tests are the same.

use crate::{
    Instant,
    machine::{Machine, Output},
};

/// So many outputs at one moment are more than any test has.
const OUTPUTS_MAX: usize = 1_000_000;

/// Drives a machine by its drain contract.
pub trait Drive {
    /// The machine.
    fn machine(&mut self) -> &mut Machine;

    /// Does what the machine wants done; never [`Output::Idle`].
    fn act(&mut self, output: Output);

    /// Lets the machine write, if the wire takes anything; tells whether it wrote.
    fn transmit(&mut self) -> bool;

    /// The canonical loop: outputs until idle, then bytes, and again if there were any; tells when the
    /// machine wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        for _ in 0..OUTPUTS_MAX {
            match self.machine().poll_output() {
                Output::Idle { .. } if self.transmit() => {}
                Output::Idle { wake_at } => return wake_at,
                output => self.act(output),
            }
        }
        panic!("the machine is never idle")
    }
}
