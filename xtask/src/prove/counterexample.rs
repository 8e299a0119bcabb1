//! A counterexample as a test.

use super::lemma::Lemma;
use super::solver::Values;

/// A test that fails as long as the operator is wrong, to be pasted where the
/// operators' other tests stand.
pub(crate) fn test(lemma: &Lemma, values: &Values) -> String {
    let name = format!("{} {}", lemma.operator, lemma.name);
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let mut text = String::from(
        "\n// For crates/verifier/src/scalar/exhaustive.rs. `cargo fmt` puts it in shape.\n",
    );
    text += &format!("#[test]\nfn {}() {{\n", name.to_lowercase());
    for line in &lemma.test {
        let mut line = line.clone();
        for (name, width) in &lemma.inputs {
            let value = values.get(name).copied().unwrap_or_default();
            line = line.replace(&format!("{{{name}}}"), &format!("{value:#x}_u{width}"));
        }
        text += &format!("    {line}\n");
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counterexample_is_a_test() {
        let lemma = Lemma {
            operator: "tnum add".to_owned(),
            name: "32".to_owned(),
            inputs: vec![("a.mask".to_owned(), 32)],
            test: vec!["assert!({a.mask} == 0, \"{x}\");".to_owned()],
            ..Lemma::default()
        };
        let values = Values::from([("a.mask".to_owned(), 18)]);
        let text = test(&lemma, &values);
        assert!(text.contains("#[test]\nfn tnum_add_32() {\n"), "{text}");
        assert!(
            text.contains("    assert!(0x12_u32 == 0, \"{x}\");\n"),
            "{text}"
        );
    }
}
