//! Complete calls: programs that call a helper with arguments of the kinds that
//! its row in `abi` says, so that Linux looks at more than the first argument.
//!
//! Kinds that take more than a few instructions to come by are left out (locks,
//! timers, kernel pointers in values, records, owned sockets, strings in frozen
//! maps): calls of those helpers stay incomplete.

use std::fmt::Write as _;
use std::sync::Arc;

use abi::FuncInfo;
use abi::helpers::{Arg, Helper};
use btf::build::{BtfBuilder, Encoding};
use btf::{Btf, Kind, Linkage, Type, TypeId};
use isa::{Pc, Slot};

use super::flavor::Flavor;
use super::probe::{Extras, Probe, assemble};

/// A program that makes a complete call.
pub(crate) struct Call {
    pub(crate) code: Vec<Slot>,
    pub(crate) extras: Extras,
}

/// Bytes of stack that are set to 0.
const STACK: u32 = 320;
/// Bytes that memory arguments have, and are said to have.
const MEMORY: u32 = 24;

/// A call of `helper` with map 0 where it takes one; `None` when an argument
/// cannot be come by. With `packet`, a byte of the packet is proven to be there
/// before the call and read after it.
pub(crate) fn complete(
    probe: &Probe,
    flavor: &Flavor,
    helper: &Helper,
    packet: bool,
) -> Option<Call> {
    let args = helper.args_in(flavor.prog_type);
    let ends = match packet {
        true => Some(packet_members(probe, flavor)?),
        false => None,
    };
    let mut text = String::from("r6 = r1\n");
    for offset in (8..=STACK).step_by(8) {
        let _ = writeln!(text, "*(u64 *)(r10 -{offset}) = 0");
    }
    if args.iter().any(|arg| needs_socket(*arg)) {
        let at = member(probe, flavor, "sk")?;
        let _ = writeln!(text, "r7 = *(u64 *)(r6 +{at})\nif r7 == 0 goto out");
    }
    if args.contains(&Arg::Btf) {
        text += "call 158\nr8 = r0\n";
    }
    if let Some((load, data, end)) = ends {
        let _ = write!(
            text,
            "r9 = *({load} *)(r6 +{data})\nr0 = *({load} *)(r6 +{end})\n\
             r1 = r9\nr1 += 1\nif r1 > r0 goto out\n"
        );
    }
    for (number, arg) in args.iter().enumerate() {
        let register = format!("r{}", number + 1);
        text += &place(*arg, &register)?;
    }
    let _ = writeln!(text, "call {}", helper.id);
    if packet {
        text += "r1 = *(u8 *)(r9 +0)\n";
    }
    text += "out:\nr0 = 1\nexit\n";
    let callback = args.contains(&Arg::Func);
    if callback {
        text += "callback:\nr0 = 0\nexit\n";
    }
    let code = assemble(&text);
    let extras = Extras {
        types: callback.then(|| functions(code.len() as u32 - 2)),
        ..Extras::default()
    };
    Some(Call { code, extras })
}

/// What puts an argument into its register.
fn place(arg: Arg, register: &str) -> Option<String> {
    let stack = |below: u32| format!("{register} = r10\n{register} += -{below}\n");
    Some(match arg {
        Arg::Any | Arg::StackOrNull | Arg::BtfOrNull => format!("{register} = 0\n"),
        Arg::Ctx | Arg::OptCtx => format!("{register} = r6\n"),
        Arg::MapPtr => format!("{register} = map[idx:0]\n"),
        Arg::MapKey => stack(16),
        Arg::DynptrUninit => stack(32),
        Arg::Mem | Arg::OptMem | Arg::MemWrite | Arg::OptMemRw | Arg::MemRw => stack(256),
        Arg::MapValue | Arg::OptMapValue | Arg::MapValueWrite => stack(STACK),
        Arg::Fixed(size) | Arg::FixedWrite(size) | Arg::FixedRw(size) => {
            if size > STACK {
                return None;
            }
            stack(STACK)
        }
        Arg::Size | Arg::SizeOrZero | Arg::ConstSize => format!("{register} = {MEMORY}\n"),
        Arg::Func => format!("{register} = subprog[callback]\n"),
        Arg::SockCommon | Arg::SockCommonBtf | Arg::SockCommonBtfOrNull | Arg::SockOrNull => {
            format!("{register} = r7\n")
        }
        Arg::Btf => format!("{register} = r8\n"),
        _ => return None,
    })
}

fn needs_socket(arg: Arg) -> bool {
    matches!(
        arg,
        Arg::SockCommon | Arg::SockCommonBtf | Arg::SockCommonBtfOrNull | Arg::SockOrNull
    )
}

/// Width and offsets of the two ends of the packet in a flavor's context.
fn packet_members(probe: &Probe, flavor: &Flavor) -> Option<(&'static str, u32, u32)> {
    let both = |data, end| Some((member(probe, flavor, data)?, member(probe, flavor, end)?));
    // In sk_msg_md and bpf_sock_ops the ends are 64 bits wide.
    let wide = matches!(
        flavor.prog_type,
        abi::ProgType::SkMsg | abi::ProgType::SockOps
    );
    let load = if wide { "u64" } else { "u32" };
    let (data, end) = both("data", "data_end").or_else(|| both("skb_data", "skb_data_end"))?;
    Some((load, data, end))
}

/// Offset in bytes of a member of the context, in anonymous unions too.
fn member(probe: &Probe, flavor: &Flavor, name: &str) -> Option<u32> {
    let btf = probe.kernel.btf()?;
    let id = btf.find(super::context::struct_of(flavor)?, Kind::Struct)?;
    member_of(btf, id, name)
}

fn member_of(btf: &Btf, id: TypeId, name: &str) -> Option<u32> {
    let (Type::Struct(composite) | Type::Union(composite)) = btf.ty(id)? else {
        return None;
    };
    composite.members().find_map(|member| {
        let inside = match member.name {
            "" => member_of(btf, member.ty, name)?,
            found if found == name => 0,
            _ => return None,
        };
        Some(member.bit_offset / 8 + inside)
    })
}

/// Types of the program's two functions, of which the callback starts at `pc`.
fn functions(pc: u32) -> (Arc<Btf>, Vec<FuncInfo>) {
    let mut builder = BtfBuilder::new();
    let number = builder.int("int", 4, Encoding::Signed);
    let proto = builder.func_proto(number, &[]);
    let info = [(0, "fact"), (pc, "callback")].map(|(pc, name)| FuncInfo {
        pc: Pc(pc),
        type_id: builder.func(name, proto, Linkage::Static),
    });
    let btf = builder.finish().expect("the types are well formed");
    (Arc::new(btf), info.to_vec())
}
