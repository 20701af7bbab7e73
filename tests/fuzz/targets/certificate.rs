#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tailmint_properties::certificate(input));
