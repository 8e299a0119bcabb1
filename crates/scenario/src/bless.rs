//! Writing into a file what happened, in place of what it expected; comments,
//! order and spacing stay.

use toml_edit::{DocumentMut, Item, TableLike, Value};

use crate::file::{Problem, Seg};
use crate::report::Fix;

/// The text of a file with `fixes` in it.
///
/// # Errors
///
/// A value that has no place in the file.
pub fn bless(text: &str, fixes: &[Fix]) -> Result<String, Problem> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| Problem::Toml(error.message().to_owned()))?;
    for fix in fixes {
        let fail = || Problem::Bless(format!("no place for {}", fix.value));
        let value: Value = fix.value.parse().map_err(|_| fail())?;
        let done = in_table(document.as_table_mut(), &fix.path, value);
        done.ok_or_else(fail)?;
    }
    Ok(document.to_string())
}

fn in_table(table: &mut dyn TableLike, path: &[Seg], value: Value) -> Option<()> {
    let (Seg::Key(key), rest) = path.split_first()? else {
        return None;
    };
    match table.get_mut(key) {
        Some(item) => in_item(item, rest, value),
        None if rest.is_empty() => {
            table.insert(key, Item::Value(value));
            Some(())
        }
        None => None,
    }
}

fn in_item(item: &mut Item, path: &[Seg], value: Value) -> Option<()> {
    let Some((first, rest)) = path.split_first() else {
        match item.as_value_mut() {
            Some(old) => replace(old, value),
            None => *item = Item::Value(value),
        }
        return Some(());
    };
    match (first, item) {
        (Seg::Index(index), Item::ArrayOfTables(tables)) => {
            in_table(tables.get_mut(*index)?, rest, value)
        }
        (_, Item::Value(inner)) => in_value(inner, path, value),
        (Seg::Key(_), item) => in_table(item.as_table_like_mut()?, path, value),
        _ => None,
    }
}

fn in_value(old: &mut Value, path: &[Seg], value: Value) -> Option<()> {
    let Some((first, rest)) = path.split_first() else {
        replace(old, value);
        return Some(());
    };
    match (first, old) {
        (Seg::Index(index), Value::Array(items)) => in_value(items.get_mut(*index)?, rest, value),
        (Seg::Key(_), Value::InlineTable(table)) => in_table(table, path, value),
        _ => None,
    }
}

/// Another value with the same spaces and comments around it.
fn replace(old: &mut Value, mut new: Value) {
    *new.decor_mut() = old.decor().clone();
    *old = new;
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn fix(path: &[Seg], value: &str) -> Fix {
        Fix {
            path: path.to_vec(),
            value: value.to_owned(),
        }
    }

    fn key(name: &str) -> Seg {
        Seg::Key(name.to_owned())
    }

    #[test]
    fn comments_and_order_stay() {
        let text = r#"# About it.
object = "x.o"   # the object

[[step]]
packet = "eth"       # one
expect = "pass"   # for now

[[step]]
packet = "eth / ip"
expect = { action = "drop" , to = "stack" } # two

[expect.maps]
# All of them.
sessions = [
    { key = 1, value = 2 }, # first
]
"#;
        let fixes = [
            fix(
                &[key("step"), Seg::Index(0), key("expect")],
                "[\"drop\", \"tx\"]",
            ),
            fix(
                &[key("step"), Seg::Index(1), key("expect"), key("action")],
                "\"tx\"",
            ),
            fix(&[key("step"), Seg::Index(1), key("note")], "{ a = 1 }"),
            fix(
                &[
                    key("expect"),
                    key("maps"),
                    key("sessions"),
                    Seg::Index(0),
                    key("value"),
                ],
                "5",
            ),
        ];
        expect![[r#"
            # About it.
            object = "x.o"   # the object

            [[step]]
            packet = "eth"       # one
            expect = ["drop", "tx"]   # for now

            [[step]]
            packet = "eth / ip"
            expect = { action = "tx" , to = "stack" } # two
            note = { a = 1 }

            [expect.maps]
            # All of them.
            sessions = [
                { key = 1, value = 5 }, # first
            ]
        "#]]
        .assert_eq(&bless(text, &fixes).unwrap());
    }

    #[test]
    fn what_has_no_place_is_an_error() {
        let nowhere = fix(&[key("step"), Seg::Index(3), key("expect")], "\"drop\"");
        assert!(bless("object = \"x.o\"\n", &[nowhere]).is_err());
        let faulty = fix(&[key("object")], "= =");
        assert!(bless("object = \"x.o\"\n", &[faulty]).is_err());
    }
}
