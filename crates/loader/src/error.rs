//! What can be wrong with an object, and where.

use std::fmt;

/// A place in an object file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ELF section.
    pub section: String,
    /// Byte offset in the section.
    pub offset: u64,
    /// The function or symbol that the offset is in, where one is known.
    pub symbol: Option<String>,
}

impl Place {
    pub(crate) fn new(section: impl Into<String>, offset: u64) -> Place {
        Place {
            section: section.into(),
            offset,
            symbol: None,
        }
    }

    pub(crate) fn of(self, symbol: impl Into<String>) -> Place {
        Place {
            symbol: Some(symbol.into()),
            ..self
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "section '{}', offset {:#x}", self.section, self.offset)?;
        match &self.symbol {
            Some(symbol) => write!(f, " (in '{symbol}')"),
            None => Ok(()),
        }
    }
}

/// Why an object, a map or a program cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no ELF file.
    #[error("not an ELF file{}", .hint.map(|h| format!(": {h}")).unwrap_or_default())]
    NotElf {
        /// What they seem to be instead, and what to do.
        hint: Option<&'static str>,
    },
    /// A 32-bit ELF file.
    #[error(
        "a 32-bit ELF file: BPF objects are 64-bit; compile with `clang -target bpf` (or bpfel)"
    )]
    Class32,
    /// A big-endian object.
    #[error(
        "a big-endian BPF object: only little-endian programs can be run; compile with `clang -target bpfel`"
    )]
    BigEndian,
    /// An object for another processor.
    #[error(
        "an ELF file for machine {machine}, not for BPF (247): compile with `clang -target bpf`"
    )]
    Machine {
        /// `e_machine`.
        machine: u16,
    },
    /// An executable, shared object or core file.
    #[error(
        "an ELF file of type {found}, not a relocatable object (1): give the file that `clang -c` makes"
    )]
    NotRelocatable {
        /// `e_type`.
        found: u16,
    },
    /// Something in the ELF structure is broken.
    #[error("broken ELF file: {what}{}", .place.as_ref().map(|p| format!(" ({p})")).unwrap_or_default())]
    Elf {
        /// What is broken.
        what: &'static str,
        /// Where, if a section is known.
        place: Option<Place>,
    },
    /// The headers, section table or symbol table are damaged or cut off.
    #[error("broken ELF file: {what}")]
    Structure {
        /// What is broken, in the words of the `object` crate.
        what: String,
    },
    /// A code section whose size is not a whole number of instructions.
    #[error("section '{section}' has {size} bytes, which is not a multiple of 8")]
    CodeSize {
        /// The section.
        section: String,
        /// Its size in bytes.
        size: u64,
    },
    /// A function that reaches beyond its section or is not aligned.
    #[error("{place}: function of {size} bytes does not fit into its section")]
    FunctionBounds {
        /// The function.
        place: Place,
        /// The size of its symbol.
        size: u64,
    },
    /// The version section is not four bytes long.
    #[error("section 'version' has {size} bytes; a kernel version has 4")]
    Version {
        /// Its size in bytes.
        size: u64,
    },
    /// A global data section that is too large.
    #[error("section '{section}' has {size} bytes; at most {limit} are supported")]
    DataSize {
        /// The section.
        section: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The BTF of the object is broken, and something needs it.
    #[error("BTF of the object, needed for {needed_by}: {source}")]
    Btf {
        /// What cannot do without.
        needed_by: &'static str,
        /// What is wrong with it.
        source: btf::Error,
    },
    /// There is no BTF, and something needs it.
    #[error("no BTF in the object, needed for {needed_by}: compile with `clang -g`")]
    NoBtf {
        /// What cannot do without.
        needed_by: &'static str,
    },
    /// A map definition that makes no sense.
    #[error("map '{map}': {what}")]
    Map {
        /// Name of the map.
        map: String,
        /// What is wrong with it.
        what: MapError,
    },
    /// More maps than any object needs.
    #[error("the object defines more than {limit} maps")]
    TooManyMaps {
        /// The limit.
        limit: usize,
    },
    /// Map definitions in a legacy section whose size cannot be told.
    #[error("{place}: a map definition of {size} bytes is none of the known layouts")]
    LegacyMapSize {
        /// The definition.
        place: Place,
        /// Bytes between it and the next one.
        size: u64,
    },
    /// No map has this name.
    #[error("no map is called '{name}'; the object has {}", list(.existing))]
    UnknownMap {
        /// The name asked for.
        name: String,
        /// Those that there are.
        existing: Vec<String>,
    },
    /// No program has this name.
    #[error("no program is called '{name}'; the object has {}", list(.existing))]
    UnknownProgram {
        /// The name asked for.
        name: String,
        /// Those that there are.
        existing: Vec<String>,
    },
    /// No global variable has this name.
    #[error("no global variable is called '{name}'; the object has {}", list(.existing))]
    UnknownGlobal {
        /// The name asked for.
        name: String,
        /// Those that there are.
        existing: Vec<String>,
    },
    /// A value of the wrong size for a global variable.
    #[error("variable '{name}' has {expected} bytes, not {given}")]
    GlobalSize {
        /// The variable.
        name: String,
        /// Its size.
        expected: u32,
        /// The size of the value.
        given: usize,
    },
    /// The section name says nothing of the program's type.
    #[error(
        "program '{program}': section '{section}' does not say what type of program this is; \
         name the type (such as `xdp`, `sched_cls`, `socket_filter`)"
    )]
    ProgramType {
        /// The program.
        program: String,
        /// Its section.
        section: String,
    },
    /// There is no program at all.
    #[error("the object has no program: no code section holds a function")]
    NoProgram,
    /// A relocation that cannot be understood.
    #[error("{place}: relocation against '{symbol}': {what}")]
    Relocation {
        /// The relocated instruction.
        place: Place,
        /// The symbol that it names.
        symbol: String,
        /// What is wrong with it.
        what: RelocationError,
    },
    /// A function is called that is nowhere defined.
    #[error(
        "{place}: '{symbol}' is called but not defined in this object; \
         if it should have been inlined, declare it `static __always_inline`; \
         if the kernel provides it, declare it `extern … __ksym`"
    )]
    Undefined {
        /// The call.
        place: Place,
        /// The function.
        symbol: String,
    },
    /// A call or function reference that leads to no function.
    #[error(
        "{place}: the target, offset {target:#x} of section '{section}', is not the start of a function"
    )]
    CallTarget {
        /// The call.
        place: Place,
        /// The section that it leads to.
        section: String,
        /// The byte offset that it leads to.
        target: i64,
    },
    /// Functions call each other in a circle.
    #[error("{place}: recursion is not possible in BPF: {}", .cycle.join(" -> "))]
    Recursion {
        /// The call that closes the circle.
        place: Place,
        /// Names of the functions, the first one again at the end.
        cycle: Vec<String>,
    },
    /// A linked program that is too long.
    #[error("program '{program}' has more than {limit} instructions")]
    TooLong {
        /// The program.
        program: String,
        /// The limit.
        limit: usize,
    },
    /// An extern that the kernel's configuration should give.
    #[error("extern '{name}': {what}")]
    Kconfig {
        /// The extern.
        name: String,
        /// What is wrong with it.
        what: KconfigError,
    },
    /// A CO-RE relocation that is broken.
    #[error("{place}: CO-RE relocation #{index}: {what}")]
    Core {
        /// The relocated instruction.
        place: Place,
        /// Number of the relocation in its section.
        index: usize,
        /// What is wrong with it.
        what: Box<CoreError>,
    },
}

impl Error {
    /// The same error, with the function that its place lies in.
    pub(crate) fn in_function(mut self, function: &str) -> Error {
        if let Error::Relocation { place, .. } | Error::Undefined { place, .. } = &mut self {
            place.symbol = Some(function.to_owned());
        }
        self
    }
}

/// What is wrong with a map definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The type is not given.
    #[error("the map type is not given")]
    NoType,
    /// No map type has this number.
    #[error("unknown map type {0}")]
    Type(u32),
    /// The definition is cut off.
    #[error("the definition reaches beyond its section")]
    Bounds,
    /// The variable is not a structure.
    #[error("the definition is not a structure in BTF")]
    NotStruct,
    /// A member is not of the form that the `__uint`, `__type` and `__array`
    /// macros make.
    #[error("member '{0}' does not have the form that `__uint`, `__type` or `__array` make")]
    Member(String),
    /// Key or value size is given twice, differently.
    #[error("member '{member}' says {second} bytes where {first} were said before")]
    Conflict {
        /// The member.
        member: String,
        /// The size said first.
        first: u32,
        /// The size said by this member.
        second: u32,
    },
    /// `values` in a map that can have none.
    #[error("only maps of maps and program arrays can have 'values'")]
    Values,
    /// A map of maps of maps.
    #[error("maps in maps cannot be maps of maps themselves")]
    Nested,
    /// An unknown kind of pinning.
    #[error("unknown pinning {0}")]
    Pinning(u32),
    /// An initial value names something that is not a map or program.
    #[error("the initial value at offset {offset:#x} names '{symbol}', which is not {wanted}")]
    Initial {
        /// Offset in the definition.
        offset: u64,
        /// What it names.
        symbol: String,
        /// What was wanted there.
        wanted: &'static str,
    },
    /// A member that no loader knows, so that it cannot be given what it wants.
    #[error("unknown member '{0}'")]
    UnknownMember(String),
    /// A function in a program array that only programs call.
    #[error("slot {slot} holds '{function}', which is a function of programs, not a program")]
    NotAProgram {
        /// The slot.
        slot: u32,
        /// The function.
        function: String,
    },
    /// A type whose size cannot be told.
    #[error("member '{0}' has a type of unknown size")]
    UnknownSize(String),
}

/// What is wrong with an ELF relocation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelocationError {
    /// The instruction is neither a call nor a 64-bit load.
    #[error("opcode {0:#04x} is neither a call nor a 64-bit immediate load")]
    Opcode(u8),
    /// The call is not a local one.
    #[error("the call has the kind {0} instead of 1 (function)")]
    CallKind(u8),
    /// A 64-bit load at the end of its section.
    #[error("a 64-bit immediate load is cut off")]
    CutOff,
    /// The symbol lies in a special section.
    #[error("the symbol has no section (index {0:#x}); is a global variable not initialised?")]
    Special(u16),
    /// The symbol is an extern that nobody provides.
    #[error("the variable is declared but nowhere defined")]
    Undefined,
    /// The section of the symbol holds nothing that code can refer to.
    #[error("section '{0}' holds neither maps, data nor code")]
    Section(String),
    /// No map starts there.
    #[error("no map starts at offset {0:#x}")]
    NoMap(u64),
    /// Outside the data.
    #[error("offset {0:#x} is outside the data")]
    Outside(i64),
}

/// What is wrong with an extern of `.kconfig`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KconfigError {
    /// No value is known.
    #[error("no value is known; give one, or declare the variable weak")]
    Unknown,
    /// A `LINUX_` name that is not one of those that exist.
    #[error("no such virtual configuration value")]
    Virtual,
    /// A type that no configuration value has.
    #[error("its type is not one that a configuration value can have")]
    Type,
    /// The value does not fit.
    #[error("the value '{0}' does not fit its type")]
    Value(String),
}

/// What is wrong with a CO-RE relocation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The instruction lies outside its section.
    #[error("the instruction lies outside the section")]
    Outside,
    /// The matching failed.
    #[error("{0}")]
    Btf(btf::core::Error),
    /// The instruction is none that can be patched.
    #[error("opcode {0:#04x} cannot be relocated")]
    Opcode(u8),
    /// The instruction does not hold what the relocation says.
    #[error("the instruction holds {found} where the relocation expects {expected}")]
    Original {
        /// What it holds.
        found: i64,
        /// What it should hold.
        expected: u64,
    },
    /// The offset is too large for the instruction.
    #[error("offset {0} does not fit into 16 bits")]
    Range(u64),
    /// The access is not as wide as the field.
    #[error("the instruction accesses {found} bytes where the field has {expected}")]
    Width {
        /// What the instruction accesses.
        found: u32,
        /// What the field has.
        expected: u32,
    },
    /// No instruction accesses that many bytes.
    #[error("no instruction accesses {0} bytes")]
    NewWidth(u32),
}

/// `'a', 'b' and 'c'`, or `none`.
fn list(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        [one] => format!("'{one}'"),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|n| format!("'{n}'")).collect();
            format!("{} and '{last}'", first.join(", "))
        }
    }
}
