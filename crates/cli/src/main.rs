//! The `ebpf-sim` command.
fn main() {}
