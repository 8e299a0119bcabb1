//! What Linux says to programs whose structure is wrong.
