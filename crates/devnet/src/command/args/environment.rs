//! Flags that come from the environment, as each of them can.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Command};

/// What stands in front of a flag's name in the environment.
const PREFIX: &str = "KPTHIN_DEVNET_";

/// Has every flag come from the environment, too, and every switch there be any word for true or false.
pub(super) fn with_variables(command: Command) -> Command {
    command.mut_args(|arg| {
        let Some(long) = arg.get_long() else { return arg };
        let name = variable(long);
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
        let arg = arg.env(name).hide_env_values(true);
        if is_switch { arg.value_parser(BoolishValueParser::new()) } else { arg }
    })
}

/// The variable of a flag.
pub(super) fn variable(long: &str) -> String {
    [PREFIX, &long.to_uppercase().replace('-', "_")].concat()
}

/// The variables that are set and begin as those of flags do.
pub(super) fn set() -> impl Iterator<Item = String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with(PREFIX))
}
