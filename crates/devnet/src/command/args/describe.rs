//! What all flags have in common: each can come from the environment.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Command};

/// What stands in front of a flag's name in the environment.
pub(super) const PREFIX: &str = "KPTHIN_DEVNET_";

pub(super) const EXAMPLES: &str = "\
Examples:
  kpthin-devnet
          listens on 127.0.0.1:64331, keeps boxes in memory, prints the thinclient.toml to use
  kpthin-devnet --profile reference --seed 7 --store boxes
          as slow and as odd as the real daemon; the same network and its boxes the next time
  kpthin-devnet --unix /tmp/devnet --listen localhost:0 --write-config thinclient.toml
          for this user only, and on a free port of the loopback interface
  kpthin-devnet --listen :0 --quiet --ready-file ready
          for scripts: says nothing, and the file ready has the addresses as soon as it listens
  kpthin-devnet --fault loss=0.3 --fault restarts=60000
          loses three packets of ten, and is restarted every minute
  kpthin-devnet --print-authorities=file --seed 7
          prints the keys that sign the documents of this network
  KPTHIN_DEVNET_LISTEN=:0,[::1]:0 kpthin-devnet
          as with --listen :0 --listen [::1]:0";

/// Has every flag come from the environment, too, and every switch there be any word for true or false.
pub(super) fn described(command: Command) -> Command {
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
