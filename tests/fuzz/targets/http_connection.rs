//! libFuzzer's way to `hostile`'s check of that name.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::check("http_connection", bytes));
