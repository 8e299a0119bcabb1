//! All numbers of a few bits.
