//! What can be wrong with BTF bytes, each with where.

use crate::TypeId;

/// Why bytes are not BTF that can be used.
///
/// Byte offsets count from the start of the bytes given to the parser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end before the part named does.
    #[error("{what} at byte {offset} needs {needed} bytes, {available} are there")]
    Truncated {
        /// The part that is cut short.
        what: &'static str,
        /// Where it starts.
        offset: u64,
        /// How long it says or has to be.
        needed: u64,
        /// How many bytes there are from `offset` on.
        available: u64,
    },
    /// The first two bytes are not BTF's magic number.
    #[error("not BTF: the first two bytes are {found:#06x}, not 0xeb9f")]
    BadMagic {
        /// The first two bytes as a little-endian number.
        found: u16,
    },
    /// BTF of a big-endian machine.
    #[error("big-endian BTF is not supported; compile for little-endian BPF (-target bpfel)")]
    BigEndian,
    /// A version other than 1.
    #[error("BTF version {found} is not supported, only version 1 is")]
    BadVersion {
        /// The version byte.
        found: u8,
    },
    /// Header flags, of which none is defined.
    #[error("unknown BTF header flags {found:#04x}")]
    BadFlags {
        /// The flags byte.
        found: u8,
    },
    /// A header shorter than the oldest format's.
    #[error("BTF header length {found} is below {least}")]
    BadHeaderLen {
        /// `hdr_len`.
        found: u32,
        /// The smallest length that exists.
        least: u32,
    },
    /// The string table does not start (base BTF) and end with a zero byte.
    #[error("the BTF string table is not enclosed in zero bytes")]
    StringsNotTerminated,
    /// The string table is not UTF-8 from this byte of it on.
    #[error("the BTF string table is not UTF-8 at byte {offset} of it")]
    StringsNotUtf8 {
        /// Offset into the string table.
        offset: u64,
    },
    /// A string offset outside of the table or inside of a character.
    #[error("string offset {offset} of {what} is not in the BTF string table")]
    BadString {
        /// What refers to the string.
        what: &'static str,
        /// The offset given.
        offset: u32,
    },
    /// A section name or CO-RE access string of more than 1024 bytes.
    #[error("string at offset {offset} of {what} is longer than 1024 bytes")]
    LongString {
        /// What refers to the string.
        what: &'static str,
        /// The offset given.
        offset: u32,
    },
    /// A string offset of a type outside of the table, or of a string that is
    /// too long for a name (4096 bytes).
    #[error("type [{id}] has string offset {offset}, which is no name in the BTF string table")]
    BadName {
        /// The type.
        id: TypeId,
        /// The offset given.
        offset: u32,
    },
    /// A kind of type that this version does not know; its length is unknown too.
    #[error("type [{id}] at byte {offset} is of unknown kind {kind}")]
    UnknownKind {
        /// The type.
        id: TypeId,
        /// Its byte offset.
        offset: u64,
        /// The kind number.
        kind: u8,
    },
    /// Bits or values in a type that its kind does not have.
    #[error("type [{id}] at byte {offset}: {what}")]
    BadType {
        /// The type.
        id: TypeId,
        /// Its byte offset.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A reference to a type that does not exist.
    #[error("type [{id}] refers to type [{target}], the last one is [{last}]")]
    DanglingType {
        /// The type that refers.
        id: TypeId,
        /// The id it refers to.
        target: TypeId,
        /// The last existing id.
        last: TypeId,
    },
    /// A `.BTF.ext` record size below what the record needs, or no multiple of 4.
    #[error("{what} record size {found} is not a multiple of 4 from {least} on")]
    BadRecordSize {
        /// Which of the tables.
        what: &'static str,
        /// The size given.
        found: u32,
        /// The size of the oldest format's record.
        least: u32,
    },
    /// A `.BTF.ext` instruction offset that is no multiple of the instruction size.
    #[error("{what} of section {section} has instruction offset {offset}, no multiple of 8")]
    BadInsnOffset {
        /// Which of the tables.
        what: &'static str,
        /// The section whose table it is.
        section: String,
        /// The offset given.
        offset: u32,
    },
    /// A `.BTF.ext` record about a type that does not exist.
    #[error("{what} of section {section} refers to type [{target}], the last one is [{last}]")]
    BadTypeId {
        /// Which of the tables.
        what: &'static str,
        /// The section whose table it is.
        section: String,
        /// The id given.
        target: TypeId,
        /// The last existing id.
        last: TypeId,
    },
    /// A CO-RE relocation kind above the known ones.
    #[error("CO-RE relocation at {section}+{insn_off:#x} is of unknown kind {kind}")]
    UnknownReloKind {
        /// The section whose table it is.
        section: String,
        /// Byte offset of the instruction in the section.
        insn_off: u32,
        /// The kind number.
        kind: u32,
    },
    /// A type id given by the caller that is not what the operation needs.
    #[error("type [{id}] is no {expected}")]
    WrongKind {
        /// The type.
        id: TypeId,
        /// What was needed.
        expected: &'static str,
    },
}
