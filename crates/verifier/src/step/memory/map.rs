//! Map values, map keys and maps themselves.

use abi::{Initial, MapDef, MapFlags, MapType};
use isa::Reg;

use super::region::Span;
use super::{Direction, Moves, Request};
use crate::explore::Verifier;
use crate::fields::{Field, FieldKind};
use crate::reason::{Access, Result};
use crate::state::{MapRef, Value};

impl Verifier<'_> {
    pub(super) fn access_map_value(&mut self, request: &Request<'_>, map: MapRef) -> Result<Value> {
        self.check_leak(request, "map")?;
        let span = request.span();
        self.check_map_value(request.base, map, &span, request.direction())?;
        if let Some(field) = self.special_field(request, map)? {
            return self.access_kptr(request, field.kind);
        }
        let constant = match request.moves {
            Moves::Load { .. } => self.constant_in_map(request, map),
            _ => None,
        };
        Ok(constant.unwrap_or(Value::UNKNOWN))
    }

    /// Checks that a pointer into the value of a map points at a byte of it.
    pub(crate) fn check_map_byte(&self, reg: Reg, value: &Value, map: MapRef) -> Result {
        let Some(def) = map.def(self.program) else {
            return Err(self.unsupported("unknown map"));
        };
        let span = Span {
            reg,
            off: value.off.into(),
            size: 1,
            zero_allowed: false,
        };
        self.check_region(value, &span, def.value_size)
    }

    /// Checks that the program may read or write `span` of the value of a map.
    pub(super) fn check_map_value(
        &self,
        base: &Value,
        map: MapRef,
        span: &Span,
        direction: Direction,
    ) -> Result {
        let Some(def) = map.def(self.program) else {
            return Err(self.unsupported("unknown map"));
        };
        let value_size = def.value_size;
        let (off, size) = (span.off, span.size);
        if direction == Direction::Write && def.is_read_only_to_programs() {
            return Err(Access::MapReadOnly {
                value_size,
                off,
                size,
            }
            .into());
        }
        if direction == Direction::Read && is_write_only(def) {
            return Err(Access::MapWriteOnly {
                value_size,
                off,
                size,
            }
            .into());
        }
        self.check_region(base, span, value_size)
    }

    /// Checks that an access keeps clear of special fields, but for those that
    /// are pointers: these may be loaded and stored as a whole. Gives the one
    /// that is.
    fn special_field(&self, request: &Request<'_>, map: MapRef) -> Result<Option<Field>> {
        let base = request.base;
        let mut pointer = None;
        for field in self.fields_touched(base, map, &request.span()) {
            let name = field.kind.name();
            if !field.kind.is_pointer() {
                return Err(Access::SpecialField(name).into());
            }
            let Some(variable) = base.num.as_const() else {
                return Err(Access::SpecialFieldVariable(name).into());
            };
            let off = request.fixed().wrapping_add(variable as i64) as u64;
            let expected = field.offset;
            if off != u64::from(expected) {
                return Err(Access::SpecialFieldMisaligned {
                    name,
                    expected,
                    off,
                }
                .into());
            }
            if request.size != 8 {
                return Err(Access::SpecialFieldSize(name).into());
            }
            pointer = Some(*field);
        }
        Ok(pointer)
    }

    /// Checks that memory handed to a helper keeps clear of special fields.
    pub(super) fn check_special_fields_of_argument(
        &self,
        base: &Value,
        map: MapRef,
        span: &Span,
    ) -> Result {
        match self.fields_touched(base, map, span).next() {
            Some(field) if field.kind.is_pointer() => {
                Err(Access::SpecialFieldByHelper(field.kind.name()).into())
            }
            Some(field) => Err(Access::SpecialField(field.kind.name()).into()),
            None => Ok(()),
        }
    }

    /// The special fields that a span may touch.
    fn fields_touched(
        &self,
        base: &Value,
        map: MapRef,
        span: &Span,
    ) -> impl Iterator<Item = &Field> {
        let first = base.num.smin().wrapping_add(span.off);
        let end = (base.num.umax() as i64).wrapping_add(span.off + i64::from(span.size));
        self.fields_of(map).iter().filter(move |field| {
            let field_end = i64::from(field.offset) + i64::from(field.size);
            first < field_end && i64::from(field.offset) < end
        })
    }

    /// A load or store of a pointer to the kernel in a map value.
    fn access_kptr(&self, request: &Request<'_>, kind: FieldKind) -> Result<Value> {
        if request.is_write() {
            match kind {
                FieldKind::KptrRef | FieldKind::KptrPercpu => {
                    return Err(Access::KptrStore("referenced kptr").into());
                }
                FieldKind::Uptr => return Err(Access::KptrStore("uptr").into()),
                _ => {}
            }
        }
        Err(self.unsupported("kptrs in map values"))
    }

    /// The number that a load reads from a map whose contents never change.
    fn constant_in_map(&self, request: &Request<'_>, map: MapRef) -> Option<Value> {
        let def = map.def(self.program)?;
        if !(def.is_read_only_to_programs()
            && def.kind.is_constant()
            && def.map_type == MapType::Array)
        {
            return None;
        }
        let at = request
            .fixed()
            .wrapping_add(request.base.num.as_const()? as i64);
        let at = usize::try_from(at).ok()?;
        let size = request.size as usize;
        let mut bytes = [0; 8];
        match &def.initial {
            Initial::Bytes(initial) => {
                bytes
                    .get_mut(..size)?
                    .copy_from_slice(initial.get(at..at.checked_add(size)?)?);
            }
            Initial::Empty => {}
            Initial::Entries(_) => return None,
        }
        Some(Value::constant(u64::from_le_bytes(bytes)))
    }

    pub(super) fn access_map_key(&mut self, request: &Request<'_>, map: MapRef) -> Result<Value> {
        if request.is_write() {
            return Err(Access::KeyReadOnly(request.reg).into());
        }
        let Some(def) = map.def(self.program) else {
            return Err(self.unsupported("unknown map"));
        };
        self.check_region(request.base, &request.span(), def.key_size)?;
        Ok(Value::UNKNOWN)
    }
}

/// Whether programs may only write it.
fn is_write_only(def: &MapDef) -> bool {
    def.flags.contains(MapFlags::WRONLY_PROG) && !def.is_read_only_to_programs()
}
