//! Whatever is wrong inside a frame costs the call that it names: never the link, and no other call.
//!
//! Damage is made from what an honest daemon says: every kind of reply and event, each of its members, at the front, at
//! the back and in between.

use std::{collections::BTreeMap, time::Duration};

use ciborium::Value as Cbor;
use kpthin_core::{
    error::CallError,
    machine::{LinkStatus, limits},
    testing::Drive,
    wire::{AnyRequest, AnyResponse, RequestFrame, RequestKind},
};
use kpthin_tests::{Net, Pair, Solo, every::every, sample};

const SECOND: Duration = Duration::from_secs(1);

/// A member's key and value as they are written.
type Member = (Vec<u8>, Vec<u8>);

fn bytes_of(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn text(text: &str) -> Vec<u8> {
    bytes_of(&Cbor::Text(text.to_owned()))
}

/// The name and the members of an honest frame.
fn taken_apart(response: &AnyResponse) -> (String, Vec<Member>) {
    let frame = sample::frame(response);
    let Ok(Cbor::Map(mut outer)) = ciborium::from_reader(&frame[4..]) else { panic!("no map") };
    let (Cbor::Text(name), Cbor::Map(members)) = outer.remove(0) else { panic!("no member") };
    (name, members.iter().map(|(key, value)| (bytes_of(key), bytes_of(value))).collect())
}

/// A map of members in their order.
fn map_of(members: &[Member]) -> Vec<u8> {
    let mut bytes = vec![0xb8, u8::try_from(members.len()).unwrap()];
    members.iter().for_each(|(key, value)| bytes.extend([&key[..], value].concat()));
    bytes
}

fn body_of(name: &str, members: &[Member]) -> Vec<u8> {
    [&[0xa1][..], &text(name), &map_of(members)].concat()
}

fn array(len: u32) -> Vec<u8> {
    let mut bytes = vec![0x9a];
    bytes.extend(len.to_be_bytes());
    bytes.resize(bytes.len() + len as usize, 0x00);
    bytes
}

fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = vec![0x81; levels];
    bytes.push(0x00);
    bytes
}

/// Values that no member has. The last two are long: they are not tried everywhere.
fn values() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a float", vec![0xfb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]),
        ("a text that is none", vec![0x61, 0xff]),
        ("33 levels", nested(33)),
        ("33 open levels", [&[0x9f; 32][..], &[0x81, 0x00], &[0xff; 32]].concat()),
        ("a million levels", nested(1_000_000)),
        ("131,073 items", array(131_073)),
    ]
}

const SHORT: usize = 4;

/// A frame's body, and whether it can be told whom it names.
struct Damaged {
    what: String,
    body: Vec<u8>,
    named: bool,
}

/// Damages a frame at a member, with the members rotated so that it stands at the front, in between and at the back.
///
/// `key` is the member that names the call. What is wrong with it names nobody.
fn damaged(name: &str, members: &[Member], key: &str, at: usize, rotated: usize) -> Vec<Damaged> {
    let key = text(key);
    let mut members = members.to_vec();
    members.rotate_left(rotated);
    let at = (at + members.len() - rotated) % members.len();
    let is_key = members[at].0 == key;
    let label = String::from_utf8_lossy(&members[at].0).into_owned();
    let of = |what: &str, body, named| Damaged { what: format!("{name}.{label}: {what}"), body, named };
    let mut all = Vec::new();
    // The long values once in each place of a frame.
    let places = [0, members.len() / 2, members.len() - 1];
    let long = if rotated == 0 && places.contains(&at) { values().len() } else { SHORT };
    for (what, value) in values().into_iter().take(long) {
        let mut changed = members.clone();
        changed[at].1 = value;
        all.push(of(what, body_of(name, &changed), !is_key));
    }
    let mut twice = members.clone();
    twice.push(members[at].clone());
    all.push(of("twice", body_of(name, &twice), true));

    // The frame ends in the middle of the member; what stood in front of it is known.
    let mut whole = body_of(name, &members[..=at]);
    whole.truncate(whole.len() - members[at].1.len().div_ceil(2));
    let before = members[..at].iter().any(|(other, _)| *other == key);
    all.push(of("cut off", whole, before));

    if is_key {
        let stranger = (key, bytes_of(&Cbor::Bytes(vec![0xee; 16])));
        let mut two = members.clone();
        two.insert(at + 1, stranger.clone());
        all.push(of("and a stranger behind", body_of(name, &two), true));
        // The first one counts.
        two.swap(at, at + 1);
        all.push(of("and a stranger in front", body_of(name, &two), false));
    }
    all
}

/// What stands beside the members that are known, in the value of the frame and around it.
fn beside(name: &str, members: &[Member]) -> Vec<Damaged> {
    let mut all = Vec::new();
    for (number, (what, value)) in values().into_iter().enumerate().skip(1) {
        let long = number >= SHORT;
        for at in [0, members.len() / 2, members.len()].into_iter().take(if long { 1 } else { 3 }) {
            let mut more = members.to_vec();
            more.insert(at, (text("unknown"), value.clone()));
            all.push(Damaged {
                what: format!("{name} with {what}"),
                body: body_of(name, &more),
                named: true,
            });
        }
        let own = [text(name), map_of(members)].concat();
        let other = [text("unknown"), value].concat();
        for both in [[&own, &other], [&other, &own]] {
            let body = [&[0xa2][..], both[0], both[1]].concat();
            all.push(Damaged { what: format!("{name} beside {what}"), body, named: true });
        }
    }
    all
}

/// The id in an honest frame, replaced by that of the call.
fn named(body: &[u8], honest: &[u8; 16], frame: &RequestFrame) -> Vec<u8> {
    let id = match &frame.request {
        AnyRequest::SendMessage(send) => *send.surb.id().expect("a message has one").as_bytes(),
        _ => *frame.query_id.expect("a query has one").as_bytes(),
    };
    let mut body = body.to_vec();
    if let Some(at) = body.windows(16).position(|window| window == honest) {
        body[at..at + 16].copy_from_slice(&id);
        // Twice, if the member stands there twice.
        if let Some(next) = body[at + 16..].windows(16).position(|window| window == honest) {
            body[at + 16 + next..][..16].copy_from_slice(&id);
        }
    }
    body
}

/// One honest response to each kind of request, and to a message both, with the request.
fn honest() -> Vec<(AnyRequest, AnyResponse, [u8; 16])> {
    let mut pair = Pair::up(1, Net::instant(1));
    let requests = every(&mut pair);
    let mut all = Vec::new();
    for request in requests {
        let before = (pair.tap.written.len(), pair.tap.received.len());
        let call = pair.start(request.clone());
        assert!(pair.settle(600 * SECOND), "{:?}", request.kind());
        let refused = pair.result(call).is_err();
        let frame = &pair.tap.written[before.0].frame;
        for (_, response) in &pair.tap.received[before.1..] {
            let id = match (response, &frame.request) {
                (AnyResponse::Reply(reply), _) => {
                    reply.query_id.filter(|id| Some(*id) == frame.query_id).map(|id| *id.as_bytes())
                }
                (AnyResponse::MessageSent(event), AnyRequest::SendMessage(_)) => {
                    event.surbid.map(|id| *id.as_bytes())
                }
                (AnyResponse::MessageReply(event), AnyRequest::SendMessage(_)) => {
                    event.surbid.map(|id| *id.as_bytes())
                }
                _ => None,
            };
            all.extend(id.map(|id| (refused, request.clone(), response.clone(), id)));
        }
    }
    // One that succeeds has more members.
    all.sort_by_key(|(refused, ..)| *refused);
    all.into_iter().map(|(_, request, response, id)| (request, response, id)).collect()
}

/// Hands a damaged frame to a machine with two calls outstanding.
fn endure(rig: &mut Solo, request: &AnyRequest, honest: &AnyResponse, id: &[u8; 16], damage: &Damaged) {
    let what = &damage.what;
    let (call, frame) = rig.start(request.clone());
    let (other, asked) = rig.start(sample::counter(1));
    rig.input(&sample::frame_of(&named(&damage.body, id, &frame)));
    if damage.named {
        assert_eq!(rig.ended.remove(&call), Some(Err(CallError::Undecodable)), "{what}");
    } else {
        assert_eq!(rig.ended.get(&call), None, "{what}");
        let answer = sample::frame(honest);
        rig.input(&sample::frame_of(&named(&answer[4..], id, &frame)));
        if !rig.ended.contains_key(&call) {
            // A message that has left waits for its reply; it is not what this is about.
            assert!(matches!(honest, AnyResponse::MessageSent(_)), "{what}");
            rig.machine.cancel(rig.now, call);
            rig.drain();
        }
        rig.ended.remove(&call);
    }
    rig.input(&sample::frame(&sample::answer(&asked).expect("there is an answer")));
    assert!(matches!(rig.ended.remove(&other), Some(Ok(_))), "{what}");
    assert_eq!((rig.disconnects, rig.machine.status().link), (0, LinkStatus::Up), "{what}");
    rig.wait(60 * SECOND);
}

#[test]
fn a_frame_that_can_not_be_used_ends_the_call_it_names_and_nothing_else() {
    let mut tried = BTreeMap::<String, usize>::new();
    let mut rig = Solo::up();
    for (request, response, id) in honest() {
        let (name, members) = taken_apart(&response);
        if tried.contains_key(&name) {
            continue;
        }
        let key = if request.kind() == RequestKind::SendMessage { "surbid" } else { "query_id" };
        let places = (0..members.len()).flat_map(|at| (0..members.len()).map(move |rotated| (at, rotated)));
        let all = places.flat_map(|(at, rotated)| damaged(&name, &members, key, at, rotated));
        let mut count = 0;
        for damage in all.chain(beside(&name, &members)) {
            endure(&mut rig, &request, &response, &id, &damage);
            count += 1;
        }
        tried.insert(name, count);
    }
    // 18 kinds of replies and two events.
    assert_eq!(tried.len(), 20, "{tried:?}");
    assert!(tried.values().sum::<usize>() > 3_000, "{tried:?}");
}

#[test]
fn a_broadcast_that_can_not_be_used_changes_nothing() {
    let broadcasts = [sample::status([1; 16].into(), true), sample::no_document(), sample::session(true)];
    for response in broadcasts {
        let (name, members) = taken_apart(&response);
        let mut rig = Solo::up();
        for at in 0..members.len() {
            for damage in
                damaged(&name, &members, "query_id", at, 0).into_iter().chain(beside(&name, &members))
            {
                let (call, asked) = rig.start(sample::counter(1));
                rig.input(&sample::frame_of(&damage.body));
                assert_eq!(
                    (rig.disconnects, rig.machine.status().link),
                    (0, LinkStatus::Up),
                    "{}",
                    damage.what
                );
                rig.input(&sample::frame(&sample::answer(&asked).expect("there is an answer")));
                assert!(matches!(rig.ended.remove(&call), Some(Ok(_))), "{}", damage.what);
                rig.wait(60 * SECOND);
            }
        }
    }
}

#[test]
fn what_names_nobody_is_paid_for_by_its_length() {
    let frame = sample::frame_of(&[b"\xa1\x61x\x5a\x00\x10\x00\x00", &vec![0; 1 << 20][..]].concat());
    let mut rig = Solo::up();
    let affordable = limits::IDLE_FRAMES_MAX / limits::IDLE_FRAME_COST_MAX;
    for _ in 0..affordable {
        rig.input(&frame);
    }
    assert_eq!(rig.disconnects, 0);
    rig.input(&frame);
    assert_eq!(rig.disconnects, 1);
}
