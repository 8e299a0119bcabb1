//! CO-RE ("compile once, run everywhere"): the types that a program was compiled
//! against, found again in the BTF of the system that it is to run on.
//!
//! A compiler records for an instruction what its number means: "the offset of
//! `pid` in `task_struct`" ([`Relo`]). [`Resolver`] looks up the same field,
//! type or enumerator in the target's BTF and answers with the number that it
//! has there ([`Fixup`]). Patching the instruction, or poisoning it when there
//! is no answer, is up to whoever owns instructions.
//!
//! The rules are libbpf's (its `relo_core.c`), since programs are written
//! against those:
//!
//! * Candidates are the target's types of the same kind and name, both names
//!   without their `___flavor` suffix. One matches a field access if it has the
//!   same names on the way, array indices in bounds and compatible types;
//!   anonymous structs and unions are looked through.
//! * All candidates that match have to give the same answer. Candidates that do
//!   not match a relocation are not asked again for later ones of the same local
//!   type, unless none matched: that is why a [`Resolver`] should be kept for
//!   all relocations of an object, in the order of the file.
//! * Without a match, questions of existence are answered 0, so are a type's
//!   size and id; a field's place and an enumerator's value poison.
//!
//! What differs: chains of typedefs, anonymous structs and signatures end at a
//! limit with an error, where libbpf would go on, and so does a search that takes
//! too long; negative array indices are refused; an answer that does not fit 32 bits is an error rather than cut.

/// What one relocation may cost, and all of an object together: candidates,
/// types, members and enumerators looked at. A real relocation takes some
/// hundreds; only a file made to take for ever gets here.
const MAX_STEPS: u32 = 1 << 20;
const MAX_TOTAL_STEPS: u32 = 1 << 26;

mod compat;
mod error;
mod fixup;
mod matching;
mod spec;

use std::{
    cell::Cell,
    collections::{HashMap, hash_map::Entry},
    fmt,
};

pub use self::error::{Error, Side};
use self::spec::{Matcher, Spec};
use crate::{Btf, Kind, Type, TypeId, index::essential_name};

/// A CO-RE relocation, as `.BTF.ext` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relo {
    /// Byte offset of the instruction in its ELF section, a multiple of 8.
    pub insn_off: u32,
    /// The type in the program's own BTF that the access starts from.
    pub type_id: TypeId,
    /// For fields, member and array indices on the way, separated by colons,
    /// the first one for the pointer itself (`0:1:3`); for enumerators, their
    /// index; for types, `0`.
    pub access: String,
    /// What is asked.
    pub kind: ReloKind,
}

/// What a relocation asks, numbered as `enum bpf_core_relo_kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReloKind {
    /// Bytes from the start of the struct to the field.
    FieldByteOffset = 0,
    /// Bytes that the field takes.
    FieldByteSize = 1,
    /// 1 if the field exists, else 0.
    FieldExists = 2,
    /// 1 if the field is signed, else 0.
    FieldSigned = 3,
    /// Bits to shift a bitfield left that was loaded into 64 bits.
    FieldLshiftU64 = 4,
    /// Bits to shift it right again.
    FieldRshiftU64 = 5,
    /// The type's id in the program's own BTF.
    TypeIdLocal = 6,
    /// The type's id in the target.
    TypeIdTarget = 7,
    /// 1 if a type of this name and kind exists, else 0.
    TypeExists = 8,
    /// Bytes that the type takes, 0 if there is none.
    TypeSize = 9,
    /// 1 if the enumerator exists, else 0.
    EnumvalExists = 10,
    /// The enumerator's value.
    EnumvalValue = 11,
    /// 1 if a type exists that has all that the program's has, else 0.
    TypeMatches = 12,
}

impl ReloKind {
    const ALL: [ReloKind; 13] = [
        ReloKind::FieldByteOffset,
        ReloKind::FieldByteSize,
        ReloKind::FieldExists,
        ReloKind::FieldSigned,
        ReloKind::FieldLshiftU64,
        ReloKind::FieldRshiftU64,
        ReloKind::TypeIdLocal,
        ReloKind::TypeIdTarget,
        ReloKind::TypeExists,
        ReloKind::TypeSize,
        ReloKind::EnumvalExists,
        ReloKind::EnumvalValue,
        ReloKind::TypeMatches,
    ];

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<ReloKind> {
        ReloKind::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Its name in libbpf's log.
    pub fn name(self) -> &'static str {
        match self {
            ReloKind::FieldByteOffset => "byte_off",
            ReloKind::FieldByteSize => "byte_sz",
            ReloKind::FieldExists => "field_exists",
            ReloKind::FieldSigned => "signed",
            ReloKind::FieldLshiftU64 => "lshift_u64",
            ReloKind::FieldRshiftU64 => "rshift_u64",
            ReloKind::TypeIdLocal => "local_type_id",
            ReloKind::TypeIdTarget => "target_type_id",
            ReloKind::TypeExists => "type_exists",
            ReloKind::TypeSize => "type_size",
            ReloKind::EnumvalExists => "enumval_exists",
            ReloKind::EnumvalValue => "enumval_value",
            ReloKind::TypeMatches => "type_matches",
        }
    }

    fn subject(self) -> Subject {
        match self {
            ReloKind::FieldByteOffset
            | ReloKind::FieldByteSize
            | ReloKind::FieldExists
            | ReloKind::FieldSigned
            | ReloKind::FieldLshiftU64
            | ReloKind::FieldRshiftU64 => Subject::Field,
            ReloKind::TypeIdLocal
            | ReloKind::TypeIdTarget
            | ReloKind::TypeExists
            | ReloKind::TypeSize
            | ReloKind::TypeMatches => Subject::Type,
            ReloKind::EnumvalExists | ReloKind::EnumvalValue => Subject::Enumerator,
        }
    }
}

impl fmt::Display for ReloKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Field,
    Type,
    Enumerator,
}

/// The answer to a [`Relo`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fixup {
    /// The number as the program was compiled.
    pub orig: u64,
    /// The number that it has to be.
    pub new: u64,
    /// Whether the instruction has to hold `orig`: it is a broken object if it
    /// does not. Not so where a compiler may see things differently (bitfields)
    /// or a linker may have renumbered (type ids).
    pub validate: bool,
    /// The target has no answer: the instruction must never run. `new` says
    /// nothing then.
    pub poison: bool,
    /// For the offset of a field: what a load or store of it accesses.
    pub access_size: Option<AccessSize>,
}

/// Bytes that a load or store of the relocated field takes. Only matters for
/// instructions that access memory, and only when the two differ: then the
/// instruction must have been of `orig` bytes, and becomes one of `new` bytes if
/// that is `adjustable`, else is poisoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessSize {
    /// As compiled; 0 for a bitfield.
    pub orig: u32,
    /// In the target; 0 for a bitfield.
    pub new: u32,
    /// The value is the same when loaded with the new size: both are pointers or
    /// both unsigned integers, or the sizes are equal.
    pub adjustable: bool,
}

/// Answers one relocation by itself. For all relocations of an object keep a
/// [`Resolver`].
///
/// # Errors
///
/// As [`Resolver::resolve`].
pub fn resolve(local: &Btf, relo: &Relo, target: &Btf) -> Result<Fixup, Error> {
    Resolver::new(local, target).resolve(relo)
}

/// Answers the relocations of an object, in order.
#[derive(Clone, Debug)]
pub struct Resolver<'a> {
    local: &'a Btf,
    target: &'a Btf,
    /// Whether types with a `___flavor` count as the target's.
    flavored: bool,
    /// The target's types that are still in question, by the program's type.
    candidates: HashMap<TypeId, Vec<TypeId>>,
    /// What all further relocations may cost.
    steps: u32,
}

impl<'a> Resolver<'a> {
    /// For a program with the BTF `local`, to run where BTF is `target`.
    pub fn new(local: &'a Btf, target: &'a Btf) -> Resolver<'a> {
        Resolver {
            local,
            target,
            flavored: true,
            candidates: HashMap::new(),
            steps: MAX_TOTAL_STEPS,
        }
    }

    /// For a program whose own BTF is all there is. Its types with a `___flavor`
    /// are ideas of what a target may be like, so they are none themselves.
    pub fn alone(local: &'a Btf) -> Resolver<'a> {
        Resolver {
            flavored: false,
            ..Resolver::new(local, local)
        }
    }

    /// Answers a relocation.
    ///
    /// # Errors
    ///
    /// When the relocation contradicts the program's own BTF, or the target has
    /// several answers. That the target has none is [`Fixup::poison`].
    pub fn resolve(&mut self, relo: &Relo) -> Result<Fixup, Error> {
        let limit = MAX_STEPS.min(self.steps);
        let left = Cell::new(limit);
        let asked = Asked {
            local: self.local,
            target: self.target,
            relo,
            steps: &left,
        };
        let answer = self.answer(asked);
        self.steps -= limit - left.get();
        answer
    }

    fn answer(&mut self, asked: Asked<'_>) -> Result<Fixup, Error> {
        let relo = asked.relo;
        let ty = asked.local_type()?;
        let spec = Spec::parse(asked)?;
        if relo.kind == ReloKind::TypeIdLocal {
            let id = relo.type_id.0.into();
            return Ok(Fixup {
                orig: id,
                new: id,
                ..Fixup::default()
            });
        }
        if ty.name().is_empty() {
            return Err(asked.anonymous());
        }
        let candidates = match self.candidates.entry(relo.type_id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let mut found = find_candidates(self.target, &ty);
                found.retain(|&id| self.flavored || !has_flavor(self.target.name(id)));
                entry.insert(found)
            }
        };
        let mut matching = Vec::new();
        let mut answer: Option<(TypeId, u32, Fixup)> = None;
        for &candidate in &*candidates {
            asked.spend(1)?;
            let Some(found) = Matcher::new(asked).find(&spec, candidate)? else {
                continue;
            };
            let fixup = fixup::calculate(asked, &spec, Some(&found))?;
            match answer {
                None => answer = Some((candidate, found.bit_offset, fixup)),
                Some((first, bit_offset, other)) => {
                    if bit_offset != found.bit_offset || other.new != fixup.new {
                        return Err(asked.ambiguous(first, candidate));
                    }
                }
            }
            matching.push(candidate);
        }
        match answer {
            Some((.., fixup)) => {
                *candidates = matching;
                Ok(fixup)
            }
            None => fixup::calculate(asked, &spec, None),
        }
    }
}

/// The target's types that could be the program's type `ty`. Of split BTF (a
/// module's) the base (the kernel's) is asked first and the module only if the
/// kernel has none, as libbpf does.
fn find_candidates(target: &Btf, ty: &Type<'_>) -> Vec<TypeId> {
    if let Some(base) = target.base() {
        let found = find_candidates(base, ty);
        if !found.is_empty() {
            return found;
        }
    }
    target
        .own_flavors(essential_name(ty.name()))
        .filter(|&id| {
            target
                .kind(id)
                .is_some_and(|kind| kinds_compatible(kind, ty.kind()))
        })
        .collect()
}

fn has_flavor(name: &str) -> bool {
    essential_name(name) != name
}

/// The same kind, or both enums of whatever width.
fn kinds_compatible(a: Kind, b: Kind) -> bool {
    a == b || a.is_enum() && b.is_enum()
}

/// A relocation and whom it is asked of; makes errors that say so.
#[derive(Clone, Copy)]
struct Asked<'a> {
    local: &'a Btf,
    target: &'a Btf,
    relo: &'a Relo,
    /// What the answer may still cost.
    steps: &'a Cell<u32>,
}

impl<'a> Asked<'a> {
    fn btf(self, side: Side) -> &'a Btf {
        match side {
            Side::Program => self.local,
            Side::Target => self.target,
        }
    }

    /// Counts down to an error.
    fn spend(self, steps: usize) -> Result<(), Error> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let left = self.steps.get().checked_sub(steps);
        self.steps.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(self.too_deep())
    }

    fn local_type(self) -> Result<Type<'a>, Error> {
        let &Relo {
            kind, type_id: id, ..
        } = self.relo;
        self.local.ty(id).ok_or(Error::NoSuchType { kind, id })
    }

    fn size_of(self, side: Side, id: TypeId) -> Result<u32, Error> {
        let btf = self.btf(side);
        btf.size_of(id).ok_or_else(|| Error::Unsized {
            side,
            id,
            ty: btf.type_name(id).to_string(),
        })
    }

    /// The type behind modifiers and typedefs.
    fn resolved(self, side: Side, id: TypeId) -> Result<(TypeId, Type<'a>), Error> {
        self.btf(side).resolved(id).ok_or(self.too_deep())
    }

    /// `bit_offset` moved by element `index` of an array of `elem`.
    fn index_bits(
        self,
        side: Side,
        bit_offset: u32,
        elem: TypeId,
        index: u32,
    ) -> Result<u32, Error> {
        let bits = u64::from(index) * u64::from(self.size_of(side, elem)?) * 8;
        let bits = u32::try_from(bits).map_err(|_| self.too_far())?;
        self.add_bits(bit_offset, bits)
    }

    fn add_bits(self, bit_offset: u32, bits: u32) -> Result<u32, Error> {
        bit_offset.checked_add(bits).ok_or(self.too_far())
    }

    fn too_deep(self) -> Error {
        Error::TooDeep {
            kind: self.relo.kind,
            id: self.relo.type_id,
        }
    }

    fn too_far(self) -> Error {
        Error::TooFar {
            kind: self.relo.kind,
            id: self.relo.type_id,
        }
    }

    fn anonymous(self) -> Error {
        let &Relo {
            kind, type_id: id, ..
        } = self.relo;
        Error::Anonymous {
            kind,
            id,
            ty: self.local.type_name(id).to_string(),
        }
    }

    fn bad_access(self, what: &'static str) -> Error {
        let Relo {
            kind,
            type_id: id,
            ref access,
            ..
        } = *self.relo;
        let ty = self.local.type_name(id).to_string();
        Error::BadAccess {
            kind,
            id,
            ty,
            access: access.clone(),
            what,
        }
    }

    fn ambiguous(self, first: TypeId, second: TypeId) -> Error {
        let kind = self.relo.kind;
        let name = essential_name(self.local.name(self.relo.type_id)).to_owned();
        Error::Ambiguous {
            kind,
            name,
            first,
            second,
        }
    }
}
