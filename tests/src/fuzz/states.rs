//! Everything that programs save, with a checksum that is right.

use blake2::{Blake2b, Digest, digest::consts::U8};
use kpthin::{
    EncryptedRead, EncryptedWrite,
    streams::{ConversationState, CopyState, InductorState, JoinerState, ReaderState, WriterState},
};

macro_rules! all {
    ($bytes:expr, $($kind:ident)*) => {$(
        if let Ok(state) = $kind::from_bytes($bytes) {
            let saved = state.to_bytes();
            let again = $kind::from_bytes(&saved).expect("what was saved");
            assert!(saved == again.to_bytes(), "not the same after it was saved: {state:?}");
        }
    )*};
}

/// The checksum is put behind the input, since nobody guesses it.
pub(super) fn run(input: &[u8]) {
    let sum: [u8; 8] = Blake2b::<U8>::digest(input).into();
    let bytes = [input, &sum].concat();
    all!(&bytes, ConversationState CopyState InductorState JoinerState ReaderState WriterState);
    all!(&bytes, EncryptedRead EncryptedWrite);
}
