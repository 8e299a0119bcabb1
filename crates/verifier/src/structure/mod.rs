//! What holds of the whole program before it is followed.
