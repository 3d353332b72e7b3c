//! What all fuzz targets are: a function of `kpthin_tests::fuzz`, and a bound on the memory it takes.

pub use libfuzzer_sys;
use peak_alloc::PeakAlloc;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// Runs a target and measures what it took.
///
/// # Panics
///
/// If something is wrong, or if it took more than it may.
pub fn run(name: &str, input: &[u8]) {
    let target = kpthin_tests::fuzz::target(name).expect("a target of this name");
    let before = PEAK.current_usage();
    PEAK.reset_peak_usage();
    (target.run)(input);
    let took = PEAK.peak_usage().saturating_sub(before);
    let most = (target.weight)(input.len());
    assert!(took <= most, "{took} bytes for an input of {}, and {most} are allowed", input.len());
}

/// The program of a target.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::run(stringify!($name), input));
    };
}
