//! The runtime without the compiler: code written by hand for programs of a few
//! instructions, held to the interpreter.
#![expect(unsafe_code, reason = "links code that no compiler has made")]

use std::panic::{self, AssertUnwindSafe};

use abi::{ProgType, Program};
use dynasmrt::x64::X64Relocation;
use dynasmrt::{DynasmApi, DynasmLabelApi, VecAssembler, dynasm};
use isa::Pc;
use vm::helper::{Answer, Call, HelperFn};
use vm::memory::{Access, GRANULE};
use vm::{Addr, Link, Machine, ProgId, RegionKind, Rights, Trap, TrapKind, World};

use crate::context::offset;
use crate::runtime::{Routine, Runtime};
use crate::site::{Address, CallSite, Shared, Site, What};
use crate::{Compiled, Error, Mode, Options};

type Assembler = VecAssembler<X64Relocation>;

/// A machine with a program.
fn machine(text: &str) -> (Machine, ProgId) {
    let mut machine = Machine::new(World::default()).expect("a machine");
    let code = isa::asm::assemble(text).unwrap_or_else(|error| panic!("{error}"));
    let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
    let id = machine.load_program(&program, &[]).expect("a program");
    (machine, id)
}

/// Tables of code whose functions begin at these offsets.
fn tables(functions: &[u32]) -> Shared {
    Shared {
        functions: vec![functions.to_vec()],
        gs: vec![crate::entry::has_gs()],
        ..Shared::default()
    }
}

fn site(offset: usize, pc: u32, refund: u32, what: What) -> Site {
    Site {
        offset: offset as u32,
        program: ProgId(0),
        pc: Pc(pc),
        refund,
        what,
    }
}

fn link(machine: &mut Machine, mode: Mode, code: Assembler, tables: Shared) -> Compiled {
    let options = Options {
        mode,
        ..Options::default()
    };
    let code = code.finalize().expect("labels");
    // SAFETY: each test writes what the compiler might.
    unsafe { Compiled::link(machine, options, &code, tables) }.expect("linked")
}

/// Memory for a program to work on.
fn room(machine: &mut Machine, len: u32) -> Addr {
    let region = machine
        .space
        .add(len, Rights::ReadWrite, RegionKind::Platform)
        .expect("room");
    machine.space.region(region).start
}

/// Runs a program in both engines on the same memory: same answer, same number of
/// instructions, same memory.
fn both(machine: &mut Machine, compiled: &Compiled, ctx: Addr) -> Result<u64, Trap> {
    // As far as there is any.
    let memory = |machine: &mut Machine| {
        let mut lengths = (0..=16).rev();
        let bytes = lengths.find_map(|len| machine.space.read(ctx.to_reg(), len).ok());
        bytes.unwrap_or_default().to_vec()
    };
    let before = memory(machine);
    let wanted = machine.interpret(ProgId(0), [ctx.to_reg(), 0, 0, 0, 0]);
    let (executed, after) = (machine.executed(), memory(machine));
    machine
        .space
        .bytes_mut(ctx, before.len() as u32)
        .copy_from_slice(&before);
    let got = compiled.run(machine, ProgId(0), ctx);
    assert_eq!(got, wanted);
    assert_eq!(machine.executed(), executed);
    assert_eq!(memory(machine), after);
    got
}

macro_rules! count {
    ($code:ident, $n:expr) => {
        dynasm!($code ; .arch x64 ; sub QWORD [r12 + offset::LEFT], $n)
    };
}

#[test]
fn an_answer() {
    let (mut machine, _) = machine("r0 = r1\nexit");
    let mut code = Assembler::new(0);
    count!(code, 2);
    dynasm!(code ; .arch x64 ; mov rax, rdi ; ret);
    let compiled = link(&mut machine, Mode::Checked, code, tables(&[0]));
    assert_eq!(both(&mut machine, &compiled, Addr(0x1234)), Ok(0x1234));
}

#[test]
fn arguments_are_where_they_belong() {
    let (mut machine, program) = machine("exit");
    let mut code = Assembler::new(0);
    dynasm!(code
        ; .arch x64
        ; lea rax, [rdi + rsi * 2]
        ; lea rax, [rax + r8 * 4]
        ; lea rax, [rax + r9 * 8]
        ; sub rax, r10
        ; shl rax, 32
        ; add rax, rbp
        ; ret
    );
    let compiled = link(&mut machine, Mode::Checked, code, tables(&[0]));
    let r0 = vm::Engine::call(&compiled, &mut machine, program, [1, 2, 3, 4, 5]);
    let fp = machine.stack_top(0).to_reg();
    assert_eq!(r0, Ok(((1 + 4 + 12 + 32 - 5) << 32) + fp));
}

#[test]
fn another_machine_is_a_trap() {
    let (mut one, program) = machine("exit");
    let (mut other, _) = machine("exit");
    let mut code = Assembler::new(0);
    dynasm!(code ; .arch x64 ; xor eax, eax ; ret);
    let compiled = link(&mut one, Mode::Checked, code, tables(&[0]));
    assert_eq!(compiled.run(&mut one, program, Addr::NULL), Ok(0));
    assert!(compiled.run(&mut other, program, Addr::NULL).is_err());
    std::mem::swap(&mut one.space, &mut other.space);
    assert!(compiled.run(&mut one, program, Addr::NULL).is_err());
    assert!(compiled.run(&mut other, program, Addr::NULL).is_err());
    std::mem::swap(&mut one, &mut other);
    std::mem::swap(&mut one.space, &mut other.space);
    assert_eq!(compiled.run(&mut other, program, Addr::NULL), Ok(0));
    assert!(compiled.run(&mut other, ProgId(1), Addr::NULL).is_err());
}

#[test]
fn without_a_reservation_there_is_no_code() {
    let world = World::default();
    let mut machine = Machine::over(vm::Space::buffered(), world).expect("a machine");
    // SAFETY: it is refused.
    let made = unsafe { Compiled::link(&mut machine, Options::default(), &[0xc3], tables(&[0])) };
    assert!(matches!(made, Err(Error::Reservation)));
}

#[test]
fn slow_accesses_are_the_interpreters() {
    let text = "r2 = *(u32 *)(r1 + 0)
        *(u16 *)(r1 + 2) = r2
        r0 = r2
        exit";
    let (mut machine, _) = machine(text);
    let runtime = Runtime::here();
    let mut code = Assembler::new(0);
    let access = |size, access| What::Access {
        size,
        access,
        address: Address::default(),
    };
    count!(code, 4);
    dynasm!(code
        ; .arch x64
        ; sub rsp, 8
        ; mov rcx, rdi
        ; mov edx, 0
        ; mov r11, QWORD runtime.of(Routine::SlowLoad) as i64
        ; call r11
        ; mov rsi, rcx
        ; lea rcx, [rdi + 2]
        ; mov edx, 1
        ; mov r11, rsi
        ; mov rax, QWORD runtime.of(Routine::SlowStore) as i64
        ; call rax
        ; mov rax, rsi
        ; add rsp, 8
        ; ret
    );
    let mut tables = tables(&[0]);
    tables.sites = vec![
        site(0, 0, 3, access(4, Access::Read)),
        site(1, 1, 2, access(2, Access::Write)),
    ];
    let compiled = link(&mut machine, Mode::Checked, code, tables);
    let at = room(&mut machine, 20);
    let memory = machine.space.bytes_mut(at, 20);
    memory.copy_from_slice(&[1, 2, 3, 4].repeat(5));
    assert_eq!(both(&mut machine, &compiled, at), Ok(0x0403_0201));
    for offset in 0..24 {
        let result = both(&mut machine, &compiled, at.offset(offset));
        assert_eq!(result.is_err(), offset > 16, "{result:?}");
    }
    assert!(both(&mut machine, &compiled, Addr::NULL).is_err());
}

#[test]
fn a_fault_is_a_trap() {
    if !crate::entry::has_gs() {
        return;
    }
    let (mut machine, _) = machine("r2 = 5\nr0 = *(u64 *)(r1 + 8)\nr0 = 1\nexit");
    let mut code = Assembler::new(0);
    count!(code, 4);
    dynasm!(code ; .arch x64 ; mov esi, 5);
    let at = code.offset().0;
    dynasm!(code ; .arch x64 ; gs mov rax, [edi + esi + 3] ; ret);
    let mut tables = tables(&[0]);
    tables.sites = vec![site(
        at,
        1,
        2,
        What::Access {
            size: 8,
            access: Access::Read,
            address: Address {
                base: Some(7),
                index: Some((6, 1)),
                disp: 3,
            },
        },
    )];
    let compiled = link(&mut machine, Mode::Sandboxed, code, tables);
    let last = room(&mut machine, 16);
    for at in [Addr::NULL, Addr(u32::MAX), last.offset(GRANULE - 10)] {
        let trap = both(&mut machine, &compiled, at).expect_err("nothing is there");
        assert_eq!(trap.pc, Pc(1));
    }
    machine.space.bytes_mut(last, 16)[8] = 42;
    assert_eq!(compiled.run(&mut machine, ProgId(0), last), Ok(42));
}

#[test]
fn rare_instructions_are_the_interpreters() {
    let text = "r6 = 7
        r0 = 1
        r6 = atomic64_fetch_add((u64 *)(r1 + 4), r6)
        r0 = r6
        exit";
    let (mut machine, _) = machine(text);
    let runtime = Runtime::here();
    let mut code = Assembler::new(0);
    count!(code, 5);
    dynasm!(code
        ; .arch x64
        ; push rbx
        ; mov ebx, 7
        ; mov eax, 1
        ; mov edx, 0
        ; mov r11, QWORD runtime.of(Routine::Rare) as i64
        ; call r11
        ; lea rax, [rbx + rcx]
        ; pop rbx
        ; ret
    );
    let mut tables = tables(&[0]);
    tables.sites = vec![site(0, 2, 2, What::Rare)];
    let compiled = link(&mut machine, Mode::Checked, code, tables);
    let at = room(&mut machine, 20);
    for (offset, old) in [(0, 0), (0, 7), (4, 0), (1, 7 << 24)] {
        assert_eq!(both(&mut machine, &compiled, at.offset(offset)), Ok(old));
    }
    assert!(both(&mut machine, &compiled, Addr::NULL).is_err());
}

/// Code that loops: a helper with a callback, and the callback.
fn looping(machine: &mut Machine, callback: impl Fn(&mut Assembler)) -> Compiled {
    let linked = machine.linked(ProgId(0)).expect("loaded");
    let (mut body, mut calls) = (0, Vec::new());
    for (pc, _, link) in linked.insns() {
        match link {
            Link::Constant(address) => body = address,
            Link::Helper { id, function } => calls.push(CallSite {
                program: ProgId(0),
                pc,
                id,
                function: Some(function),
            }),
            _ => {}
        }
    }
    let runtime = Runtime::here();
    let mut code = Assembler::new(0);
    count!(code, 5);
    dynasm!(code
        ; .arch x64
        ; push rbx
        ; mov rbx, rdi
        ; mov rsi, QWORD body as i64
        ; xor r8, r8
        ; xor r9, r9
        ; mov [r12 + offset::FP], rbp
        ; xor edx, edx
        ; lea rcx, [r12 + offset::CONTEXT]
        ; mov rax, QWORD runtime.of(Routine::CallHelper) as i64
        ; call rax
        ; cmp DWORD [r12 + offset::STATUS], 0
        ; jne >out
        ; sub QWORD [r12 + offset::LEFT], 2
        ; add rax, rbx
        ; pop rbx
        ; ret
        ; out:
        ; mov rax, QWORD runtime.of(Routine::Exit) as i64
        ; jmp rax
    );
    let second = code.offset().0 as u32;
    callback(&mut code);
    let mut tables = tables(&[0, second]);
    tables.calls = calls;
    let access = What::Access {
        size: 1,
        access: Access::Read,
        address: Address::default(),
    };
    tables.sites = vec![
        site(0, 8, 2, access),
        site(1, 8, 3, What::Budget),
        site(2, 8, 2, What::CallDepth),
    ];
    link(machine, Mode::Checked, code, tables)
}

const LOOP: &str = "r6 = r1
    r2 = subprog[body]
    r3 = 0
    r4 = 0
    call bpf_loop#181
    r0 += r6
    exit
body:
    r0 = *(u8 *)(r1 - 2)
    r0 = 0
    exit";

#[test]
fn helpers_call_back() {
    let (mut machine, _) = machine(LOOP);
    let runtime = Runtime::here();
    let compiled = looping(&mut machine, |code| {
        dynasm!(code
            ; .arch x64
            ; sub QWORD [r12 + offset::LEFT], 3
            ; sub rsp, 8
            ; lea rcx, [rdi - 2]
            ; xor edx, edx
            ; mov rax, QWORD runtime.of(Routine::SlowLoad) as i64
            ; call rax
            ; xor eax, eax
            ; add rsp, 8
            ; ret
        );
    });
    // The index is no address.
    let trap = both(&mut machine, &compiled, Addr(5)).expect_err("a small number");
    assert_eq!(trap.pc, Pc(8));
    assert_eq!(both(&mut machine, &compiled, Addr(0)), Ok(0));
}

#[test]
fn a_budget_ends_in_the_interpreter() {
    let text = LOOP.replace("r0 = *(u8 *)(r1 - 2)", "r0 = r1");
    let (mut machine, _) = machine(&text);
    let runtime = Runtime::here();
    let compiled = looping(&mut machine, |code| {
        dynasm!(code
            ; .arch x64
            ; sub QWORD [r12 + offset::LEFT], 3
            ; js >out
            ; xor eax, eax
            ; ret
            ; out:
            ; mov DWORD [r12 + offset::SITE], 1
            ; mov rax, QWORD runtime.of(Routine::ExitBudget) as i64
            ; jmp rax
        );
    });
    machine.budget = 5 + 2 + 5 * 3;
    assert_eq!(both(&mut machine, &compiled, Addr(5)), Ok(10));
    for rounds in [6, 7, 1000] {
        both(&mut machine, &compiled, Addr(rounds)).expect_err("too many");
        assert_eq!(machine.executed(), machine.budget);
    }
    for budget in 5..5 + 5 * 3 {
        machine.budget = budget;
        both(&mut machine, &compiled, Addr(5)).expect_err("too many");
        assert_eq!(machine.executed(), machine.budget);
    }
}

#[test]
fn a_trap_site_ends_the_run() {
    let (mut machine, _) = machine(LOOP);
    let runtime = Runtime::here();
    let compiled = looping(&mut machine, |code| {
        dynasm!(code
            ; .arch x64
            ; sub QWORD [r12 + offset::LEFT], 3
            ; mov DWORD [r12 + offset::SITE], 2
            ; mov rax, QWORD runtime.of(Routine::ExitTrap) as i64
            ; jmp rax
        );
    });
    let trap = compiled.run(&mut machine, ProgId(0), Addr(5));
    let wanted = Trap {
        program: ProgId(0),
        pc: Pc(8),
        kind: TrapKind::CallDepth { most: 8 },
    };
    assert_eq!(trap, Err(wanted));
    assert_eq!(machine.executed(), 6);
}

/// Code that calls this helper, and then loads the answer's address through gs if
/// there is one.
fn calling(machine: &mut Machine, helper: HelperFn) -> Compiled {
    let runtime = Runtime::here();
    let mut code = Assembler::new(0);
    dynasm!(code
        ; .arch x64
        ; sub rsp, 8
        ; mov [r12 + offset::FP], rbp
        ; xor edx, edx
        ; lea rcx, [r12 + offset::CONTEXT]
        ; mov rax, QWORD runtime.of(Routine::CallHelper) as i64
        ; call rax
        ; cmp DWORD [r12 + offset::STATUS], 0
        ; jne >out
        ; add rsp, 8
    );
    let at = code.offset().0;
    dynasm!(code
        ; .arch x64
        ; gs mov rax, [eax]
        ; ret
        ; out:
        ; mov rax, QWORD runtime.of(Routine::Exit) as i64
        ; jmp rax
    );
    let mut tables = tables(&[0]);
    tables.calls = vec![CallSite {
        program: ProgId(0),
        pc: Pc(0),
        id: 0,
        function: Some(helper),
    }];
    let access = What::Access {
        size: 8,
        access: Access::Read,
        address: Address {
            base: Some(0),
            ..Address::default()
        },
    };
    tables.sites = vec![site(at, 0, 0, access)];
    link(machine, Mode::Sandboxed, code, tables)
}

/// What is said of a program that is only there so that code can be.
const PLACE: &str = "r0 = *(u64 *)(r1 + 0)\nexit";

#[test]
fn a_panic_of_a_helper_goes_on_behind_the_code() {
    if !crate::entry::has_gs() {
        return;
    }
    fn helper(call: &mut Call<'_>) -> Answer {
        assert_ne!(call.args[0], 0, "that is what helpers do not do");
        Ok(call.args[0])
    }
    let (mut machine, _) = machine(PLACE);
    let compiled = calling(&mut machine, helper);
    let ctx = room(&mut machine, 8);
    for _ in 0..3 {
        let run = AssertUnwindSafe(|| compiled.run(&mut machine, ProgId(0), Addr::NULL));
        panic::catch_unwind(run).expect_err("it panics");
        assert_eq!(compiled.run(&mut machine, ProgId(0), ctx), Ok(0));
    }
}

#[test]
fn machines_in_machines() {
    if !crate::entry::has_gs() {
        return;
    }
    /// Runs another machine of the same kind, whose helper does the same, and
    /// whose program ends in a fault.
    fn helper(call: &mut Call<'_>) -> Answer {
        let (levels, memory) = (call.args[0] >> 32, call.args[0] as u32);
        if levels == 0 {
            return Ok(0);
        }
        let (mut inner, _) = machine(PLACE);
        let compiled = calling(&mut inner, helper);
        let own = room(&mut inner, 8 * levels as u32);
        inner.space.bytes_mut(own, 8)[0] = 0xff;
        let r1 = (levels - 1) << 32 | own.to_reg();
        let result = vm::Engine::call(&compiled, &mut inner, ProgId(0), [r1, 0, 0, 0, 0]);
        match levels {
            1 => assert!(result.is_err(), "NULL is nowhere"),
            _ => assert_eq!(result, Ok(0xff)),
        }
        Ok(memory.into())
    }
    let (mut machine, _) = machine(PLACE);
    let compiled = calling(&mut machine, helper);
    let own = room(&mut machine, 8);
    machine.space.bytes_mut(own, 8)[0] = 42;
    let r1 = 3 << 32 | own.to_reg();
    let args = [r1, 0, 0, 0, 0];
    let result = vm::Engine::call(&compiled, &mut machine, ProgId(0), args);
    assert_eq!(result, Ok(42));
}
