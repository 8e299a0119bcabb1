//! What a register or slot holds, as Linux prints it: `pkt(off=14,r=14)`.

use std::fmt::{self, Display};

use crate::observe::Context;
use crate::scalar::text::{SignedText, UnsignedText};
use crate::state::{Flags, Kind, MapRef, Value};

/// `value` as Linux prints it in frame `frame`.
pub fn value<'a>(context: &'a Context<'a>, frame: u8, value: &'a Value) -> impl Display + 'a {
    fmt::from_fn(move |f| {
        if let Some(number) = value.as_const() {
            return write!(f, "{}", SignedText(number as i64));
        }
        if let Kind::Stack { frame: owner } = value.kind {
            f.write_str("fp")?;
            if owner != frame {
                write!(f, "[{owner}]")?;
            }
            if let Some(variable) = value.num.as_const() {
                let offset = (variable as i64).wrapping_add(value.off.into());
                return write!(f, "{}", SignedText(offset));
            }
        } else {
            write_type(f, context, value)?;
        }
        write_attributes(f, context, value)
    })
}

/// The name of a value's type, as Linux prints it in refusals and states:
/// `map_value_or_null`, `trusted_ptr_task_struct`.
pub fn type_name<'a>(context: &'a Context<'a>, value: &'a Value) -> impl Display + 'a {
    fmt::from_fn(move |f| match value.kind {
        Kind::Stack { .. } => f.write_str("fp"),
        _ => write_type(f, context, value),
    })
}

fn write_type(f: &mut fmt::Formatter<'_>, context: &Context<'_>, value: &Value) -> fmt::Result {
    write!(f, "{}", value.type_name())?;
    match value.kind {
        Kind::Btf { type_id } => f.write_str(struct_name(context, value, type_id)),
        _ => Ok(()),
    }
}

fn struct_name<'a>(context: &'a Context<'_>, value: &Value, id: btf::TypeId) -> &'a str {
    let btf = if value.flags.contains(Flags::ALLOC) {
        context.program.btf.as_ref()
    } else {
        context.config.kernel_btf.as_ref()
    };
    btf.map_or("", |btf| btf.name(id))
}

/// The parenthesis after the type: `(id=1,off=14,r=14)`.
fn write_attributes(
    f: &mut fmt::Formatter<'_>,
    context: &Context<'_>,
    value: &Value,
) -> fmt::Result {
    let mut list = List::new(f);
    write_ids(&mut list, value)?;
    if let Kind::MapPtr(map) | Kind::MapValue(map) | Kind::MapKey(map) = value.kind {
        write_map(&mut list, context, map)?;
    }
    if !value.is_scalar() && value.off != 0 {
        list.item(format_args!("off={}", SignedText(value.off.into())))?;
    }
    if let Some(range) = value.kind.range() {
        list.item(format_args!("r={}", UnsignedText(i64::from(range) as u64)))?;
    }
    match value.kind {
        Kind::Mem { size, .. } => list.item(format_args!("sz={}", UnsignedText(size.into())))?,
        Kind::DynptrPtr(kind) => list.item(format_args!("type={}", kind.name()))?,
        _ => {}
    }
    match value.num.as_const() {
        Some(0) => {}
        Some(variable) => list.item(format_args!("imm={}", SignedText(variable as i64)))?,
        None => {
            let ranges = value.num.ranges().to_string();
            if !ranges.is_empty() {
                list.item(format_args!("{ranges}"))?;
            }
        }
    }
    list.end()
}

fn write_ids(list: &mut List<'_, '_>, value: &Value) -> fmt::Result {
    if value.id != 0 && value.flags.contains(Flags::ADD_CONST) {
        list.item(format_args!("id={}{:+}", value.id, value.off))?;
    } else if value.id != 0 {
        list.item(format_args!("id={}", value.id))?;
    }
    if value.ref_id != 0 {
        list.item(format_args!("ref_obj_id={}", value.ref_id))?;
    }
    if value.flags.contains(Flags::NON_OWN_REF) {
        list.item(format_args!("non_own_ref"))?;
    }
    Ok(())
}

fn write_map(list: &mut List<'_, '_>, context: &Context<'_>, map: MapRef) -> fmt::Result {
    let Some(def) = map.def(context.program) else {
        return Ok(());
    };
    // Linux keeps the first 15 bytes of a name, and of a map inside a map none.
    let name = &def.name.as_bytes()[..def.name.len().min(abi::limits::OBJ_NAME_LEN - 1)];
    if !name.is_empty() && !map.inner {
        list.item(format_args!("map={}", String::from_utf8_lossy(name)))?;
    }
    list.item(format_args!(
        "ks={},vs={}",
        UnsignedText(def.key_size.into()),
        UnsignedText(def.value_size.into())
    ))
}

/// Items in parentheses with commas between.
pub(super) struct List<'f, 'b> {
    f: &'f mut fmt::Formatter<'b>,
    begun: bool,
}

impl<'f, 'b> List<'f, 'b> {
    pub(super) fn new(f: &'f mut fmt::Formatter<'b>) -> List<'f, 'b> {
        List { f, begun: false }
    }

    pub(super) fn item(&mut self, item: fmt::Arguments<'_>) -> fmt::Result {
        self.f.write_str(if self.begun { "," } else { "(" })?;
        self.begun = true;
        self.f.write_fmt(item)
    }

    pub(super) fn end(self) -> fmt::Result {
        self.f.write_str(if self.begun { ")" } else { "()" })
    }
}
