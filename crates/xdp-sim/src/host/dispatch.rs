//! libxdp's dispatcher: several programs on one interface, one after the other.
//!
//! libxdp puts a program of its own on the interface, whose empty functions
//! `prog0`, `prog1`, … the others replace (`freplace`). Here the programs run one
//! after the other on the same packet and context, which is what that comes to.
//! What the dispatcher itself executes is not counted.
//!
//! How a program wants to be run stands in its object's BTF, in a section
//! `.xdp_run_config` that `XDP_RUN_CONFIG` of `xdp/xdp_helpers.h` makes.

use abi::Program;
use abi::xdp::XdpAction;
use btf::{Btf, Kind, Type, TypeId};

/// How libxdp's dispatcher runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunConfig {
    /// Lower ones run first.
    pub priority: u32,
    /// After which answers the next program runs: bits by [`XdpAction`].
    pub chain_call_actions: u32,
}

impl Default for RunConfig {
    /// libxdp's: priority 50, the next program after `XDP_PASS`.
    fn default() -> RunConfig {
        RunConfig {
            priority: 50,
            chain_call_actions: 1 << XdpAction::Pass as u32,
        }
    }
}

impl RunConfig {
    /// Programs that the dispatcher has room for.
    pub const MAX_PROGRAMS: usize = 10;

    /// What the object says of a program, libxdp's defaults where it says nothing.
    pub fn of(program: &Program) -> RunConfig {
        let said = program
            .btf
            .as_deref()
            .and_then(|btf| said(btf, &program.name));
        said.unwrap_or_default()
    }

    /// Whether the next program runs after this answer.
    pub(crate) fn goes_on(self, ret: u32) -> bool {
        // A shift of a 32-bit register looks at five bits.
        self.chain_call_actions & (1 << (ret & 31)) != 0
    }
}

/// What the BTF of an object says of the program of this name.
///
/// `XDP_RUN_CONFIG(name)` declares `struct { … } _name SEC(".xdp_run_config")`,
/// with members `priority` and `XDP_PASS` and so on, each a pointer to an array
/// whose length is the number (`__uint`).
fn said(btf: &Btf, program: &str) -> Option<RunConfig> {
    let section = btf.find(".xdp_run_config", Kind::Datasec)?;
    let Some(Type::Datasec(section)) = btf.ty(section) else {
        return None;
    };
    let wanted = |id: &TypeId| btf.name(*id).strip_prefix('_') == Some(program);
    let variable = section.vars().map(|var| var.ty).find(wanted)?;
    let (_, config) = btf.resolved(btf.ty(variable)?.target()?)?;
    let mut said = RunConfig::default();
    for member in config.as_composite()?.members() {
        let Some(number) = uint(btf, member.ty) else {
            continue;
        };
        if member.name == "priority" {
            said.priority = number;
            continue;
        }
        let mut actions = XdpAction::ALL.iter();
        if let Some(action) = actions.find(|action| action.name() == member.name) {
            let bit = 1 << *action as u32;
            said.chain_call_actions &= !bit;
            if number != 0 {
                said.chain_call_actions |= bit;
            }
        }
    }
    Some(said)
}

/// What `__uint` carries: the length of the array pointed to.
fn uint(btf: &Btf, member: TypeId) -> Option<u32> {
    let (_, pointer) = btf.resolved(member)?;
    match btf.resolved(pointer.target()?)? {
        (_, Type::Array(array)) => Some(array.len),
        _ => None,
    }
}
