#![no_main]
ebpf_sim_fuzz::target!("disassembler");
