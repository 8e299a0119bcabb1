//! The passes over the whole program against what Linux said.

mod btf_info;
mod common;
mod listing;
mod maps;
mod order;
mod size;
mod stack_depth;
