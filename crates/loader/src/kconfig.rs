//! The map of `.kconfig` variables, and values for them, written as libbpf
//! writes them.

use std::collections::HashMap;

use abi::{Initial, MapFlags, MapKind};
use btf::{Btf, Kind, Type, TypeId};

use crate::error::{Error, KconfigError};
use crate::externs::{ExternInfo, ExternSource, Externs};
use crate::globals::{self, Global};
use crate::maps::Maps;
use crate::options::{Kconfig, Options};

const SECTION: &str = ".kconfig";
/// Bytes of all variables together.
const LIMIT: u32 = 1 << 20;

/// The `.kconfig` variables of an object.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    /// Index of their map, if there are any.
    pub(crate) map: Option<usize>,
    /// Those that have no value yet.
    pub(crate) missing: HashMap<String, KconfigError>,
}

/// Makes the map of `.kconfig` variables, if there are any, and fills in what
/// is known.
pub(crate) fn read(
    btf: &Btf,
    options: &Options,
    externs: &Externs,
    maps: &mut Maps,
    globals: &mut Vec<Global>,
) -> Result<Variables, Error> {
    let mut variables = Variables::default();
    let size = externs.kconfig_size;
    if size == 0 {
        return Ok(variables);
    }
    if size > LIMIT {
        let (section, size, limit) = (SECTION.into(), size.into(), LIMIT.into());
        return Err(Error::DataSize {
            section,
            size,
            limit,
        });
    }
    let mut bytes = vec![0; size as usize];
    let map = maps.defs.len();
    for info in &externs.list {
        let ExternSource::Kconfig { offset, size } = info.source else {
            continue;
        };
        match known(&options.kconfig, btf, info, size) {
            Ok(value) => {
                let start = offset as usize;
                if let Some(place) = bytes.get_mut(start..start + value.len()) {
                    place.copy_from_slice(&value);
                }
            }
            Err(what) => {
                variables.missing.insert(info.name.clone(), what);
            }
        }
        globals.push(Global {
            name: info.name.clone(),
            map,
            section: SECTION.into(),
            offset,
            size,
            type_id: info.type_id,
        });
    }
    let mut def = globals::map(&options.name, SECTION, MapKind::Kconfig, size);
    def.initial = Initial::Bytes(bytes);
    def.value_type = btf.find(SECTION, Kind::Datasec).unwrap_or(TypeId::VOID);
    def.flags = MapFlags(def.flags.0 | MapFlags::MMAPABLE.0);
    variables.map = Some(maps.push(def, SECTION)?);
    Ok(variables)
}

/// The value of a variable; zero for a weak one that nobody knows.
fn known(
    config: &Kconfig,
    btf: &Btf,
    info: &ExternInfo,
    size: u32,
) -> Result<Vec<u8>, KconfigError> {
    let zero = || vec![0; size as usize];
    match value(config, btf, &info.name, info.type_id, size) {
        Ok(Some(value)) => Ok(value),
        Ok(None) | Err(KconfigError::Virtual) if info.weak => Ok(zero()),
        Ok(None) => Err(KconfigError::Unknown),
        Err(what) => Err(what),
    }
}

/// The kinds of variable that a configuration value can go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Bool,
    Char,
    Int { signed: bool },
    Tristate,
    Text,
}

/// The bytes of extern `name` of type `ty` and `size` bytes. `None` when the
/// configuration does not have it.
fn value(
    config: &Kconfig,
    btf: &Btf,
    name: &str,
    ty: TypeId,
    size: u32,
) -> Result<Option<Vec<u8>>, KconfigError> {
    let shape = shape(btf, ty).ok_or(KconfigError::Type)?;
    let number = |n: u64| number(shape, size, n, &n.to_string()).map(Some);
    match name {
        "LINUX_KERNEL_VERSION" => number(u64::from(config.kernel_version)),
        "LINUX_HAS_BPF_COOKIE" | "LINUX_HAS_SYSCALL_WRAPPER" => number(1),
        _ if name.starts_with("CONFIG_") => match config.values.get(name) {
            Some(text) => configured(shape, size, text).map(Some),
            None => Ok(None),
        },
        _ => Err(KconfigError::Virtual),
    }
}

fn shape(btf: &Btf, ty: TypeId) -> Option<Shape> {
    match btf.resolved(ty)?.1 {
        Type::Int(int) if int.bool => (int.size == 1).then_some(Shape::Bool),
        Type::Int(int) if int.size == 1 => Some(Shape::Char),
        Type::Int(int) if matches!(int.size, 2 | 4 | 8) => Some(Shape::Int { signed: int.signed }),
        Type::Enum(e) if e.size == 4 && e.name == "libbpf_tristate" => Some(Shape::Tristate),
        Type::Array(array) if array.len > 0 => {
            let elem = btf.resolved(array.elem)?.1;
            matches!(elem, Type::Int(int) if int.size == 1 && !int.bool).then_some(Shape::Text)
        }
        _ => None,
    }
}

fn configured(shape: Shape, size: u32, text: &str) -> Result<Vec<u8>, KconfigError> {
    let wrong = || KconfigError::Value(text.to_owned());
    match (text.as_bytes(), shape) {
        ([b'y'], Shape::Bool | Shape::Tristate) => bytes(1, size).ok_or_else(wrong),
        ([b'm'], Shape::Tristate) => bytes(2, size).ok_or_else(wrong),
        ([b'n'], Shape::Bool | Shape::Tristate) => bytes(0, size).ok_or_else(wrong),
        ([letter @ (b'y' | b'm' | b'n')], Shape::Char) => Ok(vec![*letter]),
        ([b'"', inner @ .., b'"'], Shape::Text) => Ok(padded(inner, size)),
        _ => match parse(text) {
            Some(n) => number(shape, size, n, text),
            None => Err(wrong()),
        },
    }
}

/// A string with its closing NUL, cut to fit.
fn padded(text: &[u8], size: u32) -> Vec<u8> {
    let size = size as usize;
    let mut bytes = text.to_vec();
    bytes.truncate(size.saturating_sub(1));
    bytes.resize(size, 0);
    bytes
}

fn parse(text: &str) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let number = match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

fn number(shape: Shape, size: u32, n: u64, text: &str) -> Result<Vec<u8>, KconfigError> {
    let bits = size.saturating_mul(8);
    let in_range = bits >= 64
        || match shape {
            Shape::Int { signed: false } => n < 1 << bits,
            Shape::Int { signed: true } | Shape::Char => {
                let half = 1i64 << (bits.max(1) - 1);
                (-half..half).contains(&(n as i64))
            }
            Shape::Bool => n <= 1,
            Shape::Tristate | Shape::Text => false,
        };
    let bytes = bytes(n, size).filter(|_| in_range);
    bytes.ok_or_else(|| KconfigError::Value(text.to_owned()))
}

fn bytes(n: u64, size: u32) -> Option<Vec<u8>> {
    Some(n.to_le_bytes().get(..size as usize)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_by_shape() {
        assert_eq!(configured(Shape::Bool, 1, "y"), Ok(vec![1]));
        assert_eq!(configured(Shape::Tristate, 4, "m"), Ok(vec![2, 0, 0, 0]));
        assert_eq!(configured(Shape::Char, 1, "n"), Ok(vec![b'n']));
        assert!(configured(Shape::Bool, 1, "m").is_err());
        assert!(configured(Shape::Int { signed: false }, 4, "y").is_err());
    }

    #[test]
    fn numbers_must_fit() {
        let unsigned = Shape::Int { signed: false };
        let signed = Shape::Int { signed: true };
        assert_eq!(configured(unsigned, 2, "0x1f4"), Ok(vec![0xf4, 1]));
        assert_eq!(configured(signed, 2, "-2"), Ok(vec![0xfe, 0xff]));
        assert!(configured(unsigned, 2, "65536").is_err());
        assert!(configured(signed, 2, "32768").is_err());
        assert_eq!(
            configured(unsigned, 8, "0xffffffffffffffff"),
            Ok(vec![0xff; 8])
        );
    }

    #[test]
    fn strings_are_cut_and_padded() {
        assert_eq!(configured(Shape::Text, 4, "\"ab\""), Ok(b"ab\0\0".to_vec()));
        assert_eq!(
            configured(Shape::Text, 4, "\"abcdef\""),
            Ok(b"abc\0".to_vec())
        );
        assert!(configured(Shape::Int { signed: false }, 4, "\"1\"").is_err());
    }
}
