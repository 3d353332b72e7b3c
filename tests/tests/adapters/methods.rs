//! Every method of the client.

use kpthin_tests::{
    adapters::Adapter,
    bodies::{ALL, Outcome, Target},
};

#[expect(clippy::print_stdout, reason = "what the embedded daemon lacks is said")]
pub fn every_method<A: Adapter>() {
    for (name, body) in ALL {
        let own = format!("{}-{name}", std::any::type_name::<A>().rsplit("::").next().unwrap_or_default());
        let target = Target::devnet(A::connect, &own).expect("the devnet starts");
        match A::run(body(target)) {
            Ok(()) => {}
            Err(Outcome::Skipped(why)) => println!("{name} ... skipped: {why}"),
            Err(Outcome::Failed(why)) => panic!("{name}: {why}"),
        }
    }
}
