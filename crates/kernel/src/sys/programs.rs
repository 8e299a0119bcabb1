//! Programs and BTF: BPF_PROG_LOAD, BPF_PROG_TEST_RUN, BPF_BTF_LOAD.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::Errno;
use isa::Slot;

use super::attr::{BtfLoad, ObjInfo, ProgInfo, ProgLoad, TestRun};
use super::{Command, address, address_mut, bpf, bpf_fd, number};

/// Times that a load is put again when a signal came in between, as libbpf does.
const ATTEMPTS: u32 = 5;
/// Bytes of `struct bpf_func_info`.
const FUNC_INFO: usize = 8;
/// Bytes of `struct bpf_line_info`.
const LINE_INFO: usize = 16;

/// What BPF_PROG_LOAD is given, the log apart.
#[derive(Debug)]
pub(crate) struct Spec<'a> {
    pub(crate) prog_type: u32,
    pub(crate) insns: &'a [[u8; Slot::BYTES]],
    pub(crate) license: &'a CStr,
    pub(crate) kern_version: u32,
    pub(crate) flags: u32,
    pub(crate) name: [u8; 16],
    pub(crate) attach_type: u32,
    pub(crate) btf: Option<BorrowedFd<'a>>,
    pub(crate) func_info: &'a [[u32; FUNC_INFO / 4]],
    pub(crate) line_info: &'a [[u32; LINE_INFO / 4]],
    pub(crate) attach_btf_id: u32,
}

/// A program.
#[derive(Debug)]
pub(crate) struct ProgFd(OwnedFd);

impl ProgFd {
    /// Loads a program and writes the log into `log`. Also how many bytes the
    /// log needs, 0 where Linux does not say.
    pub(crate) fn load(
        spec: &Spec<'_>,
        log_level: u32,
        log: &mut [u8],
    ) -> (Result<ProgFd, Errno>, u32) {
        let mut attempts = ATTEMPTS;
        loop {
            let (answer, needed) = ProgFd::try_load(spec, log_level, log);
            attempts -= 1;
            if answer.as_ref().err() != Some(&Errno::EAGAIN) || attempts == 0 {
                return (answer.map(ProgFd), needed);
            }
        }
    }

    fn try_load(spec: &Spec<'_>, log_level: u32, log: &mut [u8]) -> (Result<OwnedFd, Errno>, u32) {
        let mut attr = ProgLoad {
            prog_type: spec.prog_type,
            insn_cnt: spec.insns.len() as u32,
            insns: address(spec.insns),
            license: spec.license.as_ptr().expose_provenance() as u64,
            log_level,
            log_size: log.len() as u32,
            log_buf: address_mut(log),
            kern_version: spec.kern_version,
            prog_flags: spec.flags,
            prog_name: spec.name,
            expected_attach_type: spec.attach_type,
            prog_btf_fd: spec.btf.map_or(0, number),
            func_info_rec_size: FUNC_INFO as u32,
            func_info: address(spec.func_info),
            func_info_cnt: spec.func_info.len() as u32,
            line_info_rec_size: LINE_INFO as u32,
            line_info: address(spec.line_info),
            line_info_cnt: spec.line_info.len() as u32,
            attach_btf_id: spec.attach_btf_id,
            ..ProgLoad::default()
        };
        // SAFETY: each address is one of a slice, with the slice's length (cut
        // to 32 bits) beside it, or of a string that ends with NUL. Only the
        // log is written, and it is borrowed exclusively.
        let answer = unsafe { bpf_fd(Command::ProgLoad, &mut attr) };
        (answer, attr.log_true_size)
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Runs the program on test data. `runs` says how and takes the answer.
    pub(crate) fn test_run(&self, runs: &mut Runs<'_>) -> Result<(), Errno> {
        let mut attr = TestRun {
            prog_fd: number(self.as_fd()),
            data_size_in: runs.data.len() as u32,
            data_size_out: runs.data_out.len() as u32,
            data_in: address(runs.data),
            data_out: address_mut(runs.data_out),
            repeat: runs.repeat,
            ctx_size_in: runs.ctx.len() as u32,
            ctx_size_out: runs.ctx_out.len() as u32,
            ctx_in: address(runs.ctx),
            ctx_out: address_mut(runs.ctx_out),
            flags: runs.flags,
            cpu: runs.cpu,
            batch_size: runs.batch_size,
            ..TestRun::default()
        };
        // SAFETY: each address is one of a slice, with the slice's length (cut
        // to 32 bits) beside it; the two that are written are borrowed
        // exclusively.
        let answer = unsafe { bpf(Command::ProgTestRun, &mut attr) };
        runs.retval = attr.retval;
        runs.duration = attr.duration;
        runs.data_len = attr.data_size_out as usize;
        runs.ctx_len = attr.ctx_size_out as usize;
        answer.map(drop)
    }

    /// Facts about the program; what `room` has is filled as far as it reaches.
    pub(crate) fn info(&self, room: &mut ProgInfoRoom) -> Result<ProgInfo, Errno> {
        let ProgInfoRoom {
            xlated,
            jited,
            map_ids,
            jited_addresses,
            jited_lens,
        } = room;
        let mut info = [ProgInfo {
            xlated_prog_len: xlated.len() as u32,
            xlated_prog_insns: address_mut(xlated),
            jited_prog_len: jited.len() as u32,
            jited_prog_insns: address_mut(jited),
            nr_map_ids: map_ids.len() as u32,
            map_ids: address_mut(map_ids),
            nr_jited_ksyms: jited_addresses.len() as u32,
            jited_ksyms: address_mut(jited_addresses),
            nr_jited_func_lens: jited_lens.len() as u32,
            jited_func_lens: address_mut(jited_lens),
            ..ProgInfo::default()
        }];
        let mut attr = ObjInfo {
            bpf_fd: number(self.as_fd()),
            info_len: size_of::<ProgInfo>() as u32,
            info: address_mut(&mut info),
        };
        // SAFETY: Linux writes at most `info_len` bytes to `info`, for which any
        // bytes are valid, and to the five slices named there no more than the
        // lengths that stand beside them.
        unsafe { bpf(Command::ObjInfo, &mut attr) }?;
        Ok(info[0])
    }
}

/// Room for what has no fixed length in a [`ProgInfo`].
#[derive(Debug, Default)]
pub(crate) struct ProgInfoRoom {
    pub(crate) xlated: Vec<u8>,
    pub(crate) jited: Vec<u8>,
    pub(crate) map_ids: Vec<u32>,
    /// Kernel address of each function's machine code.
    pub(crate) jited_addresses: Vec<u64>,
    pub(crate) jited_lens: Vec<u32>,
}

impl ProgInfoRoom {
    /// As much as Linux says that there is.
    pub(crate) fn of(sizes: &ProgInfo) -> ProgInfoRoom {
        ProgInfoRoom {
            xlated: vec![0; sizes.xlated_prog_len as usize],
            jited: vec![0; sizes.jited_prog_len as usize],
            map_ids: vec![0; sizes.nr_map_ids as usize],
            jited_addresses: vec![0; sizes.nr_jited_ksyms as usize],
            jited_lens: vec![0; sizes.nr_jited_func_lens as usize],
        }
    }
}

/// What BPF_PROG_TEST_RUN is given, and what it gives back.
#[derive(Debug, Default)]
pub(crate) struct Runs<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) ctx: &'a [u8],
    pub(crate) repeat: u32,
    pub(crate) flags: u32,
    pub(crate) cpu: u32,
    pub(crate) batch_size: u32,
    pub(crate) data_out: &'a mut [u8],
    pub(crate) ctx_out: &'a mut [u8],
    /// Answers.
    pub(crate) retval: u32,
    pub(crate) duration: u32,
    pub(crate) data_len: usize,
    pub(crate) ctx_len: usize,
}

/// Loads BTF and writes the log into `log`. Also how many bytes the log needs.
pub(crate) fn load_btf(
    btf: &[u8],
    log_level: u32,
    log: &mut [u8],
) -> (Result<OwnedFd, Errno>, u32) {
    let mut attr = BtfLoad {
        btf: address(btf),
        btf_size: btf.len() as u32,
        btf_log_buf: address_mut(log),
        btf_log_size: log.len() as u32,
        btf_log_level: log_level,
        btf_log_true_size: 0,
    };
    // SAFETY: both addresses are of slices, with their lengths beside them; the
    // log is borrowed exclusively.
    let answer = unsafe { bpf_fd(Command::BtfLoad, &mut attr) };
    (answer, attr.btf_log_true_size)
}
