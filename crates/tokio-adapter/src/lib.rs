//! Runs the kpthin client for the Katzenpost mix network on tokio.
