//! What must hold for all seeds, plaintexts and damages, not only for those of the vectors.

use kpthin_bacap::{Context, MessageBoxIndex, OpenError, Opened, ReadCap, WriteCap};
use proptest::prelude::*;

const CONTEXT: Context<'static> = Context::PIGEONHOLE;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn advancing_in_two_legs_is_advancing_at_once(seed: [u8; 32], first in 0u64..20, second in 0u64..20) {
        let start = WriteCap::from_seed(&seed).index().clone();
        let middle = start.advance_to(start.counter() + first).unwrap();
        let end = middle.advance_to(middle.counter() + second).unwrap();
        prop_assert_eq!(end, start.advance_to(start.counter() + first + second).unwrap());
    }

    #[test]
    fn a_box_opens_to_what_was_sealed(seed: [u8; 32], steps in 0u64..4, plaintext: Vec<u8>, context: Vec<u8>) {
        let write = WriteCap::from_seed(&seed);
        let index = write.index().advance_to(write.index().counter() + steps).unwrap();
        let sealed = write.seal(&index, Context::new(&context), &plaintext);
        prop_assert_eq!(sealed.ciphertext.len(), plaintext.len() + 16);
        prop_assert!(sealed.box_id.is_key());
        prop_assert!(sealed.box_id.verify(&sealed.ciphertext, &sealed.signature));
        let opened = write.read_cap().open(&index, Context::new(&context), &sealed);
        prop_assert_eq!(opened, Ok(Opened::Content(plaintext.into())));
    }

    #[test]
    fn capabilities_and_indexes_survive_their_bytes(seed: [u8; 32], salt: Vec<u8>) {
        let write = WriteCap::from_seed(&seed).mutate(&salt);
        let (read, index) = (write.read_cap(), write.index().clone());
        prop_assert_eq!(MessageBoxIndex::from_bytes(&index.to_bytes()), Ok(index));
        prop_assert_eq!(ReadCap::from_bytes(&read.to_bytes()), Ok(read));
        prop_assert_eq!(WriteCap::from_bytes(&write.to_bytes()), Ok(write));
    }

    #[test]
    fn a_damaged_box_is_refused(seed: [u8; 32], plaintext: Vec<u8>, at: prop::sample::Index, bit in 0u32..8) {
        let write = WriteCap::from_seed(&seed);
        let (read, index) = (write.read_cap(), write.index());
        let sealed = write.seal(index, CONTEXT, &plaintext);
        let flip = |bytes: &mut [u8]| bytes[at.index(bytes.len())] ^= 1 << bit;

        let mut damaged = sealed.clone();
        flip(&mut damaged.ciphertext);
        prop_assert_eq!(read.open(index, CONTEXT, &damaged), Err(OpenError::Signature));

        let mut damaged = sealed.clone();
        flip(&mut damaged.signature);
        prop_assert_eq!(read.open(index, CONTEXT, &damaged), Err(OpenError::Signature));

        let mut damaged = sealed.clone();
        flip(&mut damaged.box_id.0);
        prop_assert_eq!(read.open(index, CONTEXT, &damaged), Err(OpenError::WrongBox));

        prop_assert_eq!(read.open(&index.next().unwrap(), CONTEXT, &sealed), Err(OpenError::WrongBox));
    }

    #[test]
    fn root_signatures_verify_and_damaged_ones_do_not(seed: [u8; 32], message: Vec<u8>, at in 0usize..64) {
        let write = WriteCap::from_seed(&seed);
        let mut signature = write.sign(&message);
        prop_assert!(write.read_cap().verify(&message, &signature));
        signature[at] ^= 1;
        prop_assert!(!write.read_cap().verify(&message, &signature));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(index) = MessageBoxIndex::from_bytes(&bytes) {
            prop_assert_eq!(index.to_bytes().to_vec(), bytes.clone());
        }
        if let Ok(read) = ReadCap::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes().to_vec(), bytes.clone());
            prop_assert!(read.box_id(read.index(), CONTEXT).is_key());
        }
        prop_assert!(WriteCap::from_bytes(&bytes).is_err(), "no seed has a random key");
    }

    #[test]
    fn bytes_of_the_right_length_never_panic(
        root: [u8; 32], index in prop::collection::vec(any::<u8>(), 104), ciphertext: Vec<u8>, fill: u8,
    ) {
        let cap = [root.as_slice(), &index].concat();
        if let Ok(read) = ReadCap::from_bytes(&cap) {
            let box_id = read.box_id(read.index(), CONTEXT);
            let sealed = kpthin_bacap::SealedBox { box_id, ciphertext, signature: [fill; 64] };
            prop_assert_eq!(read.open(read.index(), CONTEXT, &sealed), Err(OpenError::Signature));
        }
        prop_assert!(WriteCap::from_bytes(&[root.as_slice(), &cap].concat()).is_err());
    }
}

#[test]
fn debug_shows_no_secret() {
    let write = WriteCap::from_seed(&[1; 32]);
    assert_eq!(format!("{write:?} {:?}", write.read_cap()), "WriteCap(..) ReadCap(..)");
    let index = MessageBoxIndex::from_bytes(&[&17u64.to_le_bytes()[..], &[9; 96]].concat()).unwrap();
    assert_eq!(format!("{index:?}"), "MessageBoxIndex(#17)");
    assert_eq!(format!("{:?}", Opened::Content(vec![1, 2].into())), "Content(2 bytes)");
}
