//! Words of a few bits, for tests that try all numbers.
