//! Code that others made, run in this process: the one module of the benches that
//! is unsafe.
//!
//! What is run here is a program that Linux's verifier let through (as the
//! kernel's machine code, as what `rbpf` and we make of it without checks), or the
//! same source compiled natively. All of it was given the addresses of one
//! [`LowMemory`] or machine and nothing else, whose size covers what these programs
//! reach. That is no proof: it is good enough for programs that stand in this
//! repository, and for nothing else.
#![expect(unsafe_code, reason = "runs machine code that others made")]

use std::ffi::{CString, c_void};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::slice;

/// Memory below 4 GiB.
#[derive(Debug)]
pub(crate) struct LowMemory {
    base: NonNull<u8>,
    len: usize,
}

impl LowMemory {
    /// So many zeroes.
    pub(crate) fn new(len: usize) -> LowMemory {
        let base = map(len, libc::MAP_32BIT);
        LowMemory { base, len }
    }

    pub(crate) fn address(&self) -> u64 {
        self.base.as_ptr() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is as long, and lives as long as this value. Foreign
        // code writes to it only within calls, while nobody holds this slice.
        unsafe { slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut(self.base.as_ptr(), self.len) }
    }

    /// The memory for an interface that keeps it for as long as it likes.
    pub(crate) fn lend(&self) -> &'static mut [u8] {
        // SAFETY: the mapping is never taken back (it has no `Drop`), and the
        // engines that ask for this only pass the pointer on to the program.
        unsafe { slice::from_raw_parts_mut(self.base.as_ptr(), self.len) }
    }
}

/// Executable memory that holds a copy of code in several places.
#[derive(Debug)]
pub(crate) struct Code {
    base: NonNull<u8>,
}

/// A function from the address of a context to a program's answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function(extern "C" fn(u64) -> u64);

impl Code {
    /// Makes these bytes executable. They are never taken back.
    pub(crate) fn seal(bytes: &[u8]) -> Code {
        let base = map(bytes.len(), 0);
        // SAFETY: the mapping is fresh, writable and as long as `bytes`.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), base.as_ptr(), bytes.len()) };
        let rights = libc::PROT_READ | libc::PROT_EXEC;
        // SAFETY: changes the rights of that mapping, to which there is no slice.
        let sealed = unsafe { libc::mprotect(base.as_ptr().cast(), bytes.len(), rights) };
        assert_eq!(sealed, 0, "the host lets memory be executed");
        Code { base }
    }

    /// The function that begins at this byte.
    pub(crate) fn function(&self, offset: usize) -> Function {
        // SAFETY: the module's contract says that a whole function begins there;
        // the mapping is never taken back.
        Function(unsafe {
            std::mem::transmute::<*mut u8, extern "C" fn(u64) -> u64>(
                self.base.as_ptr().wrapping_add(offset),
            )
        })
    }
}

impl Function {
    pub(crate) fn call(self, ctx: u64) -> u32 {
        (self.0)(ctx) as u32
    }
}

/// A library that clang made of a program.
#[derive(Debug)]
pub(crate) struct Library(NonNull<c_void>);

impl Library {
    pub(crate) fn open(path: &Path) -> Option<Library> {
        let path = CString::new(path.to_str()?).ok()?;
        // SAFETY: the library has neither constructors nor dependencies. It is
        // never closed.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        NonNull::new(handle).map(Library)
    }

    /// The program of this name.
    pub(crate) fn function(&self, name: &str) -> Option<Function> {
        let address = self.symbol(name)?;
        // SAFETY: programs are functions from a pointer to an `int`.
        Some(Function(unsafe {
            std::mem::transmute::<*mut c_void, extern "C" fn(u64) -> u64>(address)
        }))
    }

    /// Points the field at this offset of a variable to memory of so many bytes,
    /// and gives the memory back to be filled. It is never freed.
    pub(crate) fn give(&self, name: &str, offset: usize, len: usize) -> Option<&'static mut [u8]> {
        let memory = vec![0u8; len].leak();
        let field = self.symbol(name)?.cast::<u8>().wrapping_add(offset);
        // SAFETY: map definitions are variables that hold at least as many
        // pointers; the program reads them only when it is called.
        unsafe { field.cast::<*mut u8>().write(memory.as_mut_ptr()) };
        Some(memory)
    }

    fn symbol(&self, name: &str) -> Option<*mut c_void> {
        let name = CString::new(name).ok()?;
        // SAFETY: the handle is open.
        let address = unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) };
        (!address.is_null()).then_some(address)
    }
}

/// A machine's programs compiled, in any mode.
pub(crate) fn compile(
    machine: &mut vm::Machine,
    options: &jit::Options,
    proofs: &[jit::Proof<'_>],
) -> Result<jit::Compiled, jit::Error> {
    // SAFETY: the module's contract.
    unsafe { jit::Compiled::trusted(machine, options, proofs) }
}

/// Puts nothing into gs, as in a thread that has not run another machine before:
/// what a machine finds there that is not its own it puts back after each run.
pub(crate) fn clear_gs() {
    // SAFETY: nothing here but compiled code uses gs.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, 0) };
}

const ARCH_SET_GS: i32 = 0x1001;

/// One run of what `rbpf` compiled.
pub(crate) fn run_rbpf(machine: &rbpf::EbpfVmRaw<'static>, memory: &LowMemory) -> u32 {
    // SAFETY: the module's contract.
    let ret = unsafe { machine.execute_program_jit(memory.lend()) };
    ret.expect("was compiled") as u32
}

/// A mapping of memory for `solana-sbpf`: one region at its own address, so that
/// the 32 bits of `xdp_md.data` are right, and a stack.
pub(crate) fn sbpf_mapping(
    memory: &LowMemory,
    stack: &'static mut [u8],
    config: &solana_sbpf::vm::Config,
    version: solana_sbpf::program::SBPFVersion,
) -> solana_sbpf::memory_region::MemoryMapping {
    use solana_sbpf::ebpf;
    use solana_sbpf::memory_region::{MemoryMapping, MemoryRegion};
    let low: *mut [u8] = memory.lend();
    let stack: *mut [u8] = stack;
    let nothing: *const [u8] = &[];
    let regions = vec![
        MemoryRegion::new(low, memory.address()),
        MemoryRegion::new(nothing, ebpf::MM_BYTECODE_START),
        MemoryRegion::new(stack, ebpf::MM_STACK_START),
    ];
    // SAFETY: all three live for ever, and nobody else writes to them while the
    // program runs.
    unsafe { MemoryMapping::new(regions, config, version) }.expect("regions do not overlap")
}

fn map(len: usize, flags: i32) -> NonNull<u8> {
    // SAFETY: asks for memory at an address that the host chooses.
    let base = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags,
            -1,
            0,
        )
    };
    assert_ne!(base, libc::MAP_FAILED, "the host has memory");
    NonNull::new(base.cast()).expect("nothing is mapped at zero")
}
