//! Families of questions, each a generator of subjects and of what to ask.
//!
//! | family | asks for |
//! |---|---|
//! | [`grid`] | every operation on boundary operands, in every pair of registers |
//! | [`maps`] | random operations on each type of map, from both sides |
//! | [`formats`] | random formats and arguments of the printing helpers |
//! | [`strings`] | checksums, numbers in text, comparisons of text |
//! | [`buffers`] | random changes of a packet's bounds and bytes |
//! | [`kfuncs`] | kernel functions: dynptrs, iterators, strings |
//! | [`network`] | routes, sizes and redirects in a network that both have |
//!
//! Everything is a function of a [`Seed`], which a failing test prints; a failing
//! sequence is made smaller by [`shrink()`].

pub mod buffers;
pub mod formats;
pub mod grid;
pub mod kfuncs;
pub mod maps;
pub mod network;
mod random;
mod shrink;
pub mod strings;
mod text;

pub use random::{Random, Seed, seeds};
pub use shrink::shrink;
