//! The bugs.

/// What a bug is a bug of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// What the verifier knows of numbers.
    Scalar,
    /// Which paths the verifier need not follow.
    Pruning,
    /// What pointers may be moved by, and what they are afterwards.
    Pointer,
    /// What memory, arguments and the context may be used for.
    Memory,
    /// What instructions mean before anything else.
    Encoding,
    /// Running programs: memory, maps, helpers, interpreter.
    Machine,
    /// Compiled code.
    Compiler,
    /// Reading files.
    Loader,
}

impl Class {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Class::Scalar => "scalar",
            Class::Pruning => "pruning",
            Class::Pointer => "pointer",
            Class::Memory => "memory",
            Class::Encoding => "encoding",
            Class::Machine => "machine",
            Class::Compiler => "compiler",
            Class::Loader => "loader",
        }
    }
}

macro_rules! bugs {
    ($($variant:ident $id:literal $class:ident $what:literal)*) => {
        /// A bug that can be brought back.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $(#[doc = $what] $variant,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$variant,)*];

            /// Its name on the command line and in tables.
            pub fn id(self) -> &'static str {
                match self {
                    $(Bug::$variant => $id,)*
                }
            }

            /// What it is a bug of.
            pub fn class(self) -> Class {
                match self {
                    $(Bug::$variant => Class::$class,)*
                }
            }

            /// What is done wrong.
            pub fn what(self) -> &'static str {
                match self {
                    $(Bug::$variant => $what,)*
                }
            }

            /// The bug with this id.
            pub fn by_id(id: &str) -> Option<Bug> {
                Bug::ALL.iter().copied().find(|bug| bug.id() == id)
            }
        }
    };
}

bugs! {
    Cve2017_16995 "cve-2017-16995" Scalar
        "A 32-bit move of a constant is taken to extend its sign."
    Cve2017_16996 "cve-2017-16996" Scalar
        "A number cut to 32 bits keeps the ends of its range that fit, though the range does not."
    Cve2017_17853 "cve-2017-17853" Scalar
        "A logical shift to the right keeps the signed maximum."
    Cve2018_18445 "cve-2018-18445" Scalar
        "A 32-bit shift to the right shifts all 64 bits and cuts afterwards."
    Cve2020_8835 "cve-2020-8835" Scalar
        "A 32-bit comparison makes bits known from the low halves of the ends of the 64-bit range."
    Cve2020_27194 "cve-2020-27194" Scalar
        "A 32-bit OR takes its signed range from the 64-bit range of what was there before."
    Cve2021_3490 "cve-2021-3490" Scalar
        "AND, OR and XOR of two known low halves leave the range of the low half as it was. Contradictions are not forgotten, as they would be today."
    Cve2021_31440 "cve-2021-31440" Scalar
        "One end of the 64-bit range that fits in 32 bits becomes an end of the low half's, whether the other fits or not."
    Cve2021_45402 "cve-2021-45402" Scalar
        "A 32-bit move extends the sign of the low half's range into the 64-bit range."
    Cve2024_41003 "cve-2024-41003" Scalar
        "In a comparison with a constant, what one way out learns of the constant is taken for the constant on the other way. Comparisons do not look at known bits, as they would today."
    Cve2026_31413 "cve-2026-31413" Scalar
        "Of an OR of 0 or -1 with a constant, the path with 0 goes on behind the OR with 0."
    Cve2026_43070 "cve-2026-43070" Scalar
        "A number whose bytes were swapped stays linked with its copies."
    Cve2026_45933 "cve-2026-45933" Scalar
        "A number that learns from a linked one takes over how far ahead that one is."

    Cve2023_2163 "cve-2023-2163" Pruning
        "Going back for precision, the operands of a comparison do not matter to each other."
    Cve2025_38060 "cve-2025-38060" Pruning
        "Inside a loop that is not done, what was not needed so far is taken not to matter."
    Cve2026_43009 "cve-2026-43009" Pruning
        "Going back for precision, what an atomic operation fetches does not come from the stack."
    Cve2024_45020 "cve-2024-45020" Pruning
        "Comparing states reads the stack of one as far as that of the other reaches."

    Cve2021_4204 "cve-2021-4204" Pointer
        "Ring buffer records may be given back by a pointer that was moved."
    Cve2022_23222 "cve-2022-23222" Pointer
        "Arithmetic is allowed on pointers that may be NULL."
    Cve2024_26589 "cve-2024-26589" Pointer
        "Pointers to flow keys may be moved by a variable offset, which accesses do not look at."
    Cve2025_40050 "cve-2025-40050" Pointer
        "A pointer is negated as if it were a number."
    Cve2026_74720 "cve-2026-74720" Pointer
        "A number plus a pointer to a caller's stack points to the current function's."

    Cve2023_39191 "cve-2023-39191" Memory
        "Writing over a dynptr leaves it usable."
    Cve2024_47702 "cve-2024-47702" Memory
        "A sign-extending load of a packet pointer from the context gives the pointer."
    Cve2024_50164 "cve-2024-50164" Memory
        "Helpers may fill the values of a map that is read-only."
    Cve2025_38591 "cve-2025-38591" Memory
        "A part of a pointer in the context may be loaded, as a pointer."
    Cve2026_45903 "cve-2026-45903" Memory
        "What a helper writes to the stack does not change what is known of it."

    Cve2025_40169 "cve-2025-40169" Encoding
        "Negative offsets in arithmetic are taken for none."

    Cve2021_3489 "cve-2021-3489" Machine
        "A record larger than the ring buffer is reserved all the same."
    SolanaPath "solana-rbpf-path" Machine
        "The interpreter compares all 64 bits where a 32-bit jump with an immediate asks for 32."
    RbpfFirstByte "rbpf-first-byte" Machine
        "Only the first byte of a load is checked."

    Cve2021_3444 "cve-2021-3444" Compiler
        "A 32-bit remainder by 0 leaves the upper half of the register."
    Cve2021_29154 "cve-2021-29154" Compiler
        "Jumps backwards land one instruction further on."
    Cve2022_2905 "cve-2022-2905" Compiler
        "A tail call with an index beyond the end takes the last entry."

    Cve2026_45839 "cve-2026-45839" Loader
        "A negative index in a CO-RE access string is taken for one of a member that there is."
    SolanaElf "solana-rbpf-elf" Loader
        "Where a function ends is computed without an answer to overflow."
}

/// A bug that cannot be brought back, since there is nothing that could have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absent {
    /// Its id.
    pub id: &'static str,
    /// Why there is nothing that could have it.
    pub why: &'static str,
}

/// Known bugs of features that do not exist here.
pub const ABSENT: &[Absent] = &[
    Absent {
        id: "cve-2018-25020",
        why: "no instruction is replaced by several: offsets of jumps never change",
    },
    Absent {
        id: "cve-2021-33200",
        why: "speculative execution is not modelled: where Linux masks pointer arithmetic, the answer is unsupported",
    },
    Absent {
        id: "cve-2021-3600",
        why: "it would end the process by SIGFPE; the same rewriting got cve-2021-3444 wrong, which is there",
    },
    Absent {
        id: "cve-2024-43910",
        why: "dynptrs as arguments of global functions are unsupported",
    },
    Absent {
        id: "cve-2026-98816",
        why: "hiding constants adds no jump and changes no offset: all jumps go to labels",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_again_and_no_two_are_the_same() {
        for bug in Bug::ALL {
            assert_eq!(Bug::by_id(bug.id()), Some(*bug));
            assert!(ABSENT.iter().all(|absent| absent.id != bug.id()));
        }
    }
}
