#![no_main]

kpthin_fuzz::target!(config);
