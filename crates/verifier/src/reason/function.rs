//! Refusals of functions of the program: their calls, what they return,
//! callbacks.

use std::fmt;

use abi::Errno;

use crate::state::TypeName;

/// A function of the program may not be called so, or may not return this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the sentence shows of them")]
pub enum Function {
    /// Too many functions would be active at once.
    #[error("the call stack of {0} frames is too deep")]
    TooDeep(usize),
    /// A global function is called while a lock is held.
    #[error(
        "global function calls are not allowed while holding a lock,\nuse static function instead"
    )]
    GlobalWhileLocked,
    /// A global function that may sleep is called where that is not allowed.
    #[error(
        "global functions that may sleep are not allowed in non-sleepable context,\ni.e., in a RCU/IRQ/preempt-disabled section, or in\na non-sleepable BPF program context"
    )]
    GlobalSleeps,
    /// The arguments of a global function are not what its prototype says;
    /// `details` says which is wrong.
    #[error("{details}Caller passes invalid args into func#{subprogram} ('{name}')")]
    Arguments {
        details: Lines,
        subprogram: u32,
        name: String,
        errno: Errno,
    },
    /// The address of a function of which BTF says nothing.
    #[error("missing btf func_info")]
    NoFuncInfo,
    /// The address of a function that is not static.
    #[error("callback function not static")]
    CallbackNotStatic,
    /// A helper that calls back cannot do so for this type of map.
    #[error("callback function not allowed for map")]
    MapWithoutCallback,
    /// A function returns an address in a stack frame.
    #[error("cannot return stack pointer to the caller")]
    ReturnsStack,
    /// A callback does not return a number.
    #[error("R0 not a scalar value")]
    CallbackReturnsPointer,
    /// The program returns an address that its loader may not learn.
    #[error("R0 leaks addr as return value")]
    ReturnLeaks,
    /// A global function does not return a number.
    #[error("At subprogram exit the register R0 is not a scalar value ({0})")]
    GlobalReturns(TypeName),
    /// Something else than a number is returned where only some are allowed.
    #[error("{place} the register R0 is not a known value ({found})")]
    ReturnsPointer { place: Place, found: TypeName },
    /// A number is returned that is not allowed.
    #[error("{place} the register R0 has{found} should have been in [{min}, {max}]")]
    ReturnRange {
        place: Place,
        found: Ends,
        min: i32,
        max: i32,
    },
}

/// Lines before the sentence of a refusal, each with its newline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(pub Vec<String>);

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Where a value is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the end of the program.
    Program,
    /// At the end of a callback.
    Callback,
    /// At the end of a callback that runs later, on its own.
    AsyncCallback,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Program => "At program exit",
            Place::Callback => "At callback return",
            Place::AsyncCallback => "At async callback return",
        })
    }
}

/// The ends of a range as they are told: those that bound nothing are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the ends of a range")]
pub struct Ends {
    pub smin: i64,
    pub smax: i64,
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (self.smin, self.smax) == (i64::MIN, i64::MAX) {
            return f.write_str(" unknown scalar value");
        }
        if self.smin != i64::MIN {
            write!(f, " smin={}", self.smin)?;
        }
        if self.smax != i64::MAX {
            write!(f, " smax={}", self.smax)?;
        }
        Ok(())
    }
}

impl Function {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Function::TooDeep(_) => Errno::E2BIG,
            Function::Arguments { errno, .. } => *errno,
            Function::MapWithoutCallback => Errno::ENOTSUPP,
            Function::CallbackReturnsPointer | Function::ReturnLeaks => Errno::EACCES,
            _ => Errno::EINVAL,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Function::TooDeep(_) => "call-depth",
            Function::GlobalWhileLocked => "global-call-while-locked",
            Function::GlobalSleeps => "global-call-sleeps",
            Function::Arguments { .. } => "global-call-arguments",
            Function::NoFuncInfo => "callback-without-btf",
            Function::CallbackNotStatic => "callback-not-static",
            Function::MapWithoutCallback => "map-without-callback",
            Function::ReturnsStack => "stack-pointer-returned",
            Function::CallbackReturnsPointer => "callback-returns-pointer",
            Function::ReturnLeaks => "return-leaks",
            Function::GlobalReturns(_) => "global-returns-pointer",
            Function::ReturnsPointer { .. } => "return-not-a-number",
            Function::ReturnRange { .. } => "return-range",
        }
    }
}
