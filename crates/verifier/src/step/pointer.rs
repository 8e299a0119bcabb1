//! Arithmetic on pointers.
