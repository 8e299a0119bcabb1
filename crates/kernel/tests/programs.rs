//! Loading, refusals, runs, and what Linux says of a program.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use abi::{Errno, Extern, ExternKind, MapType, ProgType};
use common::{def, program};
use isa::{Imm64, Insn, Pc};
use kernel::log::Log;
use kernel::{LoadError, LoadFlags, LoadOptions, LogWanted, Refusal, RunError, TestRun};

#[test]
fn a_run_gives_packet_context_and_value() {
    let kernel = kernel_or_return!();
    // Metadata of four bytes, and the queue as the answer.
    let text = "r6 = r1
        r2 = -4
        call bpf_xdp_adjust_meta#54
        r2 = *(u32 *)(r6 +8)
        r3 = *(u32 *)(r6 +0)
        r4 = r2
        r4 += 4
        if r4 > r3 goto +1
        *(u32 *)(r2 +0) = 0x01020304
        r0 = *(u32 *)(r6 +16)
        exit";
    let text = text.replace("= 0x01020304", "= 16909060");
    let loaded = kernel
        .load(
            &program(ProgType::Xdp, &text, &[]),
            &[],
            &LoadOptions::default(),
        )
        .unwrap();
    let data: Vec<u8> = (0..60).collect();
    // data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex
    let words = [0, 60, 0, 1, 0, 0_u32];
    let ctx: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
    let run = TestRun {
        data: &data,
        ctx: &ctx,
        repeat: 1,
        ..TestRun::default()
    };
    let result = loaded.test_run(&run).unwrap();
    assert_eq!(result.retval, 0);
    assert_eq!(result.data[..4], [4, 3, 2, 1]);
    assert_eq!(result.data[4..], data);
    // Where the packet starts now, and where it ends: after the metadata.
    assert_eq!(result.ctx[..8], [4, 0, 0, 0, 64, 0, 0, 0]);
    assert_eq!(result.ctx.len(), 24);
}

#[test]
fn runs_that_linux_refuses() {
    let kernel = kernel_or_return!();
    let loaded = kernel
        .load(
            &program(ProgType::Xdp, "r0 = 2\nexit", &[]),
            &[],
            &LoadOptions::default(),
        )
        .unwrap();
    let run = TestRun {
        data: &[0; 13],
        ..TestRun::default()
    };
    assert_eq!(loaded.test_run(&run), Err(RunError::Refused(Errno::EINVAL)));
    let run = TestRun {
        data: &[0; 64],
        data_size_out: Some(20),
        ..TestRun::default()
    };
    let too_long = RunError::TooLong {
        needed: 64,
        retval: 2,
    };
    assert_eq!(loaded.test_run(&run), Err(too_long));
}

#[test]
fn a_refusal_says_why() {
    let kernel = kernel_or_return!();
    let wrong = program(ProgType::Xdp, "r0 = r5\nexit", &[]);
    let refused = |log| {
        let options = LoadOptions {
            log,
            ..LoadOptions::default()
        };
        match kernel.load(&wrong, &[], &options) {
            Err(LoadError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    };
    let by_default = refused(LogWanted::OnRefusal);
    assert_eq!(by_default.errno, Errno::EACCES);
    assert_eq!(by_default.to_string(), "EACCES: R5 !read_ok");
    let silent = Refusal {
        errno: Errno::EACCES,
        log: String::new(),
    };
    assert_eq!(refused(LogWanted::Never), silent);
    assert_eq!(refused(LogWanted::Level(0)), silent);
    assert!(refused(LogWanted::Level(2)).log.contains("Live regs"));
}

#[test]
fn what_cannot_be_put_to_linux() {
    let kernel = kernel_or_return!();
    let load = |program| {
        kernel
            .load(&program, &[], &LoadOptions::default())
            .unwrap_err()
    };
    let no_map = program(ProgType::Xdp, "r0 = 0\nr1 = map[idx:3]\nexit", &[]);
    assert_eq!(
        load(no_map),
        LoadError::Map {
            pc: Pc(1),
            index: 3
        }
    );
    let mut call = program(ProgType::Xdp, "call kfunc#0\nexit", &[]);
    assert_eq!(
        load(call.clone()),
        LoadError::Extern {
            pc: Pc(0),
            index: 0
        }
    );
    call.externs = [Extern {
        name: "bpf_of_no_kernel_ever".into(),
        kind: ExternKind::Kfunc,
        weak: false,
        type_id: Default::default(),
    }]
    .into();
    assert_eq!(
        load(call),
        LoadError::Unknown {
            what: "function",
            name: "bpf_of_no_kernel_ever".into()
        }
    );
}

#[test]
fn kernel_functions_and_variables_by_name() {
    let kernel = kernel_or_return!();
    if kernel.btf().is_none() {
        kernel::testing::note("skipped: the kernel has no BTF");
        return;
    }
    let named = |name: &str, kind| Extern {
        name: name.into(),
        kind,
        weak: false,
        type_id: Default::default(),
    };
    let mut program = program(
        ProgType::SchedCls,
        "call kfunc#0\ncall kfunc#1\nr0 = 7\nexit",
        &[],
    );
    program.externs = [
        named("bpf_rcu_read_lock", ExternKind::Kfunc),
        named("bpf_rcu_read_unlock", ExternKind::Kfunc),
    ]
    .into();
    let loaded = kernel.load(&program, &[], &LoadOptions::default()).unwrap();
    let run = TestRun {
        data: &[0; 64],
        ..TestRun::default()
    };
    assert_eq!(loaded.test_run(&run).unwrap().retval, 7);

    let address = Insn::LoadImm {
        dst: isa::Reg::R1,
        imm: Imm64::Variable {
            btf_id: 0,
            module_fd: 0,
        },
    };
    let (head, tail) = isa::encode(address).unwrap();
    let mut both: Vec<_> = [Some(head), tail].into_iter().flatten().collect();
    both.extend_from_slice(
        &common::program(ProgType::SchedCls, "r0 = *(u32 *)(r1 +0)\nexit", &[]).code,
    );
    program.code = both;
    program.externs = [named("bpf_prog_active", ExternKind::Variable)].into();
    let answer = kernel.load(&program, &[], &LoadOptions::default());
    // Whether the kernel tells its address is another matter: it knows the name.
    let Err(LoadError::Refused(refusal)) = answer else {
        panic!("{answer:?}");
    };
    assert!(refusal.log.contains("bpf_prog_active"), "{}", refusal.log);
}

#[test]
fn flags_reach_linux() {
    let kernel = kernel_or_return!();
    let text = "r2 = *(u32 *)(r1 +0)
        r3 = *(u32 *)(r1 +4)
        r4 = r2
        r4 += 8
        r0 = 0
        if r4 > r3 goto +1
        r0 = *(u32 *)(r2 +1)
        exit";
    let misaligned = program(ProgType::Xdp, text, &[]);
    assert!(
        kernel
            .load(&misaligned, &[], &LoadOptions::default())
            .is_ok()
    );
    let strict = LoadOptions {
        flags: LoadFlags::STRICT_ALIGNMENT,
        ..LoadOptions::default()
    };
    let error = kernel.load(&misaligned, &[], &strict).unwrap_err();
    assert!(error.to_string().contains("misaligned"), "{error}");
}

#[test]
fn facts_of_a_program() {
    let kernel = kernel_or_return!();
    let map = kernel
        .create_map(&def(MapType::Array, 4, 4, 1), None)
        .unwrap();
    let id = map.info().unwrap().id;
    let text = "r1 = map[idx:0]\nr0 = 2\nexit";
    let loaded = kernel
        .load(
            &program(ProgType::Xdp, text, &[]),
            &[map],
            &LoadOptions::default(),
        )
        .unwrap();
    let info = loaded.info().unwrap();
    assert_eq!((info.prog_type, info.name.as_str()), (6, "test"));
    assert_eq!(info.map_ids, [id]);
    assert_eq!(info.verified_insns, 3);
    assert!(info.gpl_compatible);
    assert_eq!(info.xlated.len(), 4);
    assert_eq!(
        info.xlated[2..],
        program(ProgType::Xdp, "r0 = 2\nexit", &[]).code
    );
    assert_eq!(info.jited.is_empty(), kernel.jit_enabled() == Some(false));
}

/// A log of many times the first buffer is whole.
#[test]
fn long_logs_are_not_cut() {
    let kernel = kernel_or_return!();
    let text = "r0 = 0\n".to_owned() + &"r0 += 1\n".repeat(20_000) + "exit";
    let everything = LoadOptions {
        log: LogWanted::Level(2 | 4),
        ..LoadOptions::default()
    };
    let long = program(ProgType::SocketFilter, &text, &[]);
    let loaded = kernel.load(&long, &[], &everything).unwrap();
    assert!(loaded.log().len() > 1_000_000, "{}", loaded.log().len());
    assert!(loaded.log().starts_with("func#0 @0\n"));
    let log = Log::parse(loaded.log());
    assert_eq!(log.counts.processed, Some(20_002));
    assert_eq!(log.counts.stack_depth, Some(vec![0]));
    assert!(log.counts.verification_usec.is_some());
    let last = log.states_after(Pc(20_000)).next().unwrap();
    assert_eq!(last.register(0), Some("20000"));
}
