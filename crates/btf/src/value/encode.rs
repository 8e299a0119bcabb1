//! A [`Value`] to bytes.

use super::{
    Error, MAX_NESTING, Path, Problem, Value,
    decode::{element, low_mask, read_bits},
    layout::{Fields, Layouts, NoShape, Shape, is_char_int},
};
use crate::{Btf, Enum, Int, TypeId};

/// The most bytes that [`encode`] makes by itself, whatever a type claims.
const MAX_SIZE: u32 = 64 << 20;

/// The bytes of `value` as type `id`, as many as the type takes. What `value`
/// does not mention is zero.
///
/// # Errors
///
/// With the path to what does not fit; [`Problem::TooLarge`] for types above
/// 64 MiB, for which there is [`encode_into`].
pub fn encode(btf: &Btf, id: TypeId, value: &Value) -> Result<Vec<u8>, Error> {
    let size = btf.size_of(id).unwrap_or(0);
    if size > MAX_SIZE {
        let ty = btf.type_name(id).to_string();
        return Err(Path::default().error(Problem::TooLarge { ty, size }));
    }
    let mut bytes = vec![0; size as usize];
    encode_into(btf, id, value, &mut bytes)?;
    Ok(bytes)
}

/// As [`encode`], into bytes of the caller, which have to be exactly as many as
/// the type takes and are overwritten, in part also when an error is returned.
///
/// # Errors
///
/// As [`encode`], and [`Problem::WrongSize`].
pub fn encode_into(btf: &Btf, id: TypeId, value: &Value, bytes: &mut [u8]) -> Result<(), Error> {
    bytes.fill(0);
    let given = vec![0; bytes.len()];
    let found = bytes.len() as u64;
    let mut encoder = Encoder {
        layouts: Layouts::new(btf),
        path: Path::default(),
        bytes,
        given,
    };
    let Some(size) = btf.size_of(id) else {
        return Err(encoder.no_shape(id, NoShape::Unsized));
    };
    if found != u64::from(size) {
        let ty = btf.type_name(id).to_string();
        return Err(encoder.path.error(Problem::WrongSize {
            ty,
            expected: size.into(),
            found,
        }));
    }
    encoder.value(
        id,
        value,
        Place {
            bit_offset: 0,
            bitfield_size: 0,
        },
        0,
    )
}

#[derive(Clone, Copy)]
struct Place {
    bit_offset: u64,
    /// 0 for what is no bitfield.
    bitfield_size: u32,
}

struct Encoder<'a, 'b> {
    layouts: Layouts<'a>,
    path: Path,
    bytes: &'b mut [u8],
    /// Which bits have been written.
    given: Vec<u8>,
}

impl<'a> Encoder<'a, '_> {
    fn value(
        &mut self,
        id: TypeId,
        value: &Value,
        place: Place,
        depth: usize,
    ) -> Result<(), Error> {
        if depth > MAX_NESTING {
            return Err(self.no_shape(id, NoShape::TooDeep));
        }
        let shape = match self.layouts.shape(id) {
            Ok(shape) => shape,
            Err(problem) => return Err(self.no_shape(id, problem)),
        };
        match shape {
            Shape::Int(int) => self.int(id, &int, value, place),
            Shape::Enum(ty) => self.enumerator(id, ty, value, place),
            Shape::Ptr => {
                let count = self.layouts.btf.pointer_size() * 8;
                let bits = self.integer(id, value, count, false)?;
                self.put(id, place, count, bits)
            }
            Shape::Float => self.float(id, value, place),
            Shape::Array {
                elem,
                len,
                elem_size,
                text,
            } => match value {
                Value::String(given) if text => self.text(id, given, len, place),
                Value::Array(values) => {
                    if values.len() > len as usize {
                        let problem = Problem::TooMany {
                            ty: self.name(id),
                            found: values.len(),
                        };
                        return Err(self.path.error(problem));
                    }
                    self.elements(elem, elem_size, values, place, depth)
                }
                _ => self.raw_bytes(id, value, place),
            },
            Shape::Fields(fields) => match value {
                Value::Struct(values) => self.fields(id, &fields, values, place, depth),
                _ => self.raw_bytes(id, value, place),
            },
        }
    }

    fn int(
        &mut self,
        id: TypeId,
        int: &Int<'_>,
        value: &Value,
        mut place: Place,
    ) -> Result<(), Error> {
        let mut count = place.bitfield_size;
        if count == 0 {
            count = int.bits.into();
            place.bit_offset = place.bit_offset.saturating_add(int.bit_offset.into());
        }
        let bits = match value {
            // In a character "5" is the digit, not the number.
            Value::String(text) if is_char_int(int) && text.chars().count() == 1 => {
                self.character(id, text.chars().next().unwrap_or_default())?
            }
            Value::String(text) if int.bool && (text == "true" || text == "false") => {
                u128::from(text == "true")
            }
            _ => self.integer(id, value, count, int.signed)?,
        };
        self.put(id, place, count, bits)
    }

    fn enumerator(
        &mut self,
        id: TypeId,
        ty: Enum<'_>,
        value: &Value,
        place: Place,
    ) -> Result<(), Error> {
        let count = match place.bitfield_size {
            0 => ty.size.saturating_mul(8),
            count => count,
        };
        let named = match value {
            Value::String(text) => ty.values().find(|enumerator| enumerator.name == text),
            _ => None,
        };
        let bits = match (named, value) {
            (Some(enumerator), _) => {
                self.integer(id, &Value::Int(enumerator.value), count, ty.signed)?
            }
            (None, Value::String(text)) if parse_number(text).is_none() => {
                let (ty, name) = (self.name(id), text.clone());
                return Err(self.path.error(Problem::UnknownEnumerator { ty, name }));
            }
            _ => self.integer(id, value, count, ty.signed)?,
        };
        self.put(id, place, count, bits)
    }

    fn float(&mut self, id: TypeId, value: &Value, place: Place) -> Result<(), Error> {
        let number = match value {
            Value::Float(number) => Some(*number),
            Value::Int(number) => Some(*number as f64),
            Value::String(text) if !text.starts_with("0x") => text.parse().ok(),
            _ => None,
        };
        let size = self.layouts.btf.size_of(id).unwrap_or(0);
        match (number, size) {
            (Some(number), 4) => self.put_bytes(id, place, &(number as f32).to_le_bytes()),
            (Some(number), 8) => self.put_bytes(id, place, &number.to_le_bytes()),
            _ => self.raw_bytes(id, value, place),
        }
    }

    fn text(&mut self, id: TypeId, text: &str, len: u32, place: Place) -> Result<(), Error> {
        if text.len() > len as usize {
            let problem = Problem::TooMany {
                ty: self.name(id),
                found: text.len(),
            };
            return Err(self.path.error(problem));
        }
        self.put_bytes(id, place, text.as_bytes())
    }

    fn elements(
        &mut self,
        elem: TypeId,
        elem_size: u32,
        values: &[Value],
        place: Place,
        depth: usize,
    ) -> Result<(), Error> {
        for (index, value) in values.iter().enumerate() {
            let bit_offset = element(place.bit_offset, index as u64, elem_size);
            let back = self.path.index(index);
            self.value(
                elem,
                value,
                Place {
                    bit_offset,
                    ..place
                },
                depth + 1,
            )?;
            self.path.back(back);
        }
        Ok(())
    }

    fn fields(
        &mut self,
        id: TypeId,
        fields: &Fields<'a>,
        values: &[(String, Value)],
        place: Place,
        depth: usize,
    ) -> Result<(), Error> {
        for (name, value) in values {
            if let ("", Value::Struct(inner)) = (name.as_str(), value) {
                // bpftool's form of an anonymous member.
                if depth >= MAX_NESTING {
                    return Err(self.no_shape(id, NoShape::TooDeep));
                }
                self.fields(id, fields, inner, place, depth + 1)?;
                continue;
            }
            let back = self.path.field(name);
            let Some(field) = fields.find(name) else {
                let problem = Problem::UnknownField {
                    ty: self.name(id),
                    name: name.clone(),
                };
                return Err(self.path.error(problem));
            };
            let bit_offset = place.bit_offset.saturating_add(field.bit_offset);
            let inner = Place {
                bit_offset,
                bitfield_size: field.bitfield_size,
            };
            self.value(field.ty, value, inner, depth + 1)?;
            self.path.back(back);
        }
        Ok(())
    }

    /// Bytes for the whole of a type.
    fn raw_bytes(&mut self, id: TypeId, value: &Value, place: Place) -> Result<(), Error> {
        let bytes = match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            Value::String(text) => parse_bytes(text),
            _ => None,
        };
        let Some(bytes) = bytes else {
            return Err(self.wrong_type(id, value));
        };
        let expected = self.layouts.btf.size_of(id).unwrap_or(0);
        if bytes.len() != expected as usize {
            let (ty, found) = (self.name(id), bytes.len() as u64);
            let problem = Problem::WrongSize {
                ty,
                expected: expected.into(),
                found,
            };
            return Err(self.path.error(problem));
        }
        self.put_bytes(id, place, &bytes)
    }

    /// A number in `count` bits.
    fn integer(&self, id: TypeId, value: &Value, count: u32, signed: bool) -> Result<u128, Error> {
        let (number, hex) = match value {
            Value::Int(number) => (Number::from(*number), false),
            Value::Enum { value, .. } => (Number::from(*value), false),
            Value::Ptr(address) => (Number::from(i128::from(*address)), false),
            Value::Bool(truth) => (Number::from(i128::from(*truth)), false),
            Value::Char(character) => return self.character(id, *character),
            Value::String(text) => match parse_number(text) {
                Some(number) => (number, text.contains("0x")),
                None => return Err(self.wrong_type(id, value)),
            },
            Value::Bytes(_) | Value::Float(_) | Value::Array(_) | Value::Struct(_) => {
                return Err(self.wrong_type(id, value));
            }
        };
        // A hexadecimal number is a pattern of bits: 0xff fits a signed byte.
        let limit = low_mask(if signed && !hex {
            count.saturating_sub(1)
        } else {
            count
        });
        let fits = if number.negative {
            signed && number.magnitude <= low_mask(count.saturating_sub(1)) + 1
        } else {
            number.magnitude <= limit
        };
        if !fits {
            let sign = if number.negative { "-" } else { "" };
            let value = format!("{sign}{}", number.magnitude);
            let problem = Problem::OutOfRange {
                ty: self.name(id),
                value,
                bits: count,
            };
            return Err(self.path.error(problem));
        }
        let bits = number.magnitude;
        Ok(if number.negative {
            bits.wrapping_neg()
        } else {
            bits
        } & low_mask(count))
    }

    /// A character of one byte.
    fn character(&self, id: TypeId, character: char) -> Result<u128, Error> {
        u8::try_from(character).map(u128::from).map_err(|_| {
            let value = format!("{character:?}");
            self.path.error(Problem::OutOfRange {
                ty: self.name(id),
                value,
                bits: 8,
            })
        })
    }

    fn put_bytes(&mut self, id: TypeId, place: Place, bytes: &[u8]) -> Result<(), Error> {
        for (i, &byte) in bytes.iter().enumerate() {
            let bit_offset = place.bit_offset.saturating_add(8 * i as u64);
            self.put(
                id,
                Place {
                    bit_offset,
                    bitfield_size: 0,
                },
                8,
                byte.into(),
            )?;
        }
        Ok(())
    }

    /// Writes the lowest `count` of `bits`, unless others are there already.
    fn put(&mut self, id: TypeId, place: Place, count: u32, bits: u128) -> Result<(), Error> {
        let start = place.bit_offset;
        let old = read_bits(self.bytes, start, count);
        let given = read_bits(&self.given, start, count);
        let (Some(old), Some(given)) = (old, given) else {
            return Err(self.path.error(Problem::OutOfBounds { ty: self.name(id) }));
        };
        if (old ^ bits) & given != 0 {
            return Err(self.path.error(Problem::Contradiction));
        }
        set_bits(self.bytes, start, count, bits);
        set_bits(&mut self.given, start, count, low_mask(count));
        Ok(())
    }

    fn name(&self, id: TypeId) -> String {
        self.layouts.btf.type_name(id).to_string()
    }

    fn wrong_type(&self, id: TypeId, value: &Value) -> Error {
        let found = match value {
            Value::String(text) => format!("{text:?}"),
            _ => value.describe().to_owned(),
        };
        self.path.error(Problem::WrongType {
            ty: self.name(id),
            found,
        })
    }

    fn no_shape(&self, id: TypeId, problem: NoShape) -> Error {
        let ty = self.name(id);
        self.path.error(match problem {
            NoShape::Unsized => Problem::Unsized { ty },
            NoShape::TooDeep => Problem::TooDeep { ty },
        })
    }
}

/// Writes bits into little-endian memory, which is long enough.
fn set_bits(bytes: &mut [u8], bit_offset: u64, count: u32, bits: u128) {
    let mut done = 0;
    while done < count {
        let at = bit_offset + u64::from(done);
        let (byte, shift) = (at / 8, (at % 8) as u32);
        let step = (8 - shift).min(count - done);
        let mask = (low_mask(step) as u8) << shift;
        let piece = ((bits >> done) as u8) << shift & mask;
        if let Some(byte) = usize::try_from(byte)
            .ok()
            .and_then(|byte| bytes.get_mut(byte))
        {
            *byte = *byte & !mask | piece;
        }
        done += step;
    }
}

/// An integer of up to 128 bits and a sign.
#[derive(Clone, Copy)]
struct Number {
    negative: bool,
    magnitude: u128,
}

impl From<i128> for Number {
    fn from(value: i128) -> Number {
        Number {
            negative: value < 0,
            magnitude: value.unsigned_abs(),
        }
    }
}

/// Decimal, or hexadecimal after `0x`; with or without `-`.
fn parse_number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) if !hex.starts_with('+') => u128::from_str_radix(hex, 16).ok()?,
        None if !digits.starts_with('+') => digits.parse().ok()?,
        _ => return None,
    };
    Some(Number {
        negative: negative && magnitude != 0,
        magnitude,
    })
}

/// Bytes in the order of memory, `0x` and two digits each.
fn parse_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| (*byte as char).to_digit(16);
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
            _ => None,
        })
        .collect()
}
