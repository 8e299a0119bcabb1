//! Calls of functions of the program, static and global, and returns.
//!
//! A static function is followed at each call, in a frame of its own. A global
//! one is followed once, on its own ([`super::prototype`]); a call of it only
//! checks the arguments.

use std::rc::Rc;

use abi::limits;
use isa::{Pc, Reg};

use super::prototype::{ARGUMENTS, Mismatch, Prototype, Trouble};
use crate::explore::{Flow, Verifier};
use crate::observe::{Event, Touched};
use crate::reason::{Ends, Function, Place, Result};
use crate::state::{Frame, Kind, State, Value};

impl Verifier<'_> {
    /// Sets up the registers of subprogram `subprogram` to follow it on its
    /// own: the main function with the context, a global one by its prototype.
    pub(crate) fn begin_subprogram(&mut self, subprogram: u32) -> Result {
        self.state.in_sleepable = self.program.flags.sleepable;
        if subprogram == 0 {
            // Its prototype matters only for what Linux's log says of it.
            if self.wants_paths() {
                self.told_prototype(subprogram)?;
            }
            *self.state.reg_mut(Reg::R1) = Value::pointer(Kind::Ctx);
            return Ok(());
        }
        let prototype = self.told_prototype(subprogram)?;
        // It was called, so its prototype is understood.
        for (reg, parameter) in ARGUMENTS.into_iter().zip(&prototype.params) {
            let value = self.value_of(*parameter);
            *self.state.reg_mut(reg) = value;
        }
        Ok(())
    }

    /// The prototype of a function; none if it is not understood, and what is
    /// wrong with it is told.
    fn told_prototype(&mut self, subprogram: u32) -> Result<Rc<Prototype>> {
        match self.prototype(subprogram) {
            Ok(prototype) => Ok(prototype),
            Err(trouble) => {
                let mismatch = self.only_mismatch(trouble, subprogram)?;
                self.tell_lines(&mismatch);
                Ok(Rc::default())
            }
        }
    }

    /// What is not supported matters only where the prototype does.
    fn only_mismatch(&self, trouble: Trouble, subprogram: u32) -> Result<Mismatch> {
        match trouble {
            Trouble::Mismatch(mismatch) => Ok(mismatch),
            Trouble::Fault(_) if subprogram == 0 => Ok(Mismatch::silent()),
            Trouble::Fault(fault) => Err(fault),
        }
    }

    pub(super) fn tell_lines(&mut self, mismatch: &Mismatch) {
        for line in &mismatch.details.0 {
            self.note_level1(format_args!("{line}"));
        }
    }

    /// A call of the function that begins `offset` slots after the next one.
    pub(crate) fn call_subprogram(&mut self, offset: i32) -> Result<Flow> {
        let start = self.target(offset);
        let Some(subprogram) = self.structure.subprogram_starting_at(start) else {
            return Err(self.unsupported("call of no function"));
        };
        let global = self.is_global(subprogram);
        let mismatch = self.check_call_arguments(subprogram)?;
        if global {
            return self.call_global(subprogram, mismatch);
        }
        if let Some(mismatch) = mismatch {
            self.tell_lines(&mismatch);
        }
        self.enter(subprogram, start)
    }

    fn is_global(&self, subprogram: u32) -> bool {
        let function = self.structure.subprograms.get(subprogram as usize);
        function.is_some_and(|function| function.global)
    }

    /// Holds the arguments against the function's prototype. Linux does so for
    /// all functions; of others than global ones, a mismatch makes it not look
    /// again.
    pub(super) fn check_call_arguments(&mut self, subprogram: u32) -> Result<Option<Mismatch>> {
        let unreliable = self.functions.unreliable(subprogram);
        let prototype = match unreliable {
            true => return Ok(Some(Mismatch::silent())),
            false => self.prototype(subprogram),
        };
        let checked = prototype.and_then(|prototype| self.check_arguments(&prototype));
        match checked {
            Ok(()) => Ok(None),
            Err(Trouble::Mismatch(mismatch)) => {
                self.functions.distrust(subprogram);
                Ok(Some(mismatch))
            }
            Err(Trouble::Fault(fault)) if self.is_global(subprogram) => Err(fault),
            Err(Trouble::Fault(_)) => Ok(None),
        }
    }

    fn call_global(&mut self, subprogram: u32, mismatch: Option<Mismatch>) -> Result<Flow> {
        let Some(function) = self.structure.subprograms.get(subprogram as usize) else {
            return Err(self.unsupported("call of no function"));
        };
        let name = function.name.clone().unwrap_or_default();
        let refs = &self.state.refs;
        if refs.active_locks > 0 {
            return Err(Function::GlobalWhileLocked.into());
        }
        let in_region = refs.rcu_locks > 0 || refs.preempt_locks > 0 || refs.irq_id != 0;
        if function.might_sleep && (in_region || !self.state.in_sleepable) {
            return Err(Function::GlobalSleeps.into());
        }
        if let Some(Mismatch { errno, details }) = mismatch {
            return Err(Function::Arguments {
                details,
                subprogram,
                name,
                errno,
            }
            .into());
        }
        self.note_level1(format_args!(
            "Func#{subprogram} ('{name}') is global and assumed valid."
        ));
        if function.changes_packet {
            self.forget_packet_pointers();
        }
        self.note_called(subprogram);
        self.clobber_arguments();
        *self.state.reg_mut(Reg::R0) = Value::UNKNOWN;
        Ok(Flow::Next)
    }

    /// Enters a static function.
    fn enter(&mut self, subprogram: u32, start: Pc) -> Result<Flow> {
        let mut callee = self.frame_for(subprogram)?;
        let caller = self.state.frame();
        for reg in ARGUMENTS {
            callee.regs[reg.index()] = caller.regs[reg.index()];
        }
        self.clobber_arguments();
        let caller = self.wants_paths().then(|| self.state.clone());
        self.state.push_frame(callee);
        self.touched = Touched::ALL;
        if let Some(caller) = caller {
            let callee = self.state.clone();
            self.tell(Event::Call {
                caller: &caller,
                callee: &callee,
                to: start,
            });
        }
        Ok(Flow::To(start))
    }

    /// A frame for a function that the current instruction makes active.
    pub(super) fn frame_for(&self, subprogram: u32) -> Result<Frame> {
        let number = self.state.frames().len();
        if number >= limits::MAX_CALL_FRAMES {
            return Err(Function::TooDeep(number + 1).into());
        }
        Ok(Frame::new(number as u8, subprogram, Some(self.pc)))
    }

    /// The current function returns.
    pub(crate) fn exit(&mut self) -> Result<Flow> {
        let inner = self.state.current() > 0;
        self.check_nothing_held("BPF_EXIT instruction in main prog", !inner)?;
        if inner {
            self.return_to_caller()
        } else {
            self.check_returned()?;
            Ok(Flow::End)
        }
    }

    /// The current instruction was a tail call in a called function: if it does
    /// not fail, the function returns what the other program returns, which may
    /// have moved the packet.
    pub(super) fn return_by_tail_call(&mut self) -> Result<Flow> {
        self.push_branch(self.after(self.pc))?;
        self.forget_packet_pointers();
        self.touch(Reg::R0);
        *self.state.reg_mut(Reg::R0) = Value::UNKNOWN;
        self.return_to_caller()
    }

    fn return_to_caller(&mut self) -> Result<Flow> {
        self.update_live_slots()?;
        let result = *self.state.reg(Reg::R0);
        if matches!(result.kind, Kind::Stack { .. }) {
            return Err(Function::ReturnsStack.into());
        }
        let callee = self.state.frame();
        let (callback, callsite) = (callee.callback, callee.callsite);
        let Some(callsite) = callsite else {
            return Err(self.unsupported("return without a call"));
        };
        let to = match callback {
            Some(callback) => {
                if !result.is_scalar() {
                    return Err(Function::CallbackReturnsPointer.into());
                }
                self.mark_precise(Reg::R0)?;
                check_range(&result, callback.returns, Place::Callback)?;
                callsite
            }
            None => self.after(callsite),
        };
        let before = self.wants_paths().then(|| self.state.clone());
        self.state.pop_frame();
        if callback.is_none() {
            *self.state.reg_mut(Reg::R0) = result;
        }
        if let Some(before) = before {
            self.observe_returned(&before, to);
        }
        if callback.is_some() {
            self.widen_callback_return(to);
        }
        Ok(Flow::To(to))
    }

    fn observe_returned(&mut self, callee: &State, to: Pc) {
        let state = self.state.clone();
        self.tell(Event::Return {
            callee,
            state: &state,
            to,
        });
    }

    /// Checks what the outermost function returns.
    fn check_returned(&mut self) -> Result {
        let result = self.read_reg(Reg::R0)?;
        if result.is_pointer() && !self.may_leak() {
            return Err(Function::ReturnLeaks.into());
        }
        let frame = self.state.frame();
        let (place, range) = match frame.callback {
            Some(callback) => (Place::AsyncCallback, callback.returns),
            None if frame.subprogram != 0 => {
                return match result.is_scalar() {
                    true => Ok(()),
                    false => Err(Function::GlobalReturns(result.type_name()).into()),
                };
            }
            None => match self.flavor()?.returns {
                Some(range) => (Place::Program, (range.min, range.max)),
                None => return Ok(()),
            },
        };
        if !result.is_scalar() {
            let found = result.type_name();
            return Err(Function::ReturnsPointer { place, found }.into());
        }
        self.mark_precise(Reg::R0)?;
        check_range(&result, range, place)
    }
}

fn check_range(value: &Value, (min, max): (i32, i32), place: Place) -> Result {
    let found = Ends {
        smin: value.num.smin(),
        smax: value.num.smax(),
    };
    if found.smin >= i64::from(min) && found.smax <= i64::from(max) {
        return Ok(());
    }
    Err(Function::ReturnRange {
        place,
        found,
        min,
        max,
    }
    .into())
}
