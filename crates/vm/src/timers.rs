//! Timers in map values (`struct bpf_timer`): the machine's list of them, and their
//! running when time has passed.
//!
//! Time passes between runs, when whoever has the machine sets its clock; then
//! [`Machine::run_timers`] runs what has become due, in the order of time, each
//! with the clock at its own time. Callbacks run in the interpreter.
//!
//! A timer is known by its address; nothing of it lies in the value. It goes when
//! its element does.

use std::collections::BTreeMap;

use crate::machine::{Machine, ProgId};
use crate::map::{MapId, Walk};
use crate::memory::Addr;
use crate::trap::{Trap, TrapKind};

/// The timers of a machine.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// By address.
    all: BTreeMap<Addr, Timer>,
    /// Timers ever started.
    started: u64,
    /// The one whose callback runs.
    pub(crate) running: Option<Addr>,
}

/// A timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    /// The map in whose value it lies.
    pub(crate) map: MapId,
    /// What to call: a function of a program.
    pub(crate) callback: Option<(ProgId, usize)>,
    /// When it is due, and its place among those that are due then.
    due: Option<(u64, u64)>,
}

impl Timers {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn get_mut(&mut self, at: Addr) -> Option<&mut Timer> {
        self.all.get_mut(&at)
    }

    /// A new timer; false when there is one.
    pub(crate) fn add(&mut self, at: Addr, map: MapId) -> bool {
        if self.all.contains_key(&at) {
            return false;
        }
        let timer = Timer {
            map,
            callback: None,
            due: None,
        };
        self.all.insert(at, timer);
        true
    }

    /// Starts a timer, from the beginning if it is started already.
    pub(crate) fn start(&mut self, at: Addr, due_ns: u64) {
        self.started += 1;
        if let Some(timer) = self.all.get_mut(&at) {
            timer.due = Some((due_ns, self.started));
        }
    }

    /// Stops a timer and takes its callback away; whether it was started.
    pub(crate) fn cancel(&mut self, at: Addr) -> bool {
        let Some(timer) = self.all.get_mut(&at) else {
            return false;
        };
        timer.callback = None;
        timer.due.take().is_some()
    }

    /// Forgets the timers in `len` bytes at `at`, whose element is gone.
    pub(crate) fn forget(&mut self, at: Addr, len: u32) {
        let end = at.offset(len);
        self.all.retain(|addr, _| *addr < at || *addr >= end);
    }

    /// The next that is due at `now`, no longer started.
    fn take_due(&mut self, now: u64) -> Option<(u64, Addr, Timer)> {
        let due = self
            .all
            .iter()
            .filter_map(|(at, timer)| Some((timer.due?, *at)));
        let ((time, _), at) = due.min().filter(|((time, _), _)| *time <= now)?;
        let timer = self.all.get_mut(&at)?;
        timer.due = None;
        Some((time, at, *timer))
    }
}

impl Machine {
    /// Runs the timers that are due, as time goes on to what the clock says; how
    /// many. All together have the budget of one run.
    ///
    /// # Errors
    ///
    /// What a callback trapped for; the timers after it have not run.
    pub fn run_timers(&mut self) -> Result<u32, Trap> {
        if self.timers.is_empty() {
            return Ok(0);
        }
        let now = self.world.clock.now_ns;
        let result = self.run_due(now);
        self.timers.running = None;
        self.world.clock.now_ns = now.max(self.world.clock.now_ns);
        result
    }

    /// When the next timer is due.
    pub fn next_timer(&self) -> Option<u64> {
        let due = self.timers.all.values().filter_map(|timer| timer.due);
        due.min().map(|(time, _)| time)
    }

    fn run_due(&mut self, now: u64) -> Result<u32, Trap> {
        let (mut count, mut left) = (0, self.budget);
        while let Some((time, at, timer)) = self.timers.take_due(now) {
            let Some((key, value)) = self.element(timer.map, at) else {
                self.timers.forget(at, 1);
                continue;
            };
            let Some((program, function)) = timer.callback else {
                continue;
            };
            if left == 0 {
                let limit = self.budget;
                let pc = isa::Pc(0);
                let kind = TrapKind::Budget { limit };
                return Err(Trap { program, pc, kind });
            }
            self.world.clock.now_ns = time;
            self.timers.running = Some(at);
            let map = timer.map.handle().to_reg();
            let args = [map, key.to_reg(), value.to_reg(), 0, 0];
            self.interpret_function(program, function, args)?;
            left = left.saturating_sub(self.executed());
            count += 1;
        }
        Ok(count)
    }

    /// Key and value of the element that an address lies in, while it is there.
    fn element(&mut self, map: MapId, at: Addr) -> Option<(Addr, Addr)> {
        let cpu = self.world.cpu.id;
        let (map, space) = self.map_mut(map)?;
        let size = map.def().value_size;
        let mut walk = Walk::default();
        while let Ok(Some((key, value))) = map.walk(space, cpu, &mut walk) {
            if value <= at && at.0 - value.0 < size {
                return Some((key, value));
            }
        }
        None
    }
}
