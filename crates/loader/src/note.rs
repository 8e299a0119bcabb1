//! What a user may want to know about an object that opened.

use std::fmt;

/// Something that was decided, guessed or passed over while opening.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The section name only begins like one that libbpf knows.
    SectionPrefix {
        /// Name of the section.
        section: String,
        /// The name that it was taken for.
        taken_for: &'static str,
    },
    /// The section name says nothing; the type was given by the user.
    TypeGiven {
        /// Name of the program.
        program: String,
        /// Name of the section.
        section: String,
        /// The type that it was given.
        prog_type: abi::ProgType,
    },
    /// A function without type in the symbol table was taken for a program.
    Untyped {
        /// Name of the function.
        function: String,
        /// Its section.
        section: String,
    },
    /// No licence: GPL-only helpers are not available.
    NoLicense,
    /// The map wants to be pinned, which is not done.
    PinningIgnored {
        /// Name of the map.
        map: String,
    },
    /// The size of a ring buffer was rounded up.
    RingbufRounded {
        /// Name of the map.
        map: String,
        /// Bytes asked for.
        from: u32,
        /// Bytes that it has.
        to: u32,
    },
    /// The number of entries is 0: user space sets it before load.
    NoMaxEntries {
        /// Name of the map.
        map: String,
    },
    /// Key and value size of a perf event array were not given and are 4.
    PerfEventSizes {
        /// Name of the map.
        map: String,
    },
    /// A legacy map definition is longer than what is known of it, and the rest
    /// is not zero.
    LegacyMapRest {
        /// Name of the map.
        map: String,
        /// Bytes that mean nothing.
        bytes: u64,
    },
    /// Addresses in global data, which Linux has no way to fill in, stay 0.
    DataRelocations {
        /// Name of the section.
        section: String,
        /// How many addresses.
        count: usize,
    },
    /// The BTF of the object cannot be used, but nothing needs it.
    BtfIgnored {
        /// The section: `.BTF` or `.BTF.ext`.
        section: &'static str,
        /// What is wrong with it.
        error: btf::Error,
    },
    /// CO-RE relocations were resolved against the object's own types.
    CoreWithoutTarget {
        /// How many.
        count: usize,
    },
    /// CO-RE relocations that found nothing: their instructions are poisoned.
    CorePoisoned {
        /// How many.
        count: usize,
    },
    /// A weak extern is absent.
    WeakAbsent {
        /// Name of the kernel function or variable.
        name: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::SectionPrefix { section, taken_for } => {
                write!(
                    f,
                    "section '{section}' is not a name that libbpf knows; taken for '{taken_for}'"
                )
            }
            Note::TypeGiven {
                program,
                section,
                prog_type,
            } => write!(
                f,
                "section '{section}' does not say what type of program '{program}' is; taken for {prog_type} as told"
            ),
            Note::Untyped { function, section } => {
                write!(
                    f,
                    "symbol '{function}' in section '{section}' has no type; taken for a function"
                )
            }
            Note::NoLicense => {
                f.write_str("no licence section: GPL-only helpers are not available")
            }
            Note::PinningIgnored { map } => {
                write!(
                    f,
                    "map '{map}' asks to be pinned by name: not done, it starts empty"
                )
            }
            Note::RingbufRounded { map, from, to } => write!(
                f,
                "ring buffer '{map}': {from} bytes rounded up to {to}, a power-of-two number of pages"
            ),
            Note::NoMaxEntries { map } => write!(
                f,
                "map '{map}' has no max_entries: a user-space program is expected to set it before load"
            ),
            Note::PerfEventSizes { map } => {
                write!(
                    f,
                    "perf event array '{map}' gives no key and value size; taken to be 4"
                )
            }
            Note::LegacyMapRest { map, bytes } => write!(
                f,
                "map '{map}': the last {bytes} bytes of its definition are not zero and mean nothing here"
            ),
            Note::DataRelocations { section, count } => write!(
                f,
                "section '{section}' holds {count} addresses; Linux has no way to fill them in, they stay as they are"
            ),
            Note::BtfIgnored { section, error } => write!(f, "{section} passed over: {error}"),
            Note::CoreWithoutTarget { count } => write!(
                f,
                "{count} CO-RE relocations resolved against the object's own types; give a kernel's BTF for its layout"
            ),
            Note::CorePoisoned { count } => write!(
                f,
                "{count} CO-RE relocations found nothing in the target; running into one of their instructions fails"
            ),
            Note::WeakAbsent { name } => write!(f, "weak extern '{name}' is absent"),
        }
    }
}
