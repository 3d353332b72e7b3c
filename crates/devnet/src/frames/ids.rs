//! Ids of clients that have another length than 16 bytes (§2.1).
//!
//! To a daemon an id is nothing but bytes to be sent back. Within the machine all have 16, so one of another length gets
//! a name of that length on its way in, which is replaced by the id itself on its way out.

use std::collections::{BTreeMap, VecDeque};

use blake2::digest::consts::U16;
use blake2::{Blake2b, Digest};
use ciborium_ll::{Encoder, Header};

/// Ids remembered; the oldest is forgotten, and what answers it carries its name.
const IDS_MAX: usize = 4_096;
/// An id's bytes beyond these are cut off.
const LEN_MAX: usize = 1_024;

const LEN: usize = 16;
/// The head of a byte string of that length.
const HEAD: u8 = 0x50;

/// The ids of other lengths that clients have used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    named: BTreeMap<[u8; LEN], Vec<u8>>,
    order: VecDeque<[u8; LEN]>,
}

impl Ids {
    /// The name of an id, which is the id itself if it has the usual length.
    pub(super) fn name(&mut self, id: &[u8]) -> [u8; LEN] {
        if let Ok(id) = id.try_into() {
            return id;
        }
        let id = id.get(..LEN_MAX).unwrap_or(id);
        let name: [u8; LEN] =
            Blake2b::<U16>::new().chain_update(b"kpthin devnet id").chain_update(id).finalize().into();
        if self.named.insert(name, id.to_vec()).is_none() {
            self.order.push_back(name);
        }
        if self.order.len() > IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.named.remove(&oldest);
        }
        name
    }

    /// Puts ids in the place of their names, in a frame with its prefix.
    pub(crate) fn restore(&self, frame: Vec<u8>) -> Vec<u8> {
        if self.named.is_empty() {
            return frame;
        }
        let (mut restored, mut rest) = (Vec::with_capacity(frame.len()), &frame[..]);
        while let Some((byte, behind)) = rest.split_first() {
            let name = behind.first_chunk::<LEN>().filter(|_| *byte == HEAD);
            if let Some(id) = name.and_then(|name| self.named.get(name)) {
                let Ok(()) = Encoder::from(Sink(&mut restored)).push(Header::Bytes(Some(id.len())));
                restored.extend_from_slice(id);
                rest = behind.get(LEN..).unwrap_or_default();
            } else {
                restored.push(*byte);
                rest = behind;
            }
        }
        super::layout::set_prefix(&mut restored);
        restored
    }
}

/// A vector as the encoder's output, which accepts every byte.
pub(super) struct Sink<'a>(pub(super) &'a mut Vec<u8>);

impl ciborium_io::Write for Sink<'_> {
    type Error = std::convert::Infallible;

    fn write_all(&mut self, data: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
    }

    #[test]
    fn an_id_of_another_length_comes_back_as_it_was() {
        let mut ids = Ids::default();
        assert_eq!(ids.name(&[7; 16]), [7; 16]);
        let long = vec![3; 300];
        for id in [&[][..], &[1], &[2; 17], &long] {
            let name = ids.name(id);
            assert_eq!(name, ids.name(id));
            let mut body = vec![0xa1, 0x61, b'q', HEAD];
            body.extend(name);
            body.push(0xf6);
            let mut expected = vec![0xa1, 0x61, b'q'];
            let Ok(()) = Encoder::from(Sink(&mut expected)).push(Header::Bytes(Some(id.len())));
            expected.extend(id);
            expected.push(0xf6);
            assert_eq!(ids.restore(frame(&body)), frame(&expected));
        }
    }

    #[test]
    fn so_many_ids_are_remembered_and_so_much_of_each() {
        let mut ids = Ids::default();
        for number in 0..IDS_MAX + 10 {
            let _ = ids.name(format!("an id of another length, {number}").as_bytes());
        }
        assert_eq!((ids.named.len(), ids.order.len()), (IDS_MAX, IDS_MAX));
        let name = ids.name(&vec![1; 1 << 20]);
        assert_eq!(ids.named.get(&name).unwrap().len(), LEN_MAX);
    }
}
