//! The Katzenpost thin-client protocol as a state machine without I/O: bytes in, events and requests out.
