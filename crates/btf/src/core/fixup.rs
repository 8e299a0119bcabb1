//! The numbers: what a relocation asks of a field, type or enumerator of one
//! side, and the two sides' answers together.

use super::{
    AccessSize, Asked, Error, Fixup, ReloKind, Side, Subject,
    spec::{Accessor, Spec},
};
use crate::{Composite, Type, TypeId};

/// One side's answer.
struct Answer {
    value: u64,
    /// Whether a compiler cannot have seen it otherwise.
    certain: bool,
    /// For the offset of a field: the type and size that a load of it has.
    access: Option<(TypeId, u32)>,
}

impl Answer {
    fn certain(value: impl Into<u64>) -> Answer {
        Answer {
            value: value.into(),
            certain: true,
            access: None,
        }
    }
}

/// The answer when the program's `local` is the target's `target`, or is not
/// there.
pub(super) fn calculate<'a>(
    asked: Asked<'a>,
    local: &Spec<'a>,
    target: Option<&Spec<'a>>,
) -> Result<Fixup, Error> {
    let orig = answer(asked, Side::Program, Some(local))?;
    let new = answer(asked, Side::Target, target)?;
    // The program's own side is there, and has an answer.
    let orig = orig.unwrap_or(Answer::certain(0u32));
    let Some(new) = new else {
        return Ok(Fixup {
            orig: orig.value,
            validate: orig.certain,
            poison: true,
            ..Fixup::default()
        });
    };
    Ok(Fixup {
        orig: orig.value,
        new: new.value,
        validate: orig.certain,
        poison: false,
        access_size: access_size(asked, &orig, &new),
    })
}

/// `None` for what cannot be asked of something that is not there.
fn answer<'a>(
    asked: Asked<'a>,
    side: Side,
    spec: Option<&Spec<'a>>,
) -> Result<Option<Answer>, Error> {
    let kind = asked.relo.kind;
    if matches!(
        kind,
        ReloKind::FieldExists
            | ReloKind::TypeExists
            | ReloKind::TypeMatches
            | ReloKind::EnumvalExists
    ) {
        return Ok(Some(Answer::certain(spec.is_some())));
    }
    let Some(spec) = spec else {
        // libbpf's choice: a type that is not there has size 0 and id 0.
        return Ok((kind.subject() == Subject::Type).then_some(Answer::certain(0u32)));
    };
    match kind.subject() {
        Subject::Field => field(asked, side, spec).map(Some),
        Subject::Enumerator => Ok(spec
            .enumerator
            .map(|enumerator| Answer::certain(enumerator.bits))),
        Subject::Type if kind == ReloKind::TypeSize => {
            Ok(Some(Answer::certain(asked.size_of(side, spec.root)?)))
        }
        // Linkers may renumber types.
        Subject::Type => Ok(Some(Answer {
            certain: false,
            ..Answer::certain(spec.root.0)
        })),
    }
}

fn field<'a>(asked: Asked<'a>, side: Side, spec: &Spec<'a>) -> Result<Answer, Error> {
    match spec.path.last() {
        Some(&Accessor::Member(composite, index, name)) => {
            member(asked, side, spec, composite, index, name)
        }
        Some(&Accessor::Element(id, _)) => element(asked, side, spec, id),
        None => Err(asked.bad_access("is empty")),
    }
}

fn element(asked: Asked<'_>, side: Side, spec: &Spec<'_>, id: TypeId) -> Result<Answer, Error> {
    match asked.relo.kind {
        ReloKind::FieldByteOffset => Ok(Answer {
            access: Some((id, load_size(asked, side, id)?)),
            ..Answer::certain(spec.bit_offset / 8)
        }),
        ReloKind::FieldByteSize => Ok(Answer::certain(asked.size_of(side, id)?)),
        kind => {
            let ty = asked.btf(side).type_name(id).to_string();
            Err(Error::ArrayElement { kind, id, ty })
        }
    }
}

fn member<'a>(
    asked: Asked<'a>,
    side: Side,
    spec: &Spec<'a>,
    composite: Composite<'a>,
    index: usize,
    name: &str,
) -> Result<Answer, Error> {
    let member = composite
        .member(index)
        .ok_or_else(|| asked.bad_access("is no member of it"))?;
    let (id, ty) = asked.resolved(side, member.ty)?;
    let bitfield = member.bitfield_size != 0;
    let size = asked.size_of(side, id)?;
    let place = if bitfield {
        Place::of_bitfield(spec.bit_offset, member.bitfield_size.into(), size).ok_or_else(|| {
            Error::WideBitfield {
                side,
                name: name.to_owned(),
            }
        })?
    } else {
        Place::of_whole(spec.bit_offset, size)
    };
    // How a compiler loads a bitfield is its choice, but not how many bits it
    // shifts away in the end, nor the sign.
    let ambiguous = |value: u32| Answer {
        certain: !bitfield,
        ..Answer::certain(value)
    };
    Ok(match asked.relo.kind {
        ReloKind::FieldByteOffset if bitfield => ambiguous(place.byte_offset),
        ReloKind::FieldByteOffset => {
            let access = Some((id, load_size(asked, side, id)?));
            Answer {
                access,
                ..ambiguous(place.byte_offset)
            }
        }
        ReloKind::FieldByteSize => ambiguous(place.bytes),
        ReloKind::FieldLshiftU64 => ambiguous(64u32.wrapping_sub(place.bits_to_end())),
        ReloKind::FieldRshiftU64 => Answer::certain(64u32.wrapping_sub(place.bits)),
        _ => Answer::certain(is_signed(&ty)),
    })
}

/// Where a field is loaded from, and which of its bits count.
struct Place {
    bit_offset: u32,
    bits: u32,
    byte_offset: u32,
    bytes: u32,
}

impl Place {
    fn of_whole(bit_offset: u32, bytes: u32) -> Place {
        Place {
            bit_offset,
            bits: bytes.saturating_mul(8),
            byte_offset: bit_offset / 8,
            bytes,
        }
    }

    /// The aligned load of least size that has all bits, from the size of the
    /// declared type on; `None` if not even eight bytes do.
    fn of_bitfield(bit_offset: u32, bits: u32, size: u32) -> Option<Place> {
        let mut bytes = size;
        loop {
            let byte_offset = (bit_offset / 8).checked_div(bytes)? * bytes;
            let end = u64::from(bit_offset) + u64::from(bits);
            if end - u64::from(byte_offset) * 8 <= u64::from(bytes) * 8 {
                return Some(Place {
                    bit_offset,
                    bits,
                    byte_offset,
                    bytes,
                });
            }
            if bytes >= 8 {
                return None;
            }
            bytes *= 2;
        }
    }

    /// Bits from the start of the load to the end of the field.
    fn bits_to_end(&self) -> u32 {
        (self.bit_offset % 8)
            .wrapping_add((self.bit_offset / 8 - self.byte_offset).wrapping_mul(8))
            .wrapping_add(self.bits)
    }
}

fn is_signed(ty: &Type<'_>) -> bool {
    match ty {
        Type::Int(int) => int.signed,
        Type::Enum(t) | Type::Enum64(t) => t.signed,
        _ => false,
    }
}

/// Bytes that one load of a field takes: those of an element, for an array.
fn load_size(asked: Asked<'_>, side: Side, mut id: TypeId) -> Result<u32, Error> {
    for _ in 0..crate::MAX_DEPTH {
        match asked.resolved(side, id)? {
            (_, Type::Array(array)) => id = array.elem,
            (id, _) => return asked.size_of(side, id),
        }
    }
    Err(asked.too_deep())
}

fn access_size(asked: Asked<'_>, orig: &Answer, new: &Answer) -> Option<AccessSize> {
    if orig.access.is_none() && new.access.is_none() {
        return None;
    }
    let (orig_id, orig) = orig.access.unwrap_or_default();
    let (new_id, new) = new.access.unwrap_or_default();
    let adjustable = orig == new
        || match (asked.local.ty(orig_id), asked.target.ty(new_id)) {
            (Some(Type::Ptr(_)), Some(Type::Ptr(_))) => true,
            (Some(Type::Int(a)), Some(Type::Int(b))) => !a.signed && !b.signed,
            _ => false,
        };
    Some(AccessSize {
        orig,
        new,
        adjustable,
    })
}
