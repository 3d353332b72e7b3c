//! The one thing a client may read in an envelope.

/// The query type of an envelope, in front of everything (§6.3).
const ENVELOPE: u8 = 0;
/// Where the replica epoch stands: behind the query type, the replica numbers, two wrapped keys
/// and the reply index (§6.3).
const REPLICA_EPOCH_OFFSET: usize = 1 + 2 + 60 + 60 + 1;

/// The replica epoch that an envelope was made in, from a `message_ciphertext` (§6.3).
///
/// Couriers accept it for one replica epoch more (§9.4). `None` if the bytes are no envelope.
#[must_use]
pub fn replica_epoch(message_ciphertext: &[u8]) -> Option<u64> {
    if message_ciphertext.first() != Some(&ENVELOPE) {
        return None;
    }
    let (_, epoch) = message_ciphertext.split_at_checked(REPLICA_EPOCH_OFFSET)?;
    epoch.first_chunk().copied().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn the_epoch_stands_behind_the_reply_index() {
        let mut envelope = vec![0; 300];
        envelope[124..132].copy_from_slice(&595u64.to_be_bytes());
        assert_eq!(replica_epoch(&envelope), Some(595));
        assert_eq!(replica_epoch(&envelope[..132]), Some(595));
        assert_eq!(replica_epoch(&envelope[..131]), None);
        assert_eq!(replica_epoch(&[]), None);
    }

    #[test]
    fn a_copy_query_is_no_envelope() {
        let mut query = vec![1; 173];
        query[1..5].copy_from_slice(&168u32.to_be_bytes());
        assert_eq!(replica_epoch(&query), None);
    }
}
