//! `object = "…"`, or `[objects.NAME]`: what is loaded.

use abi::ProgType;

use super::error::{Error, Problem};
use super::fields::{Fields, Given};
use super::network::text;
use super::read::{name, stem};
use crate::model::{Name, ObjectSpec, ReplaceSpec};

/// The objects of a file. The short form, for one object, has its keys at the top.
pub(super) fn read(top: &mut Fields<'_>) -> Result<Vec<ObjectSpec>, Error> {
    let short = top.take("object");
    let long = top.take("objects");
    match (short, long) {
        (Some(_), Some(long)) => Err(long.error(Problem::Both {
            one: "object",
            other: "objects",
        })),
        (Some(path), None) => {
            let mut object = ObjectSpec {
                path: path.path()?,
                spot: path.spot,
                ..ObjectSpec::default()
            };
            object.name = stem(&object.path);
            how_to_load(top, &mut object)?;
            Ok(vec![object])
        }
        (None, Some(long)) => {
            let mut objects = Vec::new();
            for (key, value) in Fields::of(long)?.rest() {
                let spot = value.spot.clone();
                let mut fields = Fields::of(value)?;
                let path = fields.need("file", "the compiled object")?.path()?;
                let mut object = ObjectSpec {
                    name: key.name,
                    path,
                    spot,
                    ..ObjectSpec::default()
                };
                how_to_load(&mut fields, &mut object)?;
                fields.finish()?;
                objects.push(object);
            }
            Ok(objects)
        }
        (None, None) => match top.need("object", "the compiled object to test") {
            Err(error) => Err(error),
            Ok(_) => Ok(Vec::new()),
        },
    }
}

fn how_to_load(fields: &mut Fields<'_>, object: &mut ObjectSpec) -> Result<(), Error> {
    if let Some(given) = fields.take("type") {
        object.prog_type =
            Some(given.parsed(ProgType::from_name, "a program type such as \"xdp\"")?);
    }
    if let Some(given) = fields.take("btf") {
        object.btf = Some(given.path()?);
    }
    if let Some(given) = fields.take("globals") {
        for (key, value) in Fields::of(given)?.rest() {
            let name = name(&key.name, &value, &key.span);
            object.globals.push((name, value.node));
        }
    }
    if let Some(given) = fields.take("map-sizes") {
        object.map_sizes = sizes(given)?;
    }
    Ok(())
}

/// `[replace]`: functions, and the programs that take their places.
pub(super) fn replacements(given: Given<'_>) -> Result<Vec<ReplaceSpec>, Error> {
    let mut all = Vec::new();
    for (key, value) in Fields::of(given)?.rest() {
        let function = name(&key.name, &value, &key.span);
        if !key.name.contains(':') {
            let problem = Problem::Expected {
                expected: "a program and its function, such as \"filter:policy\"".to_owned(),
                found: format!("`{}`", key.name),
            };
            return Err(Error::at(Some(value.source), &key.span, problem));
        }
        if value.node.text().is_some() {
            all.push(ReplaceSpec {
                function,
                program: text(&value)?,
                object: None,
            });
            continue;
        }
        let mut fields = Fields::of(value)?;
        let program = fields.need("program", "the program that takes its place")?;
        let object = fields.take("object");
        all.push(ReplaceSpec {
            function,
            program: text(&program)?,
            object: object.map(|object| text(&object)).transpose()?,
        });
        fields.finish()?;
    }
    Ok(all)
}

fn sizes(given: Given<'_>) -> Result<Vec<(Name, u32)>, Error> {
    let mut sizes = Vec::new();
    for (key, value) in Fields::of(given)?.rest() {
        sizes.push((name(&key.name, &value, &key.span), value.number()?));
    }
    Ok(sizes)
}
