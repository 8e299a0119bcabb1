//! Files and arguments in: objects, target BTF, maps, clocks, networks.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use abi::{ProgType, Program};
use btf::Btf;
use loader::Object;
use xdp_sim::contents;

use crate::args::ObjectArgs;
use crate::error::Failure;

/// Where Linux shows its own BTF.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

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

/// Reads an object and applies what the command line says about it.
pub(crate) fn object(args: &ObjectArgs) -> Result<Object, Failure> {
    let place = args.object.display();
    let prog_type = args.prog_type.as_deref().map(prog_type).transpose()?;
    let name = args.object.file_name().unwrap_or_default();
    let options = loader::Options {
        name: name.to_string_lossy().into_owned(),
        target_btf: target_btf(args)?,
        prog_type,
        ..Default::default()
    };
    let bytes = read(&args.object)?;
    let mut object = Object::parse(&bytes, &options).map_err(|e| Failure::input(&place, e))?;
    for setting in &args.map_size {
        set_map_size(&mut object, setting)?;
    }
    for setting in &args.global {
        set_global(&mut object, setting)?;
    }
    Ok(object)
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

/// The BTF that CO-RE relocations are resolved against. A kernel's that was not
/// asked for and cannot be used is no error: the object's own is there.
fn target_btf(args: &ObjectArgs) -> Result<Option<Arc<Btf>>, Failure> {
    if let Some(path) = &args.btf {
        let bytes = read(path)?;
        let btf = loader::read_btf(&bytes).map_err(|e| Failure::input(path.display(), e))?;
        return Ok(Some(Arc::new(btf)));
    }
    let kernel = std::fs::read(KERNEL_BTF).ok();
    Ok(kernel
        .and_then(|bytes| Btf::parse(&bytes).ok())
        .map(Arc::new))
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
