//! Helpers against Linux's answers.
//!
//! The files under `tests/data` were measured on Linux 6.18: for each row a
//! program with that one call was loaded and run with `BPF_PROG_TEST_RUN`. Text
//! in them is Latin-1, a character for a byte.

mod audit;
mod bench;
mod dynptr;
mod maps;
mod memory;
mod network;
mod packet;
mod robust;
mod snprintf;
mod strings;
mod syncookie;
mod user_ringbuf;
mod xdp_buffer;
