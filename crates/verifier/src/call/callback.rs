//! Functions that helpers call: `bpf_loop`, `bpf_for_each_map_elem`, timers.
