//! Linux's verifier log, to the letter.
