//! The codec alone: one frame encoded, one frame decoded.

use divan::{AllocProfiler, Bencher, counter::ItemsCount};
use kpthin_benches::{Stub, encrypt_write};
use kpthin_core::wire::{AnyResponse, QueryId, RequestFrame};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn request() -> RequestFrame {
    RequestFrame { query_id: Some(QueryId::from([1; 16])), request: encrypt_write() }
}

#[divan::bench]
fn encode_encrypt_write(bencher: Bencher<'_, '_>) {
    let request = request();
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(1usize)).bench_local(|| {
        out.clear();
        request.encode(&mut out).expect("the frame is small");
        out.len()
    });
}

#[divan::bench]
fn decode_encrypt_write(bencher: Bencher<'_, '_>) {
    let mut out = Vec::new();
    request().encode(&mut out).expect("the frame is small");
    bencher
        .counter(ItemsCount::new(1usize))
        .bench_local(|| RequestFrame::decode(divan::black_box(&out[4..])).expect("the frame is whole"));
}

#[divan::bench]
fn decode_encrypt_write_reply(bencher: Bencher<'_, '_>) {
    let (mut input, mut out) = (Vec::new(), Vec::new());
    request().encode(&mut input).expect("the frame is small");
    assert_eq!(Stub::new().answer(&mut input, &mut out), 1);
    bencher
        .counter(ItemsCount::new(1usize))
        .bench_local(|| AnyResponse::decode(divan::black_box(&out[4..])).expect("the frame is whole"));
}

/// The daemon writes every member of its responses, all but one of them `null` (§2.1).
#[divan::bench]
fn decode_reply_among_24_nulls(bencher: Bencher<'_, '_>) {
    let (mut input, mut out) = (Vec::new(), Vec::new());
    request().encode(&mut input).expect("the frame is small");
    assert_eq!(Stub::new().answer(&mut input, &mut out), 1);
    let mut body = vec![0xb8, 25];
    // The set one stands among the others.
    for name in 0..24_u8 {
        if name == 12 {
            body.extend_from_slice(&out[5..]);
        }
        body.extend_from_slice(b"\x78\x20create_courier_envelopes_reply_");
        body.extend_from_slice(&[b'a' + name, 0xf6]);
    }
    bencher.counter(ItemsCount::new(1usize)).bench_local(|| {
        AnyResponse::decode(divan::black_box(&body)).expect("the frame is whole").expect("a member is set")
    });
}
