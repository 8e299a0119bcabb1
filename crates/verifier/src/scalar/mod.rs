//! Scalars: what is known of a number.
