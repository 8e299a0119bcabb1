//! Arguments that point to special fields of map values: locks, timers,
//! pointers to the kernel.

use isa::Reg;

use super::Call;
use crate::explore::Verifier;
use crate::fields::{FieldKind, Fields};
use crate::reason::{self, Argument, Result};
use crate::state::{Kind, MapRef, Reference, ReferenceKind, Value};

impl Verifier<'_> {
    /// The special fields of a map's values.
    pub(crate) fn fields_of(&self, map: MapRef) -> &Fields {
        self.map_fields.get(map)
    }

    /// `bpf_spin_lock` and `bpf_spin_unlock`.
    pub(super) fn check_spin_lock(&mut self, call: &Call, reg: Reg, value: &Value) -> Result {
        let map = self.check_field(reg, value, FieldKind::SpinLock)?;
        if call.is("bpf_spin_lock") {
            self.lock(map, value.id)
        } else {
            self.unlock(map, value.id)
        }
    }

    fn lock(&mut self, map: MapRef, value_id: u32) -> Result {
        let refs = &mut self.state.refs;
        if refs.active_locks > 0 {
            return Err(reason::Reference::SecondLock.into());
        }
        refs.active_locks += 1;
        // A lock has no id of its own: it is told by that of the value.
        refs.list.push(Reference {
            kind: ReferenceKind::Lock { map },
            id: value_id,
            pc: self.pc,
        });
        Ok(())
    }

    fn unlock(&mut self, map: MapRef, value_id: u32) -> Result {
        let refs = &mut self.state.refs;
        if refs.active_locks == 0 {
            return Err(reason::Reference::NotLocked.into());
        }
        let lock = ReferenceKind::Lock { map };
        let same = |held: &Reference| held.kind == lock && held.id == value_id;
        let Some(index) = refs.list.iter().rposition(same) else {
            return Err(reason::Reference::OtherLock.into());
        };
        refs.list.remove(index);
        refs.active_locks -= 1;
        Ok(())
    }

    /// A `bpf_timer`; the map goes with it.
    pub(super) fn check_timer(&self, call: &mut Call, reg: Reg, value: &Value) -> Result {
        call.map = Some(self.check_field(reg, value, FieldKind::Timer)?);
        Ok(())
    }

    /// A pointer to the kernel.
    pub(super) fn check_kptr(&self, reg: Reg, value: &Value) -> Result {
        let Kind::MapValue(map) = value.kind else {
            return Err(self.unsupported("pointers in objects that the program allocates"));
        };
        self.check_typed(map, "bpf_kptr_xchg")?;
        let Some(variable) = value.num.as_const() else {
            let field = "kptr";
            return Err(Argument::FieldVariable { reg, field }.into());
        };
        let fields = self.fields_of(map);
        let is_pointer = |kind: FieldKind| kind.is_pointer() && kind != FieldKind::Uptr;
        if !fields.iter().any(|field| is_pointer(field.kind)) {
            return Err(Argument::NoKptr(reg).into());
        }
        let at = i64::from(value.off).wrapping_add(variable as i64);
        if !fields
            .iter()
            .any(|f| is_pointer(f.kind) && i64::from(f.offset) == at)
        {
            return Err(Argument::KptrElsewhere(at).into());
        }
        Err(self.unsupported("pointers to the kernel in maps"))
    }

    /// Checks that `value` points exactly at the field of this kind, of which
    /// there is at most one.
    fn check_field(&self, reg: Reg, value: &Value, kind: FieldKind) -> Result<MapRef> {
        let Kind::MapValue(map) = value.kind else {
            return Err(self.unsupported("fields of objects that the program allocates"));
        };
        let field = kind.name();
        let Some(variable) = value.num.as_const() else {
            return Err(Argument::FieldVariable { reg, field }.into());
        };
        self.check_typed(map, field)?;
        let Some(found) = self.fields_of(map).find(kind) else {
            let map = self.map_name(map);
            return Err(Argument::FieldMissing { map, field }.into());
        };
        let at = found.offset;
        let off = i64::from(value.off).wrapping_add(variable as i64);
        if off != i64::from(at) {
            return Err(Argument::FieldElsewhere { off, field, at }.into());
        }
        Ok(map)
    }

    /// Checks that the map's values have a type.
    fn check_typed(&self, map: MapRef, user: &'static str) -> Result {
        let def = map.def(self.program);
        let typed = def.is_some_and(|def| def.value_type != btf::TypeId::VOID);
        if typed && self.program.btf.is_some() {
            return Ok(());
        }
        let map = self.map_name(map);
        Err(Argument::FieldNoBtf { map, user }.into())
    }

    /// The name of a map as Linux keeps it.
    fn map_name(&self, map: MapRef) -> String {
        let name = map.def(self.program).map_or("", |def| def.name.as_str());
        let kept = name.len().min(abi::limits::OBJ_NAME_LEN - 1);
        String::from_utf8_lossy(&name.as_bytes()[..kept]).into_owned()
    }
}
