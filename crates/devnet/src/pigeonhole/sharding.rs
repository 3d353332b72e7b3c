//! Which replicas keep a box, and which two a daemon asks (Pigeonhole backend §5.3, §7.3).

use std::collections::{BTreeMap, BTreeSet};

use blake2::{Blake2b256, Digest};
use kpthin_bacap::BoxId;

use super::Entropy;

/// Replicas that keep each box.
const SHARDS: usize = 2;

/// Returns the numbers of the two replicas that keep a box, the nearest first.
///
/// They follow from all *configured* replicas, by number and raw identity key, whether these are online or not. Fewer
/// than two come back only if fewer are configured.
pub(crate) fn shards(identity_keys: &BTreeMap<u8, [u8; 32]>, box_id: BoxId) -> Vec<u8> {
    let distance = |key: &[u8; 32]| -> [u8; 32] {
        Blake2b256::new().chain_update(key).chain_update(box_id.0).finalize().into()
    };
    let mut numbers: Vec<_> = identity_keys.iter().map(|(number, key)| (distance(key), *number)).collect();
    numbers.sort_unstable();
    numbers.into_iter().take(SHARDS).map(|(_, number)| number).collect()
}

/// Chooses the two replicas that get an envelope, or none if fewer than two are in the document.
///
/// From four replicas on neither of them keeps the box, so that those who see the request do not hold its object.
pub(crate) fn intermediates(
    identity_keys: &BTreeMap<u8, [u8; 32]>,
    present: &BTreeSet<u8>,
    box_id: BoxId,
    entropy: &mut impl Entropy,
) -> Option<[u8; 2]> {
    let mut shards = shards(identity_keys, box_id);
    shards.retain(|shard| present.contains(shard));
    let mut others: Vec<u8> = present.iter().copied().collect();
    match (others.len(), shards.first()) {
        (0..=1, _) => None,
        (2, _) => take_two(&mut others, |_| 0),
        (3, Some(shard)) => {
            others.retain(|other| other != shard);
            Some([*shard, take(&mut others, |len| entropy.below(len))?])
        }
        (3, None) => take_two(&mut others, |len| entropy.below(len)),
        (4.., _) => {
            others.retain(|other| !shards.contains(other));
            take_two(&mut others, |len| entropy.below(len))
        }
    }
}

fn take_two(from: &mut Vec<u8>, mut pick: impl FnMut(usize) -> usize) -> Option<[u8; 2]> {
    Some([take(from, &mut pick)?, take(from, &mut pick)?])
}

fn take(from: &mut Vec<u8>, pick: impl FnOnce(usize) -> usize) -> Option<u8> {
    let at = pick(from.len());
    (at < from.len()).then(|| from.remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::entropy;

    fn configured(count: u8) -> BTreeMap<u8, [u8; 32]> {
        (0..count).map(|number| (number, [number; 32])).collect()
    }

    fn choose(configured: u8, present: &[u8], box_id: BoxId) -> BTreeSet<[u8; 2]> {
        let present = present.iter().copied().collect();
        let keys = self::configured(configured);
        let entropy = &mut entropy();
        (0..200).filter_map(|_| intermediates(&keys, &present, box_id, entropy)).collect()
    }

    #[test]
    fn boxes_spread_over_all_replicas() {
        let keys = configured(5);
        let mut seen = BTreeMap::<u8, u32>::new();
        for byte in 0..100 {
            let shards = shards(&keys, BoxId([byte; 32]));
            assert_eq!(shards.len(), 2);
            assert_ne!(shards[0], shards[1]);
            for shard in shards {
                *seen.entry(shard).or_default() += 1;
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.values().all(|count| *count > 15), "{seen:?}");
    }

    #[test]
    fn the_choice_depends_on_how_many_are_present() {
        let box_id = BoxId([9; 32]);
        assert!(choose(2, &[1], box_id).is_empty());
        assert_eq!(choose(2, &[0, 1], box_id), BTreeSet::from([[0, 1]]));

        let first = shards(&configured(3), box_id)[0];
        let pairs = choose(3, &[0, 1, 2], box_id);
        assert_eq!(pairs.len(), 2);
        assert!(pairs.iter().all(|[a, b]| *a == first && *b != first));

        let kept = shards(&configured(6), box_id);
        let pairs = choose(6, &[0, 1, 2, 3, 4, 5], box_id);
        assert_eq!(pairs.len(), 4 * 3);
        assert!(pairs.iter().flatten().all(|number| !kept.contains(number)));
    }

    #[test]
    fn three_present_replicas_without_a_shard_are_chosen_from_at_random() {
        let box_id = BoxId([9; 32]);
        let kept = shards(&configured(5), box_id);
        let rest: Vec<u8> = (0..5).filter(|number| !kept.contains(number)).collect();
        assert_eq!(choose(5, &rest, box_id).len(), 3 * 2);
    }
}
