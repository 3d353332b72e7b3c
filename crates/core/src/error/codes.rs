//! The two namespaces of error codes (§5.1, §5.2).

macro_rules! codes {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $( $(#[$variant_doc:meta])* $variant:ident = $code:literal, $text:literal; )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_doc])* #[error("{} (code {})", $text, $code)] $variant, )*
            /// A code that the protocol does not name.
            #[error("unknown error code {0}")]
            Unknown(u8),
        }

        impl $name {
            /// The named errors, in the order of their codes.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$variant),*];

            /// The error behind a code other than 0.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code { $( $code => Self::$variant, )* code => Self::Unknown(code) }
            }

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $( Self::$variant => $code, )* Self::Unknown(code) => code }
            }
        }
    };
}

codes! {
    /// A code of the thin-client namespace: what the daemon says of itself and of couriers (§5.1).
    pub enum DaemonError {
        /// Never sent by the reference daemon.
        ConnectionLost = 1, "connection lost";
        /// Never sent by the reference daemon.
        Timeout = 2, "timeout";
        /// A member is missing or invalid: the request has to change.
        InvalidRequest = 3, "invalid request";
        /// No document, no courier or replica, or something unforeseen: trying later may help.
        InternalError = 4, "internal error of the daemon";
        /// Never sent by the reference daemon.
        MaxRetries = 5, "retries exhausted";
        /// Never sent by the reference daemon.
        InvalidChannel = 6, "invalid channel";
        /// Never sent by the reference daemon.
        ChannelNotFound = 7, "channel not found";
        /// Never sent by the reference daemon.
        PermissionDenied = 8, "permission denied";
        /// Never sent by the reference daemon.
        InvalidPayload = 9, "invalid payload";
        /// No document of that epoch is cached, or no authority is configured.
        ServiceUnavailable = 10, "service unavailable";
        /// Never sent by the reference daemon.
        DuplicateCapability = 11, "duplicate capability";
        /// The courier lost what it knew of the envelope: encrypt afresh.
        CourierCacheCorruption = 12, "courier cache corruption";
        /// The courier could not reach the replicas: encrypt afresh.
        PropagationError = 13, "courier could not reach the replicas";
        /// Never sent by the reference daemon.
        InvalidWriteCapability = 14, "invalid write capability";
        /// Never sent by the reference daemon.
        InvalidReadCapability = 15, "invalid read capability";
        /// Never sent by the reference daemon.
        InvalidResumeWriteChannelRequest = 16, "invalid resume of a write channel";
        /// Never sent by the reference daemon.
        InvalidResumeReadChannelRequest = 17, "invalid resume of a read channel";
        /// Never sent by the reference daemon.
        ImpossibleHash = 18, "impossible hash";
        /// Never sent by the reference daemon.
        ImpossibleNewWriteCap = 19, "impossible new write capability";
        /// Never sent by the reference daemon.
        ImpossibleNewStatefulWriter = 20, "impossible new stateful writer";
        /// Never sent by the reference daemon.
        CapabilityAlreadyInUse = 21, "capability already in use";
        /// The reply opens with neither replica's key, for example after an epoch: encrypt afresh.
        MkemDecryptionFailed = 22, "reply not decryptable with either replica's key";
        /// The box's signature or content is wrong: another replica may have a good one.
        BacapDecryptionFailed = 23, "box signature or decryption failed";
        /// Calls that end so give [`Cancelled`](super::CallError::Cancelled) or
        /// [`CancelledElsewhere`](super::CallError::CancelledElsewhere) instead.
        StartResendingCancelled = 24, "cancelled";
        /// A replica claimed a tombstone that the owner did not sign: another may know better.
        InvalidTombstoneSignature = 25, "tombstone signature invalid";
        /// Calls that end so give [`Copy`](super::CallError::Copy) instead.
        CopyCommandFailed = 26, "copy command failed";
        /// Never sent by the reference daemon, which says 3.
        PayloadTooLarge = 27, "payload too large";
        /// The voucher payload belongs to another voucher.
        VoucherHashMismatch = 28, "voucher payload does not match the voucher";
        /// The voucher payload is not signed by the stream it offers.
        VoucherSignatureInvalid = 29, "voucher signature invalid";
        /// The sealed reply is for another key, or malformed.
        VoucherSealOpenFailed = 30, "sealed reply cannot be opened";
        /// The courier refused the envelope: encrypt afresh.
        CourierInvalidEnvelope = 31, "courier refused the envelope";
        /// The envelope is of another replica epoch: encrypt afresh.
        CourierInvalidEpoch = 32, "courier refused the envelope's epoch";
        /// The index is behind the capability's own, or of another stream; newer daemons look (M4).
        IndexNotInChannel = 33, "index not in the capability's stream";
        /// The index is more than 262,144 boxes ahead of the capability's own; newer daemons look (M4).
        IndexTooFar = 34, "index too far ahead of the capability's own";
    }
}

codes! {
    /// A code of the replica namespace: what a storage replica says of a box (§5.2).
    pub enum ReplicaError {
        /// Nothing is stored under that box yet.
        BoxIdNotFound = 1, "box not found";
        /// The box id is no key.
        InvalidBoxId = 2, "invalid box id";
        /// The box is not signed by its owner.
        InvalidSignature = 3, "invalid box signature";
        /// The replica could not store or read.
        DatabaseFailure = 4, "replica database failure";
        /// The content has a wrong length.
        InvalidPayload = 5, "invalid box payload";
        /// The replica takes no more boxes.
        StorageFull = 6, "replica storage full";
        /// Something unforeseen in the replica.
        InternalError = 7, "internal error of the replica";
        /// The replica has no key for the envelope's epoch.
        InvalidEpoch = 8, "invalid replica epoch";
        /// The replica could not reach the box's own replicas.
        ReplicationFailed = 9, "replication failed";
        /// The box holds other content, which stays.
        BoxAlreadyExists = 10, "box already exists";
        /// The box was deleted by its owner.
        Tombstone = 11, "box is a tombstone";
    }
}

impl ReplicaError {
    /// Whether the code answers the question rather than failing it: a program branches on it and
    /// neither retries nor alerts (§5.5).
    #[must_use]
    pub const fn is_expected_outcome(self) -> bool {
        matches!(self, Self::BoxIdNotFound | Self::BoxAlreadyExists | Self::Tombstone)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn every_code_has_one_error_and_every_error_its_code() {
        for code in 1..=u8::MAX {
            assert_eq!(DaemonError::from_code(code).code(), code);
            assert_eq!(ReplicaError::from_code(code).code(), code);
        }
        assert_eq!(DaemonError::ALL.map(DaemonError::code).to_vec(), (1..=34).collect::<Vec<_>>());
        assert_eq!(ReplicaError::ALL.map(ReplicaError::code).to_vec(), (1..=11).collect::<Vec<_>>());
    }
}
