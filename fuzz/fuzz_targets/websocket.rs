//! What is checked stands in `src/fuzzing/`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| papo::fuzzing::websocket(input));
