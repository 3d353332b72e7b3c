//! Sizes of boxes and packets, as every node of a network derives them.

use kpthin_core::wire::{AnyResponse, ConnectionStatus, Geometry, PigeonholeGeometry, SphinxGeometry};
use serde_json::Value as Json;

use crate::support::{Message, assert_same, json, list, typed};

fn size(json: &Json) -> u64 {
    json.as_u64().unwrap()
}

/// A status event's body with these geometry maps, written by another encoder.
fn status(sphinx: &Json, pigeonhole: &Json) -> ConnectionStatus {
    let event = serde_json::json!({
        "connection_status_event": {
            "err": null,
            "instance_token": { "bytes": "00".repeat(16) },
            "is_connected": true,
            "pigeonhole_geometry": pigeonhole,
            "sphinx_geometry": sphinx,
        }
    });
    let mut body = Vec::new();
    ciborium::into_writer(&typed(&event), &mut body).unwrap();
    let decoded = Message::decode("response", &body).unwrap().unwrap();
    let (_, member) = decoded.member();
    assert_same("status", &typed(&event["connection_status_event"]), &member);
    match decoded {
        Message::Response(AnyResponse::ConnectionStatus(status)) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_geometry_is_derived_or_refused() {
    let vectors = json("geometry.json");
    let (mut derived, mut refused) = (0, 0);
    for entry in list(&vectors["pigeonhole"]) {
        let len = size(&entry["user_forward_payload_length"]);
        let geometry = PigeonholeGeometry::from_user_forward_payload_length(len);
        if entry.get("error").is_some() {
            assert_eq!(geometry, None, "{len}");
            refused += 1;
            continue;
        }
        let received = status(&Json::Null, &entry["geometry"]).pigeonhole_geometry;
        assert_eq!(geometry, received, "{len}");
        let (geometry, sizes) = (geometry.unwrap(), &entry["derived"]);
        // The envelope is the query without its type byte.
        assert_eq!(geometry.courier_query_write_length, size(&sizes["courier_envelope"]) + 1, "{len}");
        assert_eq!(geometry.max_plaintext_payload_length + 4, size(&sizes["padded_box_plaintext"]), "{len}");
        derived += 1;
    }
    assert!(derived >= 5 && refused >= 2);
}

#[test]
fn no_length_overflows() {
    for len in [450, 451, (1 << 32) + 1, u64::MAX - 3, u64::MAX] {
        assert_eq!(PigeonholeGeometry::from_user_forward_payload_length(len), None, "{len}");
    }
    assert!(PigeonholeGeometry::from_user_forward_payload_length(452).is_some());
}

#[test]
fn both_geometries_of_a_status_event_give_the_limits() {
    let vectors = json("geometry.json");
    let mut sphinx = vectors["sphinx_example"].clone();
    assert!(sphinx.as_object_mut().unwrap().remove("note").is_some());
    let len = size(&sphinx["UserForwardPayloadLength"]);
    let pigeonhole = PigeonholeGeometry::from_user_forward_payload_length(len).unwrap();

    let decoded: SphinxGeometry = status(&sphinx, &Json::Null).sphinx_geometry.unwrap();
    assert_eq!(decoded.packet_length, size(&sphinx["PacketLength"]));
    assert_eq!(decoded.surb_length, size(&sphinx["SURBLength"]));
    assert_eq!(decoded.forward_payload_length, size(&sphinx["ForwardPayloadLength"]));
    let geometry = Geometry::new(decoded, pigeonhole).unwrap();
    assert_eq!(u64::try_from(geometry.max_payload_len()).unwrap(), len);
    assert_eq!(u64::try_from(geometry.max_message_len()).unwrap(), len - 451);
}
