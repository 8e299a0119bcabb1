//! BTF, functions' types, source lines.

use abi::{FuncInfo, LineInfo};
use btf::{Btf, TypeId};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use isa::Pc;

use super::form::{BtfForm, Form, Records};
use super::{RawError, RawFault};

type Types = (Option<Btf>, Vec<FuncInfo>, Vec<LineInfo>);

pub(super) fn read(form: &Form) -> Result<Types, RawError> {
    let (mut base64, mut hex) = (None, form.btf_hex.as_deref());
    let (mut funcs, mut lines) = (form.func_info.as_ref(), form.line_info.as_ref());
    match &form.btf {
        None => {}
        Some(BtfForm::Base64(text)) => base64 = Some(text.as_str()),
        Some(BtfForm::Object {
            btf,
            btf_hex,
            func_info,
            line_info,
        }) => {
            base64 = btf.as_deref();
            hex = btf_hex.as_deref().or(hex);
            funcs = func_info.as_ref().or(funcs);
            lines = line_info.as_ref().or(lines);
        }
    }
    let bytes = match (base64, hex) {
        (Some(text), _) => Some(from_base64("btf", text)?),
        (None, Some(text)) => Some(from_hex("btf_hex", text)?),
        (None, None) => None,
    };
    let btf = bytes.map(|bytes| Btf::parse(&bytes));
    let btf = btf
        .transpose()
        .map_err(|error| RawError::new("btf", error.into()))?;
    let funcs = records("func_info", "records of 8 bytes", funcs)?;
    let lines = records("line_info", "records of 16 bytes", lines)?;
    Ok((
        btf,
        funcs.into_iter().map(func_info).collect(),
        lines.into_iter().map(line_info).collect(),
    ))
}

fn func_info([pc, type_id]: [u32; 2]) -> FuncInfo {
    FuncInfo {
        pc: Pc(pc),
        type_id: TypeId(type_id),
    }
}

fn line_info([pc, file_name_off, line_off, place]: [u32; 4]) -> LineInfo {
    LineInfo {
        pc: Pc(pc),
        file_name_off,
        line_off,
        line: place >> 10,
        column: place & 0x3ff,
    }
}

fn records<const N: usize>(
    field: &'static str,
    each: &'static str,
    records: Option<&Records<N>>,
) -> Result<Vec<[u32; N]>, RawError> {
    let words: Vec<u32> = match records {
        None => return Ok(Vec::new()),
        Some(Records::List(list)) => {
            let array = |record: &Vec<u32>| <[u32; N]>::try_from(record.as_slice());
            let read: Result<Vec<_>, _> = list.iter().map(array).collect();
            return read.map_err(|_| RawError::value(field, "a record", each));
        }
        Some(Records::Base64(text)) => {
            let bytes = from_base64(field, text)?;
            let (words, rest) = bytes.as_chunks::<4>();
            if !rest.is_empty() || words.len() % N != 0 {
                let len = bytes.len();
                return Err(RawError::new(field, RawFault::Size { len, each }));
            }
            words.iter().map(|word| u32::from_le_bytes(*word)).collect()
        }
    };
    Ok(words.as_chunks::<N>().0.to_vec())
}

pub(super) fn from_base64(field: &str, text: &str) -> Result<Vec<u8>, RawError> {
    BASE64
        .decode(text.as_bytes())
        .map_err(|_| RawError::value(field, text, "base64 with padding"))
}

pub(super) fn from_hex(field: &str, text: &str) -> Result<Vec<u8>, RawError> {
    HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .map_err(|_| RawError::value(field, text, "an even number of hexadecimal digits"))
}
