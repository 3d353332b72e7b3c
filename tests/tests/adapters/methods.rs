//! Every method of the client.

use kpthin_tests::{
    adapters::Adapter,
    bodies::{ALL, Outcome, Target},
};

pub fn every_method<A: Adapter>() {
    for (name, body) in ALL {
        let own = format!("{}-{name}", std::any::type_name::<A>().rsplit("::").next().unwrap_or_default());
        let target = Target::devnet(A::connect, A::daemon(), &own).expect("the devnet starts");
        match A::run(body(target)) {
            Ok(()) => {}
            Err(Outcome::Failed(why) | Outcome::Skipped(why)) => panic!("{name}: {why}"),
        }
    }
}
