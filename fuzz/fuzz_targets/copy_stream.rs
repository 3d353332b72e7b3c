#![no_main]

kpthin_fuzz::target!(copy_stream);
