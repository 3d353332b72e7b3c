//! The worlds that are searched.

use std::time::Duration;

use kpthin_core::machine::Role;

use super::{
    Begin, Faults, Setting,
    What::{
        self, CancelWrite, Copy, Create, Encrypt, Keypair, Message, MessageWithoutReply, Poll, Read,
        ReadUnwritten, Write,
    },
};

/// A start that a forwarder held reaches the daemon behind its cancel, and runs there although nobody waits.
pub const OVERTAKEN: &str = "the daemon still works on 1 operations for nobody";

const NONE: Faults = Setting::BASE.faults;
const CUT: Faults = Faults { cuts: 1, ..NONE };
const CUT_CANCEL: Faults = Faults { cuts: 1, cancels: 1, ..NONE };
const CUT_CANCEL_RESTART: Faults = Faults { cuts: 1, cancels: 1, restarts: 1, ..NONE };

const fn world(name: &'static str, calls: &'static [What], faults: Faults) -> Setting {
    Setting { name, calls, faults, ..Setting::BASE }
}

const fn quick(setting: Setting) -> Setting {
    Setting { quick: true, ..setting }
}

const fn reference(setting: Setting) -> Setting {
    Setting { profile: "reference", ..setting }
}

const fn newer(setting: Setting) -> Setting {
    Setting { profile: "reference-2026-10", ..setting }
}

const fn known(known: &'static [&'static str], setting: Setting) -> Setting {
    Setting { known, ..setting }
}

const fn bounded(states_max: usize, setting: Setting) -> Setting {
    Setting { states_max, ..setting }
}

const DIAL: Setting = Setting {
    begin: Begin::Dialling,
    ..world("dial", &[Keypair], Faults { torn: 1, refusals: 1, ..CUT_CANCEL_RESTART })
};
const DIAL_TORN: Setting =
    Setting { begin: Begin::Dialling, ..world("dial, torn", &[Keypair], Faults { torn: 1, ..NONE }) };
const LOCALS: Setting = world("local calls", &[Keypair, Encrypt, Create], CUT_CANCEL_RESTART);
const LOCALS_CUT: Setting = world("local calls, cut", &[Keypair, Encrypt, Create], CUT);
const WRITE: Setting = world("write", &[Write], CUT_CANCEL_RESTART);
const WRITE_CUT: Setting = world("write, cut", &[Write], CUT_CANCEL);
const WRITE_CUTS: Setting = world("write, two cuts", &[Write], Faults { cuts: 2, ..CUT_CANCEL_RESTART });
const READ: Setting = world("read", &[Read, ReadUnwritten], CUT_CANCEL);
const COPY: Setting = world("copy", &[Copy], CUT_CANCEL_RESTART);
const MESSAGES: Setting = world("messages", &[Message, MessageWithoutReply], CUT_CANCEL_RESTART);
const MESSAGE: Setting = world("message", &[Message], CUT_CANCEL_RESTART);
const MIXED: Setting = world("one of each", &[Keypair, Write, Message], CUT);
const MIXED_MORE: Setting = world("one of each, more", &[Keypair, Write, Message], CUT_CANCEL_RESTART);
const OPERATIONS: Setting = world("operations", &[Write, Read, Copy], CUT_CANCEL);
const POLL: Setting = world("poll", &[Poll, Write], CUT);
const CANCELS: Setting = world("cancel as a call", &[Write, CancelWrite], CUT_CANCEL);
const FLAP: Setting = world("mix network gone", &[Write, Message], Faults { flaps: 1, cancels: 1, ..NONE });
const FLAP_CUT: Setting =
    world("mix network gone, cut", &[Write, Message], Faults { flaps: 1, ..CUT_CANCEL });
const SHUT_DOWN: Setting = world("shutdown", &[Keypair, Write], Faults { shutdowns: 1, refusals: 1, ..NONE });
const SHUT_DOWN_MORE: Setting =
    world("shutdown, more", &[Keypair, Write, Message], Faults { shutdowns: 1, refusals: 1, ..CUT_CANCEL });
const CLOSE: Setting = world("close", &[Keypair, Write, Message], Faults { closes: 1, ..NONE });
const CLOSE_CUT: Setting =
    world("close, cut", &[Keypair, Write, Message], Faults { closes: 1, ..CUT_CANCEL });
const PARTS: Setting = world("frames in parts", &[Write], Faults { parts: 2, torn: 1, ..NONE });
const TORN: Setting = world("torn frames", &[Keypair, Write, Message], Faults { torn: 1, parts: 1, ..NONE });
const LAZY: Setting = Setting { lazy: true, ..world("late writes", &[Write, Keypair], CUT_CANCEL) };
const GRACE: Setting = Setting {
    grace: Duration::from_millis(500),
    ..world("session expired", &[Write, Message], Faults { refusals: 1, ..CUT })
};
const HIDDEN: Setting = world("end hidden", &[Write], Faults { hidden: 1, ..NONE });
const HIDDEN_MESSAGE: Setting = world("end hidden, message", &[Message], Faults { hidden: 1, ..NONE });
const HIDDEN_LOCAL: Setting = world("end hidden, local call", &[Keypair], Faults { hidden: 1, ..NONE });
const HIDDEN_MORE: Setting = world("end hidden, more", &[Keypair, Write], Faults { hidden: 1, ..CUT_CANCEL });
const CLOSED_HERE: Setting = world("closed by the client", &[Write, Message], Faults { local: 1, ..NONE });
const CLOSED_HERE_MORE: Setting =
    world("closed by the client, more", &[Keypair, Write], Faults { local: 1, ..CUT_CANCEL });
const UNSEEN: Setting = world("end not seen", &[Keypair, Write], Faults { unseen: 1, ..NONE });
const UNSEEN_MESSAGE: Setting =
    world("end not seen, message", &[Message], Faults { unseen: 1, ..CUT_CANCEL });
const DEADLINE: Setting =
    world("deadline and delay", &[Write, Message], Faults { deadlines: 1, delays: 1, ..CUT });
const UNWANTED: Setting = world("poll, cancelled", &[Poll], Faults { cancels: 1, ..NONE });
const DELAY: Setting = world("delay", &[Keypair, Write], Faults { delays: 2, ..NONE });

const fn companion(setting: Setting) -> Setting {
    Setting { role: Role::Companion, ..setting }
}

const COMPANION: Setting =
    companion(world("companion", &[Encrypt, Encrypt, ReadUnwritten], CUT_CANCEL_RESTART));
const COMPANION_CUT: Setting = companion(world("companion, cut", &[Encrypt, Encrypt, ReadUnwritten], CUT));
const COMPANION_POLL: Setting = companion(world("companion, poll", &[Poll, Encrypt], CUT));

/// Every world.
pub const WORLDS: &[Setting] = &[
    quick(DIAL_TORN),
    DIAL,
    reference(DIAL),
    newer(DIAL),
    quick(LOCALS_CUT),
    LOCALS,
    reference(LOCALS),
    quick(WRITE_CUT),
    quick(reference(WRITE_CUT)),
    quick(newer(WRITE_CUT)),
    WRITE,
    WRITE_CUTS,
    reference(WRITE),
    newer(WRITE),
    READ,
    reference(READ),
    newer(READ),
    quick(COPY),
    reference(COPY),
    newer(COPY),
    quick(MESSAGE),
    quick(reference(MESSAGE)),
    MESSAGES,
    reference(MESSAGES),
    newer(MESSAGES),
    quick(MIXED),
    reference(MIXED),
    newer(MIXED),
    bounded(100_000, MIXED_MORE),
    OPERATIONS,
    bounded(8_000, POLL),
    quick(CANCELS),
    reference(CANCELS),
    quick(FLAP),
    FLAP_CUT,
    bounded(20_000, reference(FLAP)),
    quick(SHUT_DOWN),
    bounded(100_000, SHUT_DOWN_MORE),
    reference(SHUT_DOWN),
    newer(SHUT_DOWN),
    quick(CLOSE),
    CLOSE_CUT,
    reference(CLOSE),
    quick(PARTS),
    TORN,
    reference(PARTS),
    quick(LAZY),
    reference(LAZY),
    quick(GRACE),
    reference(GRACE),
    quick(HIDDEN),
    quick(reference(HIDDEN)),
    newer(HIDDEN),
    reference(HIDDEN_LOCAL),
    newer(HIDDEN_LOCAL),
    reference(HIDDEN_MESSAGE),
    newer(HIDDEN_MESSAGE),
    known(&[OVERTAKEN], reference(HIDDEN_MORE)),
    quick(CLOSED_HERE),
    reference(CLOSED_HERE),
    CLOSED_HERE_MORE,
    quick(UNSEEN),
    reference(UNSEEN),
    UNSEEN_MESSAGE,
    quick(DELAY),
    DEADLINE,
    quick(COMPANION_CUT),
    COMPANION,
    reference(COMPANION_CUT),
    bounded(8_000, COMPANION_POLL),
    quick(UNWANTED),
    quick(bounded(400, reference(UNWANTED))),
];
