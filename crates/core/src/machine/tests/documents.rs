//! Documents and the sizes that came with the status.

use super::*;
use crate::machine::limits::DOCUMENTS_MAX;
use crate::{pki::DocumentContent, wire::NewPkiDocument};
use alloc::{borrow::ToOwned, vec::Vec};
use sample::{document, no_document};

fn epochs(rig: &Rig) -> Vec<u64> {
    let epoch = |event: &Event| match event {
        Event::Document { epoch } => Some(*epoch),
        _ => None,
    };
    rig.events.iter().filter_map(epoch).collect()
}

#[test]
fn the_latest_is_the_one_that_came_last_and_five_are_kept() {
    let mut rig = Rig::up();
    for epoch in 1..=7 {
        rig.say(&document(epoch, 1));
    }
    assert_eq!(rig.machine.status().epoch, Some(7));
    let kept: Vec<_> = (0..10).filter(|epoch| rig.machine.document_for_epoch(*epoch).is_some()).collect();
    assert_eq!(kept, [3, 4, 5, 6, 7]);
    assert_eq!(kept.len(), DOCUMENTS_MAX);
}

#[test]
fn an_older_one_that_comes_late_is_the_latest_and_kept() {
    let mut rig = Rig::up();
    for epoch in 10..15 {
        rig.say(&document(epoch, 1));
    }
    rig.say(&document(1, 1));
    assert_eq!(rig.machine.document().map(|latest| latest.epoch()), Some(1));
    assert!(rig.machine.document_for_epoch(1).is_some());
    assert!(rig.machine.document_for_epoch(10).is_none());
}

#[test]
fn one_event_comes_per_change_of_epoch() {
    let mut rig = Rig::up();
    for (epoch, key) in [(1, 1), (1, 1), (1, 2), (2, 1), (1, 1), (2, 2)] {
        rig.say(&document(epoch, key));
    }
    assert_eq!(epochs(&rig), [1, 2, 1, 2]);
    // What came last of an epoch is what is kept.
    let kept = rig.machine.document_for_epoch(2).and_then(|kept| kept.couriers().next());
    assert_eq!(kept.map(|courier| courier.identity_hash), Some(crate::wire::IdentityHash::of_key(&[2; 32])));
}

#[test]
fn documents_and_sizes_outlive_the_link() {
    let mut rig = Rig::up();
    rig.say(&document(4, 1));
    rig.cut(DisconnectCause::EndOfFile);
    assert_eq!(rig.machine.status().epoch, Some(4));
    let geometry = rig.machine.geometry().unwrap();
    assert_eq!(geometry.max_payload_len(), 2_000);
    assert_eq!(geometry.max_message_len(), 1_549);
}

#[test]
fn connected_means_link_and_mix_network_and_document() {
    let mut rig = Rig::up();
    assert!(!rig.machine.status().is_connected());
    rig.say(&no_document());
    assert!(!rig.machine.status().is_connected());
    rig.say(&document(4, 1));
    assert!(rig.machine.status().is_connected());
    rig.say(&status(1, false));
    assert!(!rig.machine.status().is_connected());
    rig.say(&status(1, true));
    rig.cut(DisconnectCause::EndOfFile);
    assert!(!rig.machine.status().is_connected());
}

#[test]
fn a_status_that_changes_the_mix_network_is_one_event() {
    let mut rig = Rig::up();
    for connected in [true, true, false, false, true] {
        rig.say(&status(1, connected));
    }
    let changes: Vec<_> = rig.events.iter().filter(|event| matches!(event, Event::Mixnet { .. })).collect();
    assert_eq!(
        changes,
        [
            &Event::Mixnet { connected: true },
            &Event::Mixnet { connected: false },
            &Event::Mixnet { connected: true }
        ]
    );
}

fn noticing(epoch: u64, version: Option<&str>, notice: Option<&str>) -> AnyResponse {
    let content = DocumentContent {
        epoch,
        min_client_version: version.map(ToOwned::to_owned),
        client_notice: notice.map(ToOwned::to_owned),
        ..DocumentContent::default()
    };
    AnyResponse::NewPkiDocument(NewPkiDocument { payload: Some(content.encode().into()) })
}

#[test]
fn what_the_authorities_tell_clients_is_an_event_when_it_changes() {
    let mut rig = Rig::up();
    let said = [
        (1, None, None),
        (2, Some("v1"), None),
        (3, Some("v1"), None),
        (3, Some("v1"), Some("soon")),
        (4, Some("v1"), Some("now")),
        (5, None, None),
        (6, Some(""), Some("")),
    ];
    for (epoch, version, notice) in said {
        rig.say(&noticing(epoch, version, notice));
    }
    let notices: Vec<_> = rig
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Notices { epoch } => Some(*epoch),
            _ => None,
        })
        .collect();
    assert_eq!(notices, [2, 3, 4, 5]);
}

#[test]
fn what_is_longer_than_the_network_allows_is_not_shown() {
    for (len, shown) in [(32, true), (33, false)] {
        let mut rig = Rig::up();
        let text = "x".repeat(len);
        rig.say(&noticing(1, Some(&text), Some(&"y".repeat(len + 480))));
        let document = rig.machine.document().unwrap();
        assert_eq!(
            (document.min_client_version().is_some(), document.client_notice().is_some()),
            (shown, shown)
        );
        assert_eq!(rig.events.contains(&Event::Notices { epoch: 1 }), shown);
    }
}
