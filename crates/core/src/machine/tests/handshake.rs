//! §3.2: who says what before the link is up.

use alloc::{string::ToString, vec, vec::Vec};

use super::*;
use crate::{
    machine::HandshakeStep,
    wire::{ConnectionStatus, NewPkiDocument},
};
use sample::{document, echo, message, quick, stray, write};

/// The greeting, then the reply to the token.
fn script() -> [AnyResponse; 3] {
    [status(1, true), no_document(), session(false)]
}

#[test]
fn nothing_but_the_token_is_written_before_its_reply() {
    let mut rig = Rig::dialling();
    let calls = [rig.start(quick(1)), rig.start(write(1)), rig.start(message(1))];
    rig.connected();
    assert_eq!(rig.kinds(), []);
    rig.say(&status(1, true));
    assert_eq!(rig.kinds(), []);
    rig.say(&no_document());
    let token = rig.one();
    assert_eq!((token.request.kind(), token.query_id), (RequestKind::SessionToken, None));
    rig.start(quick(2));
    rig.wait(s(60));
    assert_eq!(rig.kinds(), []);
    rig.say(&session(false));
    assert_eq!(rig.written().len(), 4);
    assert!(calls.iter().all(|call| !rig.results.contains_key(call)));
    assert!(rig.events.contains(&Event::LinkUp));
    assert!(!rig.events.iter().any(|event| matches!(event, Event::Reconnected { .. })));
}

#[test]
fn whatever_comes_in_between_is_processed_and_the_handshake_completes() {
    let extras = [
        status(1, false),
        document(5, 1),
        AnyResponse::Shutdown(crate::wire::Shutdown {}),
        echo(SurbId::from([1; 16])),
        stray(),
    ];
    for (which, extra) in extras.iter().enumerate() {
        for before in 0..3 {
            let mut rig = Rig::dialling();
            rig.connected();
            for (step, response) in script().iter().enumerate() {
                if step == before {
                    rig.say(extra);
                }
                rig.say(response);
            }
            let up = rig.machine.status();
            // A document that comes ahead of the first frame is not the second one.
            assert_eq!(up.link, LinkStatus::Up, "{which} before {before}");
            assert_eq!(rig.kinds(), [RequestKind::SessionToken]);
            assert_eq!(up.epoch, (which == 1).then_some(5), "{which} before {before}");
            assert_eq!(rig.events.contains(&Event::DaemonShutdown), which == 2);
            assert_eq!(up.mixnet, which != 0 || before == 0);
        }
    }
}

#[test]
fn between_the_document_and_the_writing_of_the_token_too() {
    let shutdown = AnyResponse::Shutdown(crate::wire::Shutdown {});
    for extra in [status(1, false), document(5, 1), shutdown, echo(SurbId::from([1; 16])), stray()] {
        let mut rig = Rig::dialling();
        rig.connected();
        rig.stuck = true;
        rig.say(&status(1, true));
        rig.say(&no_document());
        rig.say(&extra);
        rig.stuck = false;
        rig.say(&stray());
        assert_eq!(rig.kinds(), [RequestKind::SessionToken]);
        rig.say(&session(false));
        assert_eq!(rig.machine.status().link, LinkStatus::Up);
    }
}

#[test]
fn a_reply_queued_for_the_session_ends_its_message_before_the_token_is_answered() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.say(&sample::sent(surb, 0));
    rig.cut(DisconnectCause::EndOfFile);
    rig.redial();
    rig.connected();
    rig.say(&status(1, true));
    rig.say(&no_document());
    rig.say(&echo(surb));
    assert!(rig.ended_well(call));
}

#[test]
fn a_token_reply_that_nobody_asked_for_changes_nothing() {
    let mut rig = Rig::dialling();
    rig.connected();
    rig.say(&session(true));
    rig.say(&status(1, true));
    rig.say(&session(true));
    assert_eq!((rig.machine.status().link, rig.kinds().len()), (LinkStatus::Handshake, 0));
    rig.stuck = true;
    rig.say(&no_document());
    rig.say(&session(true));
    assert_eq!(rig.machine.status().link, LinkStatus::Handshake);
}

#[test]
fn each_step_times_out_after_90_s_by_name() {
    let steps = [HandshakeStep::Status, HandshakeStep::Document, HandshakeStep::Session];
    for (heard, step) in steps.into_iter().enumerate() {
        let mut rig = Rig::dialling();
        rig.connected();
        for response in &script()[..heard] {
            rig.wait(s(80));
            rig.say(response);
        }
        rig.wait(s(90) - ms(1));
        assert_eq!(rig.disconnects, []);
        rig.wait(ms(1));
        assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Drain)]);
        rig.cut(DisconnectCause::Local);
        let timeout = LinkError::HandshakeTimeout { step, timeout: s(90) };
        assert_eq!((rig.down(), rig.down().to_string().contains("90 s")), (&timeout, true));
    }
}

#[test]
fn what_breaks_off_the_handshake_names_the_step() {
    let steps = [HandshakeStep::Status, HandshakeStep::Document, HandshakeStep::Session];
    for (heard, step) in steps.into_iter().enumerate() {
        let mut rig = Rig::dialling();
        rig.connected();
        for response in &script()[..heard] {
            rig.say(response);
        }
        rig.cut(DisconnectCause::Reset);
        assert_eq!(rig.down(), &LinkError::Handshake { step, cause: DisconnectCause::Reset });
    }
}

#[test]
fn a_first_status_without_geometries_is_refused_and_a_later_one_is_not() {
    let bare = || {
        let AnyResponse::ConnectionStatus(full) = status(1, true) else { panic!("no status") };
        let status = ConnectionStatus { sphinx_geometry: None, ..full };
        AnyResponse::ConnectionStatus(status)
    };
    let mut rig = Rig::dialling();
    rig.connected();
    rig.say(&bare());
    assert_eq!(rig.disconnects.len(), 1);
    rig.cut(DisconnectCause::EndOfFile);
    assert!(matches!(rig.down(), LinkError::HandshakeRefused { step: HandshakeStep::Status, .. }));

    let mut rig = Rig::up();
    rig.say(&bare());
    assert_eq!((rig.disconnects.len(), rig.machine.geometry().is_some()), (0, true));
}

/// Every size of a status, with a way to set it.
type Sizes = [(&'static str, fn(&mut ConnectionStatus) -> &mut u64); 17];

const SIZES: Sizes = {
    const fn sphinx(status: &mut ConnectionStatus) -> &mut crate::wire::SphinxGeometry {
        status.sphinx_geometry.as_mut().unwrap()
    }
    const fn boxes(status: &mut ConnectionStatus) -> &mut crate::wire::PigeonholeGeometry {
        status.pigeonhole_geometry.as_mut().unwrap()
    }
    [
        ("PacketLength", |status| &mut sphinx(status).packet_length),
        ("NrHops", |status| &mut sphinx(status).nr_hops),
        ("HeaderLength", |status| &mut sphinx(status).header_length),
        ("RoutingInfoLength", |status| &mut sphinx(status).routing_info_length),
        ("PerHopRoutingInfoLength", |status| &mut sphinx(status).per_hop_routing_info_length),
        ("SURBLength", |status| &mut sphinx(status).surb_length),
        ("SphinxPlaintextHeaderLength", |status| &mut sphinx(status).sphinx_plaintext_header_length),
        ("PayloadTagLength", |status| &mut sphinx(status).payload_tag_length),
        ("ForwardPayloadLength", |status| &mut sphinx(status).forward_payload_length),
        ("UserForwardPayloadLength", |status| &mut sphinx(status).user_forward_payload_length),
        ("NextNodeHopLength", |status| &mut sphinx(status).next_node_hop_length),
        ("SPRPKeyMaterialLength", |status| &mut sphinx(status).sprp_key_material_length),
        ("MaxPlaintextPayloadLength", |status| &mut boxes(status).max_plaintext_payload_length),
        ("CourierQueryReadLength", |status| &mut boxes(status).courier_query_read_length),
        ("CourierQueryWriteLength", |status| &mut boxes(status).courier_query_write_length),
        ("CourierQueryReplyReadLength", |status| &mut boxes(status).courier_query_reply_read_length),
        ("CourierQueryReplyWriteLength", |status| &mut boxes(status).courier_query_reply_write_length),
    ]
};

#[test]
fn sizes_that_no_network_has_are_refused_by_name_and_passed_over_later() {
    for (name, place) in SIZES {
        for size in [0, (1 << 32) + 1, u64::MAX - 453, u64::MAX] {
            let AnyResponse::ConnectionStatus(mut bad) = status(1, true) else { panic!("no status") };
            *place(&mut bad) = size;
            let bad = AnyResponse::ConnectionStatus(bad);
            let mut rig = Rig::dialling();
            rig.connected();
            rig.say(&bad);
            rig.cut(DisconnectCause::Local);
            let text = rig.down().to_string();
            assert!(text.contains(&alloc::format!("{name} is {size}")), "{text}");

            let mut rig = Rig::up();
            let known = rig.machine.geometry().cloned();
            rig.say(&bad);
            assert_eq!((rig.machine.geometry().cloned(), rig.disconnects.len()), (known, 0), "{name}");
        }
    }
}

#[test]
fn a_document_that_can_not_be_read_does_not_stop_the_handshake() {
    let mut rig = Rig::dialling();
    rig.connected();
    rig.say(&status(1, true));
    rig.say(&AnyResponse::NewPkiDocument(NewPkiDocument { payload: Some(vec![0xff; 9].into()) }));
    rig.say(&session(false));
    assert_eq!((rig.machine.status().link, rig.machine.document()), (LinkStatus::Up, None));
}

#[test]
fn input_of_an_old_link_is_ignored_in_every_form() {
    let mut rig = Rig::up();
    let (call, asked) = rig.send(quick(1));
    let old = rig.link();
    rig.replace(1, true);
    rig.answer(&rig.frames[0].clone());
    assert!(rig.ended_well(call));
    let new = rig.link();
    let before = rig.events.len();
    rig.machine.handle_input(rig.now, old, &frame(&good(&asked)));
    rig.machine.handle_input(rig.now, old, &[0xff; 100]);
    rig.machine.handle_disconnected(rig.now, old, DisconnectCause::EndOfFile);
    rig.machine.handle_connect_failed(rig.now, old, "late");
    rig.machine.handle_connected(rig.now, old);
    let mut out = Vec::new();
    rig.start(quick(2));
    rig.machine.poll_transmit(rig.now, old, &mut out);
    rig.drain();
    assert_eq!((out.len(), rig.link(), rig.events.len()), (0, new, before));
    assert_eq!(rig.machine.status().link, LinkStatus::Up);
}

#[test]
fn a_failed_dial_is_an_event_and_another_dial() {
    let mut rig = Rig::dialling();
    let first = rig.link();
    rig.machine.handle_connect_failed(rig.now, first, "refused");
    rig.drain();
    assert_eq!(rig.down().to_string(), "could not connect: refused");
    rig.redial();
    assert_ne!(rig.link(), first);
    rig.handshake(1, false);
}

#[test]
fn the_handshake_is_the_same_byte_by_byte() {
    let mut rig = Rig::dialling();
    rig.connected();
    for byte in script().iter().flat_map(frame) {
        rig.input(&[byte]);
    }
    assert_eq!(rig.machine.status().link, LinkStatus::Up);
    assert_eq!(rig.machine.status().instance, Some(sample::bytes::<16>(1).into()));
}

#[test]
fn a_partial_frame_does_not_reach_the_next_link() {
    let mut rig = Rig::up();
    rig.input(&frame(&status(1, false))[..20]);
    rig.replace(1, true);
    assert!(rig.machine.status().mixnet);
}
