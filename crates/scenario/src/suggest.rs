//! Names that someone may have meant.

use std::fmt;

/// " (did you mean `x`?)", where something is near enough.
pub(crate) struct Hint<'a>(pub(crate) Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

/// The one of `known` that is nearest to `name`, if one is near enough to have
/// been meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |other: &str| strsim::damerau_levenshtein(name, other);
    let near = known.into_iter().map(|other| (distance(other), other));
    let (distance, other) = near.min_by_key(|(distance, _)| *distance)?;
    // A third of the letters, but not all of them.
    let most = (name.chars().count().max(other.chars().count()) / 3).max(1);
    (distance <= most && distance < other.chars().count()).then_some(other)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        assert_eq!(nearest("dprot", ["sport", "dport"]), Some("dport"));
        assert_eq!(nearest("interfaces", ["interface"]), Some("interface"));
        assert_eq!(nearest("x", ["a", "b"]), None);
        assert_eq!(nearest("colour", ["sport", "dport"]), None);
    }
}
