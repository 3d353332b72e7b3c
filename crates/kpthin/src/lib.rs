//! A client library for Katzenpost, a post-quantum mix network: tokio adapter, embedded daemon and examples in one place.
