//! Functions that helpers call: of `bpf_loop`, `bpf_for_each_map_elem`,
//! `bpf_find_vma`, `bpf_user_ringbuf_drain`, and of timers.
//!
//! A helper that calls back before it returns is followed as if it did not call
//! at all; that it does is a branch to come, in which the callback's end leads
//! back to the call. A timer's function is a branch that knows nothing of where
//! it was set.

use abi::MapType;
use btf::Kind as BtfKind;
use isa::{Pc, Reg};

use super::helper::Call;
use crate::explore::{Flow, Verifier};
use crate::observe::Touched;
use crate::reason::{Function, Result};
use crate::state::{Callback, DynptrKind, Frame, Kind, MapRef, State, Value};

impl Verifier<'_> {
    /// A call of a helper that will call function `call.callback` of the program.
    /// All arguments are checked; what a call leaves behind is done here
    /// ([`Verifier::finish_helper`]).
    pub(super) fn call_with_callback(&mut self, call: &Call) -> Result<Flow> {
        let Some(subprogram) = call.callback else {
            return Err(self.unsupported("callback without a function"));
        };
        match call.helper.name {
            "bpf_loop" => self.call_loop(subprogram)?,
            "bpf_timer_set_callback" => self.call_later(call, subprogram)?,
            _ => self.call_back(call, subprogram)?,
        }
        self.finish_helper(call)?;
        Ok(Flow::Next)
    }

    /// `bpf_loop`: whether there is another round depends on the number of
    /// rounds, in `r1`.
    fn call_loop(&mut self, subprogram: u32) -> Result {
        if self.functions.may_inline(self.pc) {
            let plain = self.state.reg(Reg::R4).as_const() == Some(0);
            if plain {
                self.mark_precise(Reg::R4)?;
            }
            self.functions.note_loop(self.pc, subprogram, plain);
        }
        if !self.state.reg(Reg::R1).is_scalar() {
            // Linux takes that for a mistake of its own, and refuses.
            return Err(self.unsupported("a pointer for the number of rounds"));
        }
        self.mark_precise(Reg::R1)?;
        let rounds = self.state.reg(Reg::R1).num.umax();
        if u64::from(self.state.frame().callback_depth) < rounds {
            let mut frame = self.callback_frame(subprogram)?;
            let context = *self.state.reg(Reg::R3);
            frame.regs[Reg::R1.index()] = Value::UNKNOWN;
            frame.regs[Reg::R2.index()] = context;
            self.push_callback(subprogram, frame)
        } else {
            self.state.frame_mut().callback_depth = 0;
            let frame = self.state.current();
            self.note_level2(format_args!(
                "frame{frame} bpf_loop iteration limit reached"
            ));
            Ok(())
        }
    }

    /// A helper that calls back any number of times.
    fn call_back(&mut self, call: &Call, subprogram: u32) -> Result {
        let mut frame = self.callback_frame(subprogram)?;
        let [r1, r3, r4] = [Reg::R1, Reg::R3, Reg::R4].map(|reg| *self.state.reg(reg));
        let regs = match call.helper.name {
            "bpf_for_each_map_elem" => {
                let map = self.map_of(&r1)?;
                if !has_elements(map.def(self.program).map(|def| def.map_type)) {
                    return Err(Function::MapWithoutCallback.into());
                }
                let key = Value::pointer(Kind::MapKey(map));
                let value = Value::pointer(Kind::MapValue(map));
                [r1, key, value, r3]
            }
            "bpf_user_ringbuf_drain" => {
                let dynptr = Value {
                    id: self.new_id(),
                    ..Value::pointer(Kind::DynptrPtr(DynptrKind::Local))
                };
                [dynptr, r3, Value::NOT_INIT, Value::NOT_INIT]
            }
            "bpf_find_vma" => [r1, self.vma()?, r4, Value::NOT_INIT],
            name => return Err(self.unsupported(name)),
        };
        frame.regs[Reg::R1.index()..=Reg::R4.index()].copy_from_slice(&regs);
        self.push_callback(subprogram, frame)
    }

    /// A mapped stretch of a task's memory.
    fn vma(&self) -> Result<Value> {
        let kernel = self.config.kernel_btf.as_deref();
        let found = kernel.and_then(|btf| btf.find("vm_area_struct", BtfKind::Struct));
        match found {
            Some(type_id) => Ok(Value::pointer(Kind::Btf { type_id })),
            None => Err(self.unsupported("bpf_find_vma without the kernel's types")),
        }
    }

    fn map_of(&self, value: &Value) -> Result<MapRef> {
        match value.kind {
            Kind::MapPtr(map) => Ok(map),
            _ => Err(self.unsupported("callback without a map")),
        }
    }

    /// The frame of a function that is called back before the helper returns.
    fn callback_frame(&mut self, subprogram: u32) -> Result<Frame> {
        self.look_at_prototype(subprogram)?;
        self.functions.is_callback(subprogram, false);
        let mut frame = self.frame_for(subprogram)?;
        frame.callback = Some(Callback {
            is_async: false,
            returns: (0, 1),
        });
        Ok(frame)
    }

    /// Linux holds the helper's arguments against the callback's prototype and
    /// tells what does not fit, without consequence.
    fn look_at_prototype(&mut self, subprogram: u32) -> Result {
        if let Some(mismatch) = self.check_call_arguments(subprogram)? {
            self.tell_lines(&mismatch);
        }
        Ok(())
    }

    /// Puts the start of the callback on the list of branches to come.
    fn push_callback(&mut self, subprogram: u32, frame: Frame) -> Result {
        let start = self.structure.subprograms[subprogram as usize].start;
        let pushed = self.push_branch(start)?;
        pushed.callback_unroll_depth += 1;
        pushed.frame_mut().callback_depth += 1;
        pushed.push_frame(frame);
        self.state.frame_mut().callback_depth = 0;
        self.touched = Touched::ALL;
        Ok(())
    }

    /// A function that a timer calls some time: with the map that the timer is
    /// in, the key and the value.
    fn call_later(&mut self, call: &Call, subprogram: u32) -> Result {
        self.look_at_prototype(subprogram)?;
        self.functions.is_callback(subprogram, true);
        let Some(map) = call.map else {
            return Err(self.unsupported("a timer without a map"));
        };
        let start = self.structure.subprograms[subprogram as usize].start;
        // Linux takes the path to begin at the program's first instruction, and
        // goes back beyond the callback's start (measured).
        let mut state = State::new(subprogram, Pc(0));
        let frame = state.frame_mut();
        frame.regs[Reg::R1.index()] = Value::pointer(Kind::MapPtr(map));
        frame.regs[Reg::R2.index()] = Value::pointer(Kind::MapKey(map));
        frame.regs[Reg::R3.index()] = Value::pointer(Kind::MapValue(map));
        frame.callback = Some(Callback {
            is_async: true,
            returns: (0, 0),
        });
        self.push_async(start, state)?;
        self.touched = Touched::ALL;
        Ok(())
    }
}

/// Whether elements of such a map can be gone through.
fn has_elements(map_type: Option<MapType>) -> bool {
    matches!(
        map_type,
        Some(
            MapType::Hash
                | MapType::PercpuHash
                | MapType::LruHash
                | MapType::LruPercpuHash
                | MapType::Array
                | MapType::PercpuArray
        )
    )
}
