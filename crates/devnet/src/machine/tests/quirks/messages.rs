//! Messages to services.

use kpthin_core::wire::{IdentityHash, MessageSent, QueueId, SendMessage, SurbId};

use super::*;

pub(super) fn echo(net: &Net, surb: u8) -> SendMessage {
    SendMessage {
        id: None,
        surb: Surb::Named(SurbId::from([surb; 16])),
        destination_id_hash: net.devnet.network.courier_hash(0).unwrap(),
        recipient_queue_id: QueueId::new("+echo").unwrap(),
        payload: SecretBytes::from("hello"),
    }
}

fn sent(net: &mut Net) -> MessageSent {
    let (conn, _) = client(net);
    let message = echo(net, 4);
    net.send(conn, None, message);
    match net.next(conn) {
        AnyResponse::MessageSent(event) => event,
        other => panic!("{other:?}"),
    }
}

pub(super) const SHOWN: &[Shown] = &[
    shown(&["crash-on-missing-surb"], |net| {
        let (conn, _) = client(net);
        let destination_id_hash = IdentityHash::from([9; 32]);
        let message = SendMessage { surb: Surb::Unnamed, destination_id_hash, ..echo(net, 4) };
        net.send(conn, None, message);
        let AnyResponse::MessageSent(event) = net.next(conn) else { panic!("no event") };
        assert!(event.failure().is_some() && net.devnet.crash().is_none());
        net.pass(secs(6));
        net.devnet.crash().is_some()
    }),
    shown(&["routes"], |net| {
        let event = sent(net);
        let [forward, back] = [event.forward_route, event.return_route].map(Option::unwrap_or_default);
        assert!(forward.iter().eq(back.iter().rev()));
        assert!(forward.iter().all(|name| name.starts_with("devnet-")));
        forward.len() == 5
    }),
    shown(&["empty-err"], |net| sent(net).err.is_some_and(|err| err.is_empty())),
    shown(&["forgotten-surbs"], |net| {
        let (conn, _) = client(net);
        let message = echo(net, 4);
        net.send(conn, None, message);
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        net.pass(secs(5));
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        !received(net, conn).iter().any(|response| matches!(response, AnyResponse::MessageReply(_)))
    }),
];
