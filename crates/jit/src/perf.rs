//! Names of compiled functions, for `perf` and for debuggers.
//!
//! Two forms that `perf` reads:
//!
//! * a map, `/tmp/perf-PID.map`: names of addresses, read when a report is made;
//! * a dump, `jit-PID.dump`: names and the code itself, which `perf inject --jit`
//!   makes objects of, so that `perf annotate` works, also after code has gone.
//!   The form is that of Linux's
//!   `tools/perf/Documentation/jitdump-specification.txt`.
#![expect(unsafe_code, reason = "asks for the time and maps a file")]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process;
use std::ptr;

use isa::Pc;

use crate::{Compiled, PerfNames};

/// A function in the host's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Host address of its first byte.
    pub address: usize,
    /// Bytes.
    pub len: usize,
    /// `bpf:` and the name of the program, for functions that it calls with
    /// `+` and the number of their first instruction.
    pub name: String,
}

impl Compiled {
    /// All functions, in the order of their addresses.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = self
            .entries()
            .map(|(address, program, pc)| {
                // Names come from files; each has one line here.
                let program = program.replace(char::is_control, "?");
                Symbol {
                    address,
                    len: 0,
                    name: match pc {
                        Pc(0) => format!("bpf:{program}"),
                        Pc(first) => format!("bpf:{program}+{first}"),
                    },
                }
            })
            .collect();
        symbols.sort_by_key(|symbol| symbol.address);
        let mut end = self.end();
        for symbol in symbols.iter_mut().rev() {
            symbol.len = end.saturating_sub(symbol.address);
            end = symbol.address;
        }
        symbols
    }

    /// Writes lines for `/tmp/perf-PID.map`, which may hold those of others too.
    pub fn write_perf_map(&self, out: &mut impl Write) -> io::Result<()> {
        for Symbol { address, len, name } in self.symbols() {
            writeln!(out, "{address:x} {len:x} {name}")?;
        }
        Ok(())
    }
}

impl Compiled {
    /// Writes the names of all functions to where `perf` looks for those of this
    /// process; says where that is. A map that is there already is added to.
    ///
    /// # Errors
    ///
    /// What the file says.
    pub fn tell_perf(&self, names: PerfNames) -> io::Result<PathBuf> {
        match names {
            PerfNames::Map => {
                let path = PathBuf::from(format!("/tmp/perf-{}.map", process::id()));
                let file = File::options().append(true).create(true).open(&path)?;
                let mut out = BufWriter::new(file);
                self.write_perf_map(&mut out)?;
                out.flush()?;
                Ok(path)
            }
            PerfNames::Dump => {
                let mut dump = JitDump::create(Path::new("."))?;
                dump.add(self)?;
                Ok(dump.path().to_owned())
            }
        }
    }
}

/// A file that `perf inject --jit` reads.
#[derive(Debug)]
pub struct JitDump {
    out: BufWriter<File>,
    path: PathBuf,
    /// How many functions there are in it.
    functions: u64,
    /// `perf record` finds the file by this mapping of its first page.
    mark: *mut libc::c_void,
}

// SAFETY: `mark` is never used but to unmap it.
unsafe impl Send for JitDump {}

/// Bytes of the mapping by which `perf record` finds the file.
const MARK: usize = 4096;

impl JitDump {
    /// Begins a dump in a directory, to be used with `perf record -k mono`.
    pub fn create(directory: &Path) -> io::Result<JitDump> {
        const MAGIC: u32 = 0x4a69_5444;
        const VERSION: u32 = 1;
        const HEADER: u32 = 40;
        const EM_X86_64: u32 = 62;
        let path = directory.join(format!("jit-{}.dump", process::id()));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        // SAFETY: a new mapping of a file that nobody reads through it.
        let mark = unsafe {
            libc::mmap(
                ptr::null_mut(),
                MARK,
                libc::PROT_READ | libc::PROT_EXEC,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        if mark == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mut dump = JitDump {
            out: BufWriter::new(file),
            path,
            functions: 0,
            mark,
        };
        for word in [MAGIC, VERSION, HEADER, EM_X86_64, 0, process::id()] {
            dump.out.write_all(&word.to_ne_bytes())?;
        }
        dump.out.write_all(&now()?.to_ne_bytes())?;
        dump.out.write_all(&0u64.to_ne_bytes())?;
        dump.out.flush()?;
        Ok(dump)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds the functions of compiled code.
    pub fn add(&mut self, compiled: &Compiled) -> io::Result<()> {
        for symbol in compiled.symbols() {
            let offset = symbol.address - compiled.code().as_ptr() as usize;
            let code = compiled.code().get(offset..offset + symbol.len);
            self.load(&symbol, code.unwrap_or_default())?;
        }
        self.out.flush()
    }

    /// Writes that a function was loaded.
    fn load(&mut self, symbol: &Symbol, code: &[u8]) -> io::Result<()> {
        const JIT_CODE_LOAD: u32 = 0;
        const FIXED: usize = 56;
        let total = FIXED + symbol.name.len() + 1 + code.len();
        // SAFETY: asks for a number.
        let thread = unsafe { libc::gettid() } as u32;
        self.functions += 1;
        let out = &mut self.out;
        out.write_all(&JIT_CODE_LOAD.to_ne_bytes())?;
        out.write_all(&(total as u32).to_ne_bytes())?;
        out.write_all(&now()?.to_ne_bytes())?;
        out.write_all(&process::id().to_ne_bytes())?;
        out.write_all(&thread.to_ne_bytes())?;
        for word in [
            symbol.address as u64,
            symbol.address as u64,
            code.len() as u64,
            self.functions,
        ] {
            out.write_all(&word.to_ne_bytes())?;
        }
        out.write_all(symbol.name.as_bytes())?;
        out.write_all(&[0])?;
        out.write_all(code)
    }
}

impl Drop for JitDump {
    fn drop(&mut self) {
        // SAFETY: exactly what `create` mapped.
        unsafe { libc::munmap(self.mark, MARK) };
    }
}

/// The clock of `perf record -k mono`, in nanoseconds.
fn now() -> io::Result<u64> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the call fills in a time.
    if unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has.
    let time = unsafe { time.assume_init() };
    Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}
