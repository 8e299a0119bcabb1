//! The passes over the whole program against what Linux said.

mod attach;
mod btf_info;
mod common;
mod listing;
mod maps;
mod marks;
mod order;
mod size;
mod stack_depth;
