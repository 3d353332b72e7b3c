//! A client for the Katzenpost daemon that works on any executor: handles, calls, events and one generic driver.
