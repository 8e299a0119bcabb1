//! Special fields of map values: locks, timers, pointers, lists.
//!
//! Which bytes of a value are special stands in the BTF type of the map's
//! values. Programs cannot load or store them; helpers work on them.

use std::cell::OnceCell;

use abi::Program;
use btf::{Btf, Type, TypeId};

use crate::state::MapRef;

/// The special fields of the values of every map of a program, searched for when
/// they are asked for.
#[derive(Debug)]
pub(crate) struct MapFields<'p> {
    program: &'p Program,
    /// Two for each map: its own, and those of the maps that it holds.
    found: Vec<OnceCell<Fields>>,
}

/// The special fields of a type, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    list: Vec<Field>,
}

/// Special bytes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) kind: FieldKind,
    /// First byte.
    pub(crate) offset: u32,
    /// Bytes.
    pub(crate) size: u32,
}

/// What special bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    SpinLock,
    ResSpinLock,
    Timer,
    Workqueue,
    TaskWork,
    ListHead,
    ListNode,
    RbRoot,
    RbNode,
    Refcount,
    /// A pointer to the kernel: of unknown lifetime, owned, per CPU, to memory
    /// of user space.
    Kptr,
    KptrRef,
    KptrPercpu,
    Uptr,
}

impl FieldKind {
    /// The name that Linux has for it in sentences.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FieldKind::SpinLock => "bpf_spin_lock",
            FieldKind::ResSpinLock => "bpf_res_spin_lock",
            FieldKind::Timer => "bpf_timer",
            FieldKind::Workqueue => "bpf_wq",
            FieldKind::TaskWork => "bpf_task_work",
            FieldKind::ListHead => "bpf_list_head",
            FieldKind::ListNode => "bpf_list_node",
            FieldKind::RbRoot => "bpf_rb_root",
            FieldKind::RbNode => "bpf_rb_node",
            FieldKind::Refcount => "bpf_refcount",
            FieldKind::Uptr => "uptr",
            FieldKind::Kptr | FieldKind::KptrRef => "kptr",
            FieldKind::KptrPercpu => "percpu_kptr",
        }
    }

    /// Whether it is a pointer.
    pub(crate) fn is_pointer(self) -> bool {
        matches!(
            self,
            FieldKind::Kptr | FieldKind::KptrRef | FieldKind::KptrPercpu | FieldKind::Uptr
        )
    }

    fn of_struct(name: &str) -> Option<FieldKind> {
        Some(match name {
            "bpf_spin_lock" => FieldKind::SpinLock,
            "bpf_res_spin_lock" => FieldKind::ResSpinLock,
            "bpf_timer" => FieldKind::Timer,
            "bpf_wq" => FieldKind::Workqueue,
            "bpf_task_work" => FieldKind::TaskWork,
            "bpf_list_head" => FieldKind::ListHead,
            "bpf_list_node" => FieldKind::ListNode,
            "bpf_rb_root" => FieldKind::RbRoot,
            "bpf_rb_node" => FieldKind::RbNode,
            "bpf_refcount" => FieldKind::Refcount,
            _ => return None,
        })
    }

    fn of_tag(name: &str) -> Option<FieldKind> {
        Some(match name {
            "kptr_untrusted" => FieldKind::Kptr,
            "kptr" => FieldKind::KptrRef,
            "percpu_kptr" => FieldKind::KptrPercpu,
            "uptr" => FieldKind::Uptr,
            _ => return None,
        })
    }
}

impl<'p> MapFields<'p> {
    /// The fields of all maps of the program.
    pub(crate) fn of(program: &'p Program) -> MapFields<'p> {
        let found = vec![OnceCell::new(); 2 * program.maps.len()];
        MapFields { program, found }
    }

    /// The fields of the values of one map.
    pub(crate) fn get(&self, map: MapRef) -> &Fields {
        let place = 2 * map.index as usize + usize::from(map.inner);
        let found = self.found.get(place);
        found.map_or(&NO_FIELDS, |found| found.get_or_init(|| self.search(map)))
    }

    fn search(&self, map: MapRef) -> Fields {
        let def = self.program.maps.get(map.index as usize);
        let def = def.and_then(|def| match map.inner {
            true => def.inner.as_deref(),
            false => Some(def),
        });
        match (self.program.btf.as_deref(), def) {
            (Some(btf), Some(def)) => Fields::of(btf, def.value_type),
            _ => Fields::default(),
        }
    }
}

/// How deep values are searched.
const MAX_DEPTH: u32 = 4;
/// How many fields a value may have.
const MAX_FIELDS: usize = 11;
/// How many members are looked at: types may fan out at every depth.
const MAX_MEMBERS: u32 = 1 << 16;

static NO_FIELDS: Fields = Fields { list: Vec::new() };

impl Fields {
    /// The fields of a type.
    pub(crate) fn of(btf: &Btf, ty: TypeId) -> Fields {
        let mut fields = Fields::default();
        if let Some((_, Type::Struct(_))) = btf.resolved(ty) {
            let mut budget = MAX_MEMBERS;
            fields.search(btf, ty, 0, 0, &mut budget);
        }
        fields.list.sort_by_key(|field| field.offset);
        fields
    }

    fn search(&mut self, btf: &Btf, outer: TypeId, base: u32, depth: u32, budget: &mut u32) {
        let Some((_, Type::Struct(outer))) = btf.resolved(outer) else {
            return;
        };
        for member in outer.members() {
            let Some(offset) = base.checked_add(member.bit_offset / 8) else {
                return;
            };
            self.search_member(btf, member.ty, offset, depth, budget);
        }
    }

    /// A member, or each element of one that is an array.
    fn search_member(&mut self, btf: &Btf, ty: TypeId, offset: u32, depth: u32, budget: &mut u32) {
        let (mut ty, mut count) = (ty, 1u32);
        while let Some((_, Type::Array(array))) = btf.resolved(ty) {
            // An array may be its own element.
            let Some(left) = budget.checked_sub(1) else {
                return;
            };
            *budget = left;
            count = count.saturating_mul(array.len);
            ty = array.elem;
        }
        let size = btf.size_of(ty).unwrap_or(0);
        for index in 0..count {
            if self.list.len() > MAX_FIELDS || *budget == 0 {
                return;
            }
            *budget -= 1;
            let Some(offset) = size.checked_mul(index).and_then(|o| o.checked_add(offset)) else {
                return;
            };
            let before = self.list.len();
            if let Some(kind) = kind_of(btf, ty) {
                self.list.push(Field { kind, offset, size });
            } else if depth < MAX_DEPTH {
                self.search(btf, ty, offset, depth + 1, budget);
            }
            if self.list.len() == before {
                return;
            }
        }
    }

    /// All fields.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// The first field of this kind.
    pub(crate) fn find(&self, kind: FieldKind) -> Option<&Field> {
        self.list.iter().find(|field| field.kind == kind)
    }

    /// The lock, of either kind.
    pub(crate) fn lock(&self) -> Option<&Field> {
        let lock = self.find(FieldKind::SpinLock);
        lock.or_else(|| self.find(FieldKind::ResSpinLock))
    }
}

/// What special field a type is.
fn kind_of(btf: &Btf, ty: TypeId) -> Option<FieldKind> {
    match btf.resolved(ty)?.1 {
        Type::Struct(structure) => FieldKind::of_struct(structure.name),
        Type::Ptr(_) => tag_of(btf, ty),
        _ => None,
    }
}

/// The tag of what a pointer points to, which makes it special.
fn tag_of(btf: &Btf, pointer: TypeId) -> Option<FieldKind> {
    let (id, _) = btf.resolved(pointer)?;
    let target = btf.ty(id)?.target()?;
    match btf.ty(target)? {
        Type::TypeTag(tag) => FieldKind::of_tag(tag.name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use btf::build::{BtfBuilder, MemberDef};

    use super::*;

    /// Structs of 255 members each, four deep, and an array of itself: the search
    /// ends all the same.
    #[test]
    fn types_that_fan_out_and_cycles() {
        let mut build = BtfBuilder::new();
        let cycle = build.array(build.next_id(), 3);
        let mut inner = cycle;
        for depth in 0..4 {
            let members = [MemberDef::from(("m", inner, 0)); 255];
            inner = build.struct_(&format!("level{depth}"), 8, &members);
        }
        let btf = build.finish().expect("well formed, if senseless");
        assert_eq!(Fields::of(&btf, inner), Fields::default());
    }
}
