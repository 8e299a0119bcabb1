//! Where Linux itself is wrong, and the verifier with it, since it follows Linux:
//! runs that show this are not held against it any further.
//!
//! `corpus/known-unsound.toml` has the programs and the reasons.

/// What Linux gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A number that is filled from the stack sign-extended stays linked with the
    /// slot, though it may be another one.
    SignedFill,
    /// Two states are held to have the same links when a number and one that is a
    /// constant ahead of it are linked in one and not in the other.
    LinkApart,
    /// What was found beyond the packet's end stays so when it is moved.
    BeyondMoved,
}

impl Known {
    /// Its id in the list.
    pub fn id(self) -> &'static str {
        match self {
            Known::SignedFill => "signed-fill-stays-linked",
            Known::LinkApart => "link-with-a-distance-not-compared",
            Known::BeyondMoved => "beyond-the-end-stays-when-moved",
        }
    }
}
