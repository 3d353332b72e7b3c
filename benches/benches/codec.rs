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
