//! The types of a kernel, from whatever file holds them.

use ::object::read::elf::ElfFile64;
use ::object::{LittleEndian, Object as _, ObjectSection as _};
use btf::Btf;

/// Why a file gives no types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// An ELF file that is broken, or 32-bit, or big-endian.
    #[error("an ELF file that cannot be read (64-bit little-endian is expected): {0}")]
    Elf(String),
    /// An ELF file without types.
    #[error(
        "an ELF file without a .BTF section: the kernel was built without CONFIG_DEBUG_INFO_BTF"
    )]
    NoBtf,
    /// The types cannot be read.
    #[error(transparent)]
    Btf(#[from] btf::Error),
}

/// Reads BTF from raw bytes (`/sys/kernel/btf/vmlinux`, `min_core_btf` files) or
/// from the `.BTF` section of an ELF file (`vmlinux`).
pub fn read_btf(bytes: &[u8]) -> Result<Btf, TargetError> {
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(Btf::parse(bytes)?);
    }
    let broken = |e: ::object::read::Error| TargetError::Elf(e.to_string());
    let file: ElfFile64<'_, LittleEndian> = ElfFile64::parse(bytes).map_err(broken)?;
    let section = file.section_by_name(".BTF").ok_or(TargetError::NoBtf)?;
    Ok(Btf::parse(section.data().map_err(broken)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_types_is_said() {
        assert!(matches!(read_btf(b""), Err(TargetError::Btf(_))));
        assert!(matches!(
            read_btf(b"\x9f\xeb\x01"),
            Err(TargetError::Btf(_))
        ));
        assert!(matches!(read_btf(b"\x7fELF"), Err(TargetError::Elf(_))));
    }
}
