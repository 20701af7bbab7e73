#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tailmint::fuzz::keys_response(input));
