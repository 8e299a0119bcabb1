//! Files and arguments in: objects, target BTF, maps, clocks, networks.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use abi::{ProgType, Program};
use btf::Btf;
use loader::{Note, Object, Options};
use serde_json::Value as Json;
use vm::world::Network;
use xdp_sim::{capture, contents};

use crate::args::{LoadArgs, ObjectArgs};
use crate::error::Failure;

/// Where Linux shows its own BTF.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// What a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// Opens a file for reading; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|e| Failure::read(path, e))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Failure::read(path, io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(file))
}

/// Reads a whole file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    open(path)?
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::read(path, e))?;
    Ok(bytes)
}

/// Reads the object that the command line names.
pub(crate) fn object(args: &ObjectArgs) -> Result<Object, Failure> {
    object_at(&args.object, &args.load)
}

/// Reads an object and applies what the command line says about it.
pub(crate) fn object_at(path: &Path, args: &LoadArgs) -> Result<Object, Failure> {
    let place = name(path);
    let bytes = read(path)?;
    let parse =
        |options: &Options| Object::parse(&bytes, options).map_err(|e| Failure::input(&place, e));
    let mut options = options(path, args)?;
    let mut object = parse(&options)?;
    // Reading the kernel's types takes longer than many a run, so they are asked
    // for only where something depends on them.
    if options.target_btf.is_none() && object.core_relocations().next().is_some() {
        options.target_btf = kernel_btf();
        object = parse(&options)?;
    }
    for setting in &args.map_size {
        set_map_size(&mut object, setting)?;
    }
    for setting in &args.global {
        set_global(&mut object, setting)?;
    }
    Ok(object)
}

fn options(path: &Path, args: &LoadArgs) -> Result<Options, Failure> {
    let name = path.file_name().unwrap_or_default();
    Ok(Options {
        name: name.to_string_lossy().into_owned(),
        target_btf: args.btf.as_deref().map(read_btf).transpose()?,
        prog_type: args.prog_type.as_deref().map(prog_type).transpose()?,
        ..Options::default()
    })
}

pub(crate) fn read_btf(path: &Path) -> Result<Arc<Btf>, Failure> {
    let btf = loader::read_btf(&read(path)?).map_err(|e| Failure::input(path.display(), e))?;
    Ok(Arc::new(btf))
}

/// The running kernel's types, where they can be had: the object's own are there
/// too.
pub(crate) fn kernel_btf() -> Option<Arc<Btf>> {
    let bytes = std::fs::read(KERNEL_BTF).ok()?;
    Btf::parse(&bytes).ok().map(Arc::new)
}

/// `name=value` of an option.
pub(crate) fn name_and_value<'a>(
    option: &str,
    setting: &'a str,
) -> Result<(&'a str, &'a str), Failure> {
    setting
        .split_once('=')
        .ok_or_else(|| Failure::input(format!("{option} {setting}"), "expected NAME=VALUE"))
}

fn prog_type(name: &str) -> Result<ProgType, Failure> {
    ProgType::from_name(name).ok_or_else(|| {
        let known: Vec<_> = ProgType::ALL.iter().map(|t| t.name()).collect();
        Failure::input(
            format!("--type {name}"),
            format!("no such program type; there are: {}", known.join(", ")),
        )
    })
}

fn set_map_size(object: &mut Object, setting: &str) -> Result<(), Failure> {
    let place = format!("--map-size {setting}");
    let (name, size) = name_and_value("--map-size", setting)?;
    let size: u32 = size
        .parse()
        .map_err(|_| Failure::input(&place, "expected a number of entries"))?;
    object
        .set_max_entries(name, size)
        .map_err(|e| Failure::input(place, e))
}

fn set_global(object: &mut Object, setting: &str) -> Result<(), Failure> {
    let place = format!("--global {setting}");
    let (name, text) = name_and_value("--global", setting)?;
    // What is no JSON is text: an enum's value, a string, hexadecimal.
    let value = serde_json::from_str(text).unwrap_or_else(|_| text.into());
    let Some(global) = object.globals().iter().find(|g| g.name == name) else {
        let known: Vec<_> = object.globals().iter().map(|g| g.name.as_str()).collect();
        let known = known.join(", ");
        return Err(Failure::input(
            place,
            format!("no such variable; there are: {known}"),
        ));
    };
    let btf = object.btf().map(|btf| &**btf);
    let bytes = contents::encode(btf, global.type_id, global.size, &value)
        .map_err(|e| Failure::input(&place, e))?;
    object
        .set_global(name, &bytes)
        .map_err(|e| Failure::input(place, e))
}

/// Devices, routes and neighbours from a file.
pub(crate) fn network(path: &Path) -> Result<Network, Failure> {
    xdp_sim::read_network(&read(path)?).map_err(|e| Failure::input(path.display(), e))
}

/// The programs of an object, or the one that was asked for.
pub(crate) fn programs(
    object: &Object,
    args: &ObjectArgs,
    name: Option<&str>,
) -> Result<Vec<Program>, Failure> {
    let place = args.object.display();
    match name {
        Some(name) => object.program(name).map(|program| vec![program]),
        None => object.programs(),
    }
    .map_err(|e| Failure::input(place, e))
}

/// The map and the entries that `--map NAME=FILE` names. `known` are the maps that
/// there are.
pub(crate) fn map_file<'a>(
    setting: &'a str,
    known: &[&str],
) -> Result<(&'a str, &'a str, Json), Failure> {
    let (name, path) = name_and_value("--map", setting)?;
    if !known.contains(&name) {
        let known = known.join(", ");
        return Err(Failure::input(
            format!("--map {setting}"),
            format!("no such map; there are: {known}"),
        ));
    }
    let bytes = read(Path::new(path))?;
    let entries = serde_json::from_slice(&bytes).map_err(|e| Failure::input(path, e))?;
    Ok((name, path, entries))
}

/// A machine that cannot be set up: exit code 3 where something is not simulated.
pub(crate) fn refused(args: &ObjectArgs, object: &Object, error: xdp_sim::Error) -> Failure {
    let place = args.object.display();
    match &error {
        xdp_sim::Error::Machine(e) if e.is_unsupported() => Failure::unsupported(place, error),
        xdp_sim::Error::Machine(vm::Error::Map(_)) => {
            let unsized_maps = object.notes().iter().filter_map(|note| match note {
                Note::NoMaxEntries { map } => Some(format!("--map-size {map}=N")),
                _ => None,
            });
            let options: Vec<_> = unsized_maps.collect();
            match options.is_empty() {
                true => Failure::input(place, error),
                false => Failure::input(
                    place,
                    format!(
                        "{error} (the object does not say how many: {})",
                        options.join(" ")
                    ),
                ),
            }
        }
        _ => Failure::input(place, error),
    }
}

/// What is wrong with a capture, and what can be done about it.
pub(crate) fn advice(error: capture::Error) -> String {
    match error.kind {
        capture::ErrorKind::NotEthernet { .. } => {
            format!("{error}; --force-ethernet takes them for such")
        }
        _ => error.to_string(),
    }
}
