//! Raw programs: one JSON object a line, with no ELF.
//!
//! For programs that no compiler made: generated ones, reduced ones, samples
//! taken from another verifier. `docs/verify.md` describes the form;
//! [`RawProgram::parse`] reads a line of it.
//!
//! ```
//! let line = r#"{"type": "xdp", "insns": "b7000000020000009500000000000000"}"#;
//! let raw = loader::raw::RawProgram::parse(line, None)?;
//! assert_eq!(raw.program.code.len(), 2);
//! assert_eq!(raw.program.prog_type, abi::ProgType::Xdp);
//! # Ok::<(), loader::raw::RawError>(())
//! ```
//!
//! # Invariants
//!
//! * A line is an [`abi::Program`] or a [`RawError`] that names the field. One bad
//!   line says nothing of the next.
//! * Descriptors and kernel BTF ids become indices, as [`abi::Program`] wants them:
//!   the n-th distinct map descriptor is the n-th map, a BTF id is a name by the
//!   line's own list or by the kernel's types. What names nothing stays as it is,
//!   for the verifier to refuse.
//! * Fields that the form does not have are passed over, so that a line may carry
//!   what was measured of it.

mod code;
mod error;
mod form;
mod maps;
mod types;
mod write;

use std::sync::Arc;

use abi::{AttachType, ProgFlags, ProgType, Program};
use btf::Btf;

pub use error::{RawError, RawFault};
use form::Form;

/// A program of one line, and what the load is given besides it.
#[derive(Clone, Debug)]
pub struct RawProgram {
    /// The program.
    pub program: Program,
    /// All `BPF_F_*` flags of the load, those of [`abi::ProgFlags`] among them.
    pub flags: u32,
    /// Who loads it.
    pub caps: Caps,
    /// Kernel BTF id of what it attaches to, where the line gives a number.
    pub attach_btf_id: Option<u32>,
}

/// The capabilities of who loads a program, those that the verifier asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caps {
    /// `CAP_BPF`.
    pub bpf: bool,
    /// `CAP_PERFMON`.
    pub perfmon: bool,
    /// `CAP_NET_ADMIN`.
    pub net_admin: bool,
}

impl Caps {
    /// All of them.
    pub const ROOT: Caps = Caps {
        bpf: true,
        perfmon: true,
        net_admin: true,
    };
    /// None of them.
    pub const NONE: Caps = Caps {
        bpf: false,
        perfmon: false,
        net_admin: false,
    };
}

/// `BPF_F_SLEEPABLE`.
const SLEEPABLE: u32 = 1 << 4;
/// `BPF_F_XDP_HAS_FRAGS`.
const XDP_HAS_FRAGS: u32 = 1 << 5;

impl RawProgram {
    /// Reads a line. `kernel_types` give names to BTF ids of kernel functions and
    /// variables for which the line has none.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn parse(line: &str, kernel_types: Option<&Btf>) -> Result<RawProgram, RawError> {
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let form: Form =
            serde_path_to_error::deserialize(&mut deserializer).map_err(RawError::json)?;
        deserializer.end().map_err(RawError::after)?;
        build(form, kernel_types)
    }
}

fn build(form: Form, kernel_types: Option<&Btf>) -> Result<RawProgram, RawError> {
    let (btf, func_info, line_info) = types::read(&form)?;
    let (maps, names) = maps::read(form.maps)?;
    let mut code = code::read(&form.insns, &names)?;
    let externs = code::link(&mut code, maps.len(), form.externs, kernel_types)?;
    let flags = form.flags.bits()?;
    let prog_type = form.prog_type.map_or(Ok(ProgType::SocketFilter), |named| {
        named.read("type", ProgType::new, ProgType::from_name)
    })?;
    let attach_type = form
        .attach_type
        .map(|named| named.read("attach_type", AttachType::new, AttachType::from_name));
    let attach_type = attach_type.transpose()?.filter(|attach| {
        // Number 0 is what a load without an attach type has too.
        *attach as u32 != 0 || prog_type == ProgType::CgroupSkb
    });
    let program = Program {
        name: form.name,
        section: String::new(),
        prog_type,
        attach_type,
        flags: ProgFlags {
            sleepable: flags & SLEEPABLE != 0,
            xdp_frags: flags & XDP_HAS_FRAGS != 0,
            device_bound: false,
        },
        license: form.license,
        kern_version: form.kern_version,
        code,
        functions: Vec::new(),
        maps: maps.into(),
        externs: externs.into(),
        btf: btf.map(Arc::new),
        func_info,
        line_info,
        attach_target: form.attach_target,
        optional: false,
    };
    Ok(RawProgram {
        program,
        flags,
        caps: form.caps.read()?,
        attach_btf_id: form.attach_btf_id.filter(|id| *id != 0),
    })
}

#[cfg(test)]
mod tests;
