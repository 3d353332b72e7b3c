//! Contact vouchers: invitations, and the answers to them (Pigeonhole backend §11, thin-client protocol §6.7).
//!
//! Everything is byte-equal to the reference but the seal of the answer: its key agreement is that of [`mkem`], X25519
//! alone in fields of the real sizes. So an answer sealed here is opened here and by nobody else.

use blake2::{Blake2b256, Digest};
use ciborium::Value;
use kpthin_bacap::{ReadCap, WriteCap};
use thiserror::Error;
use zeroize::Zeroizing;

use super::Entropy;
use super::mkem::{self, PUBLIC_KEY_LEN, PrivateKey, PublicKey, WRAPPED_KEY_LEN};

const SALT_LEN: usize = 32;

/// Why a voucher is of no use.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum VoucherError {
    /// The payload is not the one that the voucher names.
    #[error("the payload does not belong to the voucher")]
    Hash,
    /// The payload is none.
    #[error("the payload is malformed")]
    Malformed,
    /// The answer is sealed to another key, or was damaged.
    #[error("the sealed reply can't be opened")]
    Seal,
    /// The payload is not signed by the stream that it announces.
    #[error("the payload's signature is wrong")]
    Signature,
}

/// An invitation.
pub(crate) struct Minted {
    pub(crate) voucher: [u8; 32],
    pub(crate) payload: Vec<u8>,
    pub(crate) secret_key: PrivateKey,
}

/// Makes an invitation to the stream of a write capability.
pub(crate) fn mint(message_cap: &WriteCap, display_name: &str, entropy: &mut impl Entropy) -> Minted {
    let secret_key = PrivateKey::from_seed(&Zeroizing::new(entropy.draw()));
    let payload = payload(message_cap, display_name, &secret_key.public_key());
    Minted { voucher: voucher_of(&payload), payload, secret_key }
}

/// The name of an invitation.
fn voucher_of(payload: &[u8]) -> [u8; 32] {
    Blake2b256::digest(payload).into()
}

fn payload(message_cap: &WriteCap, display_name: &str, public_key: &PublicKey) -> Vec<u8> {
    let read_cap = message_cap.read_cap().to_bytes().to_vec();
    let please_add = encode([
        ("DisplayName", Value::Text(display_name.to_owned())),
        ("MessageReadCap", Value::Bytes(read_cap)),
    ]);
    let signature = message_cap.sign(&please_add).to_vec();
    let signed = encode([("PleaseAdd", Value::Bytes(please_add)), ("Signature", Value::Bytes(signature))]);
    let public_key = public_key.as_bytes().to_vec();
    encode([("VoucherPubKey", Value::Bytes(public_key)), ("SignedPleaseAdd", Value::Bytes(signed))])
}

/// What accepting an invitation gives.
#[derive(Debug)]
pub(crate) struct Inducted {
    pub(crate) display_name: String,
    pub(crate) read_cap: ReadCap,
    pub(crate) sealed_reply: Vec<u8>,
    pub(crate) salt: [u8; SALT_LEN],
}

/// Accepts an invitation, and seals an answer to whoever made it.
pub(crate) fn induct(
    voucher: &[u8; 32],
    payload: &[u8],
    who_reply: &[u8],
    entropy: &mut impl Entropy,
) -> Result<Inducted, VoucherError> {
    if voucher_of(payload) != *voucher {
        return Err(VoucherError::Hash);
    }
    let Offer { display_name, read_cap, public_key } = open_payload(payload)?;
    let salt = entropy.draw::<SALT_LEN>();
    let reply = Zeroizing::new(reply(who_reply, &salt));
    let sealed_reply = seal(&reply, &public_key, entropy);
    Ok(Inducted { display_name, read_cap: read_cap.mutate(&salt), sealed_reply, salt })
}

/// What an invitation says.
struct Offer {
    display_name: String,
    read_cap: ReadCap,
    public_key: PublicKey,
}

fn open_payload(payload: &[u8]) -> Result<Offer, VoucherError> {
    const MALFORMED: VoucherError = VoucherError::Malformed;
    let payload = decode(payload).ok_or(MALFORMED)?;
    let public_key = bytes(&payload, "VoucherPubKey").and_then(|key| key.try_into().ok());
    let public_key = PublicKey::from_bytes(public_key.ok_or(MALFORMED)?);
    let signed = bytes(&payload, "SignedPleaseAdd").and_then(decode).ok_or(MALFORMED)?;
    // The signature is over the bytes as they came.
    let please_add = bytes(&signed, "PleaseAdd").ok_or(MALFORMED)?;
    let signature = bytes(&signed, "Signature").ok_or(MALFORMED)?;
    let offer = decode(please_add).ok_or(MALFORMED)?;
    let display_name = member(&offer, "DisplayName").and_then(Value::as_text).ok_or(MALFORMED)?;
    let read_cap = bytes(&offer, "MessageReadCap").ok_or(MALFORMED)?;
    let read_cap = ReadCap::from_bytes(read_cap).map_err(|_| MALFORMED)?;
    let signature: &[u8; 64] = signature.try_into().map_err(|_| VoucherError::Signature)?;
    if !read_cap.verify(please_add, signature) {
        return Err(VoucherError::Signature);
    }
    Ok(Offer { display_name: display_name.to_owned(), read_cap, public_key })
}

fn reply(who_reply: &[u8], salt: &[u8; SALT_LEN]) -> Vec<u8> {
    encode([("WhoReply", Value::Bytes(who_reply.to_vec())), ("VoucherSalt", Value::Bytes(salt.to_vec()))])
}

fn seal(reply: &[u8], to: &PublicKey, entropy: &mut impl Entropy) -> Vec<u8> {
    let sealed = mkem::encapsulate([to], reply, entropy);
    let wrapped = sealed.wrapped_keys.iter().map(|key| Value::Bytes(key.to_vec())).collect();
    let sender = sealed.private_key.public_key().as_bytes().to_vec();
    encode([
        ("Envelope", Value::Bytes(sealed.envelope)),
        ("DEKCiphertexts", Value::Array(wrapped)),
        ("EphemeralPublicKey", Value::Bytes(sender)),
    ])
}

/// What the answer to an invitation says.
pub(crate) struct Opened {
    pub(crate) who_reply: Zeroizing<Vec<u8>>,
    pub(crate) salt: [u8; SALT_LEN],
}

/// Opens the answer to an invitation.
pub(crate) fn open(secret_key: &PrivateKey, sealed_reply: &[u8]) -> Result<Opened, VoucherError> {
    let reply = unseal(secret_key, sealed_reply).ok_or(VoucherError::Seal)?;
    let reply = decode(&reply).ok_or(VoucherError::Seal)?;
    let who_reply = bytes(&reply, "WhoReply").ok_or(VoucherError::Seal)?;
    let salt = bytes(&reply, "VoucherSalt").and_then(|salt| salt.try_into().ok());
    Ok(Opened { who_reply: Zeroizing::new(who_reply.to_vec()), salt: salt.ok_or(VoucherError::Seal)? })
}

fn unseal(secret_key: &PrivateKey, sealed_reply: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = decode(sealed_reply)?;
    let sender: [u8; PUBLIC_KEY_LEN] = bytes(&sealed, "EphemeralPublicKey")?.try_into().ok()?;
    let wrapped: Option<Vec<[u8; WRAPPED_KEY_LEN]>> = member(&sealed, "DEKCiphertexts")?
        .as_array()?
        .iter()
        .map(|key| key.as_bytes()?.as_slice().try_into().ok())
        .collect();
    let envelope = bytes(&sealed, "Envelope")?;
    let opened = mkem::decapsulate(secret_key, &PublicKey::from_bytes(sender), &wrapped?, envelope);
    opened.ok().map(Zeroizing::new)
}

/// Writes a map whose members are given in canonical order: the shortest name first.
fn encode<const N: usize>(members: [(&str, Value); N]) -> Vec<u8> {
    let members = members.into_iter().map(|(name, value)| (Value::Text(name.to_owned()), value));
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = ciborium::into_writer(&Value::Map(members.collect()), &mut out);
    out
}

/// Reads a map and nothing behind it.
fn decode(bytes: &[u8]) -> Option<Vec<(Value, Value)>> {
    let mut rest = bytes;
    let value: Value = ciborium::from_reader(&mut rest).ok()?;
    value.into_map().ok().filter(|_| rest.is_empty())
}

fn member<'a>(map: &'a [(Value, Value)], name: &str) -> Option<&'a Value> {
    map.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn bytes<'a>(map: &'a [(Value, Value)], name: &str) -> Option<&'a [u8]> {
    member(map, name)?.as_bytes().map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::pigeonhole::testing::{entries, entropy, hex};

    const FILE: &str = include_str!("../../tests/vectors/voucher.json");

    fn cap(entry: &Json) -> WriteCap {
        WriteCap::from_bytes(&hex(entry, "message_write_cap")).unwrap()
    }

    fn name(entry: &Json) -> &str {
        entry["display_name"].as_str().unwrap()
    }

    #[test]
    fn invitations_are_those_of_the_reference() {
        for entry in entries(FILE, "vouchers", 4) {
            let public_key = PublicKey::from_bytes(hex(&entry, "voucher_public_key").try_into().unwrap());
            let payload = payload(&cap(&entry), name(&entry), &public_key);
            assert_eq!(payload, hex(&entry, "voucher_payload"), "{}", entry["name"]);
            assert_eq!(voucher_of(&payload).to_vec(), hex(&entry, "voucher"));
            let stream = WriteCap::from_voucher(&voucher_of(&payload));
            assert_eq!(stream.to_bytes().to_vec(), hex(&entry, "voucher_write_cap"));
            assert_eq!(stream.read_cap().to_bytes().to_vec(), hex(&entry, "voucher_read_cap"));
        }
    }

    #[test]
    fn invitations_of_the_reference_are_accepted() {
        for entry in entries(FILE, "vouchers", 4) {
            let (voucher, payload) =
                (hex(&entry, "voucher").try_into().unwrap(), hex(&entry, "voucher_payload"));
            let who_reply = hex(&entry, "who_reply");
            let inducted = induct(&voucher, &payload, &who_reply, &mut entropy()).unwrap();
            assert_eq!(inducted.display_name, name(&entry));
            // The seal is as long as the reference's.
            let len = entry["sealed_reply_length"].as_u64().unwrap();
            assert_eq!(inducted.sealed_reply.len() as u64, len, "{}", entry["name"]);
            let salt = hex(&entry, "salt");
            assert_eq!(reply(&who_reply, &salt.clone().try_into().unwrap()), hex(&entry, "reply_plaintext"));
            let offer = open_payload(&payload).unwrap();
            let mutated = offer.read_cap.mutate(&salt).to_bytes().to_vec();
            assert_eq!(mutated, hex(&entry, "mutated_message_read_cap"));
            let mutated = cap(&entry).mutate(&salt).to_bytes().to_vec();
            assert_eq!(mutated, hex(&entry, "mutated_message_write_cap"));
        }
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        let mut seen = 0;
        for entry in entries(FILE, "negative", 20) {
            let code = entry["error_code"].as_u64().unwrap();
            let error = match entry["call"].as_str().unwrap() {
                // The daemon checks the length before this.
                "induct" => match hex(&entry, "voucher").try_into() {
                    Ok(voucher) => {
                        induct(&voucher, &hex(&entry, "voucher_payload"), b"", &mut entropy()).unwrap_err()
                    }
                    Err(_) => continue,
                },
                "open" => {
                    if WriteCap::from_bytes(&hex(&entry, "message_write_cap")).is_err() {
                        continue; // The same goes for this.
                    }
                    let Some(key) = PrivateKey::from_bytes(&hex(&entry, "voucher_secret_key")) else {
                        continue;
                    };
                    match open(&key, &hex(&entry, "sealed_reply")) {
                        Err(error) => error,
                        Ok(_) => panic!("{} was opened", entry["name"]),
                    }
                }
                other => panic!("{other}"),
            };
            seen += 1;
            let expected = match error {
                VoucherError::Hash => 28,
                VoucherError::Malformed => 3,
                VoucherError::Seal => 30,
                VoucherError::Signature => 29,
            };
            assert_eq!(code, expected, "{}", entry["name"]);
        }
        assert_eq!(seen, 18);
    }

    #[test]
    fn an_answer_is_opened_with_the_key_of_the_invitation_and_no_other() {
        let entropy = &mut entropy();
        let message_cap = WriteCap::from_seed(&[1; 32]);
        let minted = mint(&message_cap, "Alice", entropy);
        let inducted = induct(&minted.voucher, &minted.payload, b"welcome", entropy).unwrap();
        let opened = open(&minted.secret_key, &inducted.sealed_reply).unwrap();
        assert_eq!((&opened.who_reply[..], opened.salt), (&b"welcome"[..], inducted.salt));
        let mutated = message_cap.mutate(&opened.salt).read_cap();
        assert_eq!(mutated.to_bytes(), inducted.read_cap.to_bytes());

        let other = mint(&message_cap, "Alice", entropy);
        assert!(matches!(open(&other.secret_key, &inducted.sealed_reply), Err(VoucherError::Seal)));
        for at in 0..inducted.sealed_reply.len() {
            assert!(open(&minted.secret_key, &inducted.sealed_reply[..at]).is_err(), "cut at {at}");
        }
    }
}
