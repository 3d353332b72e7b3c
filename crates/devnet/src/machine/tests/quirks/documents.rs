//! Documents, and what needs one.

use kpthin_core::pki::Document;

use super::*;

fn encrypt_read(keys: &KeypairReply) -> EncryptRead {
    EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: keys.first_message_index.clone() }
}

pub(super) const SHOWN: &[Shown] = &[
    shown(&["document-order"], |net| {
        let conn = net.connect();
        let (_, greeted) = net.greeting(conn);
        let _ = net.present(conn, 1);
        net.act(Devnet::advance_epoch);
        let AnyResponse::NewPkiDocument(news) = net.next(conn) else { panic!("no document") };
        let [greeted, news] = [greeted, news].map(|document| document.payload.unwrap());
        assert!(Document::decode(&news).is_ok());
        // The first key of each.
        greeted[1..6] != news[1..6]
    }),
    shown(&["document-notices"], |net| {
        let conn = net.connect();
        let (_, NewPkiDocument { payload }) = net.greeting(conn);
        let document = Document::decode(&payload.unwrap()).unwrap();
        let service = document.service_nodes().next().unwrap().descriptor().unwrap();
        let there = [
            document.client_notice().is_some(),
            document.min_client_version().is_some(),
            service.software_version.is_some(),
            service.contact_info.is_some(),
            service.quic_key_hash.as_ref().is_some_and(|hash| hash.len() == 32),
            document.storage_replicas().next().unwrap().software_version.is_some(),
        ];
        assert!(there.iter().all(|it| *it == there[0]), "{there:?}");
        there[0]
    }),
    shown(&["document-wait=4000"], |net| {
        let (conn, keys) = client(net);
        net.set_fault("missing-document");
        let _ = net.ask(conn, encrypt_read(&keys));
        let waits = !answers(net, conn);
        net.pass(secs(4));
        assert_eq!(!replies(net, conn).is_empty(), waits);
        waits
    }),
    shown(&["unavailable-code"], |net| {
        let (conn, keys) = client(net);
        net.set_fault("missing-document");
        let _ = net.ask(conn, encrypt_read(&keys));
        net.pass(secs(10));
        let code = net.reply(conn).result.unwrap_err().error_code;
        assert!(code == 4 || code == 10);
        code == 10
    }),
    shown(&["index-walk"], |net| {
        let (conn, keys) = client(net);
        let other = net.keypair(conn, 2);
        let foreign = EncryptRead { message_box_index: other.first_message_index, ..encrypt_read(&keys) };
        assert!(net.call(conn, encrypt_read(&keys)).is_ok());
        let later = EncryptRead { message_box_index: index_at(&keys, 9), ..encrypt_read(&keys) };
        assert!(net.call(conn, later).is_ok());
        match net.call(conn, foreign) {
            Ok(_) => false,
            // Whichever of the two streams begins further ahead.
            Err((code, _)) => code == 33 || code == 34,
        }
    }),
    shown(&["missing-index"], |net| {
        let (conn, keys) = client(net);
        let sealed = net.encrypt_read(conn, &keys);
        let request = without(read(&keys, &sealed), "message_box_index");
        let _ = net.ask(conn, request);
        let refused = !replies(net, conn).is_empty();
        assert_eq!(net.devnet.operations() == 0, refused);
        !refused
    }),
];
