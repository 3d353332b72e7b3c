//! What stands at the end of the help.

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
