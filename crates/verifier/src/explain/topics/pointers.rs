//! Arithmetic on pointers and numbers.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "pointer-arithmetic",
        title: "this operation is not possible on a pointer",
        missing: "Addition or subtraction of a number, in 64 bits.",
        advice: "Keep numbers and pointers apart: convert nothing with masks, shifts or 32-bit \
         arithmetic. Test pointers for NULL before moving them.",
        long: "A pointer may be moved by adding or subtracting a number, and nothing else: \
         what a multiplication or a mask makes of it points nowhere that Linux could \
         name. Pointers to the stack cannot have a register subtracted, sockets and the \
         packet's end cannot be moved at all.",
        example: example!("pointer-arithmetic"),
    },
    Topic {
        code: "pointer-too-far",
        title: "a pointer is moved further than any object is long",
        missing: "A number of reasonable size.",
        advice: "Bound the number before adding it: below 2^29 in either direction.",
        long: "Offsets of half a gigabyte and more are refused at once, as no memory that a \
         program may reach is that long.",
        example: example!("pointer-too-far"),
    },
    Topic {
        code: "pointer-unbounded",
        title: "a number without a lower bound is added to a pointer",
        missing: "A lower bound on the number.",
        advice: "Use an unsigned or masked index: `i &= 63`.",
        long: "The number may be as low as it gets, as far as Linux knows, so the sum may be \
         anywhere.",
        example: example!("pointer-unbounded"),
    },
    Topic {
        code: "division-by-zero",
        title: "a division by the constant 0",
        missing: "Another divisor.",
        advice: "A divisor that is 0 at run time gives 0 (and a remainder leaves the number as \
         it is); only the constant is refused.",
        long: "There is no meaning to a division that always divides by zero, so Linux takes \
         it for a mistake.",
        example: example!("division-by-zero"),
    },
    Topic {
        code: "shift-amount",
        title: "a shift by a constant that is no less than the width",
        missing: "An amount below 64 (below 32 for 32-bit operations).",
        advice: "Shift by less, or clear the register.",
        long: "Amounts in registers are masked to the width when the program runs; a constant \
         that would be masked is taken for a mistake.",
        example: example!("shift-amount"),
    },
];
