//! Loading: from an [`abi::Program`] to a live one, or to Linux's refusal.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use abi::limits::OBJ_NAME_LEN;
use abi::{Errno, Program};
use isa::{CallTarget, Code, Imm64, Insn, Pc, Slot};

use crate::info::ProgInfo;
use crate::sys::{ProgFd, ProgInfoRoom, Spec};
use crate::{Kernel, LoadedBtf, Map, externs};

/// Linux said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{errno}{}", last_line(log))]
pub struct Refusal {
    /// The error number.
    pub errno: Errno,
    /// The log, whole; empty when none was wanted or written.
    pub log: String,
}

fn last_line(log: &str) -> String {
    match crate::log::Log::parse(log).sentence() {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}

/// Why a program is not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Linux refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Linux refuses its BTF.
    #[error("BTF: {0}")]
    Btf(#[source] Refusal),
    /// It names a map that was not given, so that it cannot be put to Linux.
    #[error("{pc}: there is no map number {index}")]
    Map {
        /// The instruction.
        pc: Pc,
        /// The index in [`Program::maps`].
        index: i32,
    },
    /// It names something by an index that [`Program::externs`] does not have.
    #[error("{pc}: there is no extern number {index}")]
    Extern {
        /// The instruction.
        pc: Pc,
        /// The index in [`Program::externs`].
        index: i32,
    },
    /// The running kernel does not have what it names, or keeps its types to
    /// itself.
    #[error("the kernel's types have no {what} {name}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

/// When to have the verifier's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogWanted {
    /// Never.
    Never,
    /// When the program is refused, at level 1, by putting it a second time. An
    /// accepted program is loaded without one, which is fastest.
    #[default]
    OnRefusal,
    /// Always, at this level: bits 1 (failing path), 2 (every state), 4
    /// (statistics).
    Level(u32),
}

/// `BPF_F_*` flags of program load beyond those of [`abi::ProgFlags`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LoadFlags(pub u32);

#[expect(missing_docs, reason = "the names are those of the UAPI header")]
impl LoadFlags {
    pub const STRICT_ALIGNMENT: LoadFlags = LoadFlags(1);
    pub const ANY_ALIGNMENT: LoadFlags = LoadFlags(1 << 1);
    pub const TEST_RND_HI32: LoadFlags = LoadFlags(1 << 2);
    pub const TEST_STATE_FREQ: LoadFlags = LoadFlags(1 << 3);
    pub const SLEEPABLE: LoadFlags = LoadFlags(1 << 4);
    pub const XDP_HAS_FRAGS: LoadFlags = LoadFlags(1 << 5);
    pub const XDP_DEV_BOUND_ONLY: LoadFlags = LoadFlags(1 << 6);
    pub const TEST_REG_INVARIANTS: LoadFlags = LoadFlags(1 << 7);
}

impl std::ops::BitOr for LoadFlags {
    type Output = LoadFlags;

    fn bitor(self, other: LoadFlags) -> LoadFlags {
        LoadFlags(self.0 | other.0)
    }
}

/// How to load a program.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadOptions<'a> {
    /// When to have the verifier's log.
    pub log: LogWanted,
    /// Flags besides those that the program asks for itself.
    pub flags: LoadFlags,
    /// The program's BTF when it has been loaded already; otherwise
    /// [`Program::btf`] is loaded along.
    pub btf: Option<&'a LoadedBtf>,
    /// Leave out BTF and with it functions' types and source lines.
    pub without_btf: bool,
    /// Kernel BTF id of what the program attaches to, where it is not to be
    /// found from [`Program::attach_target`].
    pub attach_btf_id: Option<u32>,
}

/// A program of the running kernel, gone when this value and every map that
/// holds it are.
#[derive(Debug)]
pub struct Loaded {
    pub(crate) fd: ProgFd,
    name: String,
    log: String,
}

impl Kernel {
    /// Puts a program to Linux.
    ///
    /// `maps` are those that its instructions name by index. Kernel functions
    /// and variables are looked up in the kernel's types by name.
    ///
    /// # Errors
    ///
    /// Linux's refusal with its log, or why it cannot be put.
    pub fn load(
        &self,
        program: &Program,
        maps: &[Map],
        options: &LoadOptions<'_>,
    ) -> Result<Loaded, LoadError> {
        let own_btf = match (options.btf, &program.btf) {
            (None, Some(btf)) if !options.without_btf => {
                Some(self.load_btf(btf).map_err(LoadError::Btf)?)
            }
            _ => None,
        };
        let btf = options.btf.or(own_btf.as_ref());
        let btf = btf.filter(|_| !options.without_btf);
        let insns = self.resolve(program, maps)?;
        let (func_info, line_info) = match btf {
            Some(_) => (func_info(program), line_info(program)),
            None => (Vec::new(), Vec::new()),
        };
        let license = c_string(&program.license);
        let spec = Spec {
            prog_type: program.prog_type as u32,
            insns: &insns,
            license: &license,
            kern_version: match program.kern_version {
                0 => self.version_code(),
                version => version,
            },
            flags: (options.flags | own_flags(program)).0,
            name: object_name(&program.name),
            attach_type: program.attach_type.map_or(0, |attach| attach as u32),
            btf: btf.map(|btf| btf.as_fd()),
            func_info: &func_info,
            line_info: &line_info,
            attach_btf_id: match options.attach_btf_id {
                Some(id) => id,
                None => externs::attach_btf_id(self, program)?,
            },
        };
        let (fd, log) = load_with_log(&spec, options.log)?;
        Ok(Loaded {
            fd,
            name: program.name.clone(),
            log,
        })
    }

    /// The instructions with descriptors and kernel BTF ids for indices.
    fn resolve(
        &self,
        program: &Program,
        maps: &[Map],
    ) -> Result<Vec<[u8; Slot::BYTES]>, LoadError> {
        let code = Code::new(program.code.clone());
        let mut slots = code.slots().to_vec();
        for (pc, insn) in code.iter() {
            let insn = match insn {
                Insn::LoadImm { dst, imm } => Insn::LoadImm {
                    dst,
                    imm: self.resolve_imm(program, maps, pc, imm)?,
                },
                Insn::Call {
                    target: CallTarget::Kfunc { btf_id, module: 0 },
                } => Insn::Call {
                    target: CallTarget::Kfunc {
                        btf_id: externs::kfunc(self, program, pc, btf_id)?,
                        module: 0,
                    },
                },
                Insn::Invalid(_) => {
                    // What is wrong with it is Linux's to find; its map is ours.
                    if let Some(slot) = slots.get_mut(pc.index())
                        && let (MAP_LOAD, src @ (5 | 6)) = (slot.opcode, slot.src)
                    {
                        let index = Imm64::MapIndex { index: slot.imm };
                        if let Imm64::MapFd { fd } = self.resolve_imm(program, maps, pc, index)? {
                            (slot.src, slot.imm) = (src - 4, fd);
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            let Some((head, tail)) = isa::encode(insn) else {
                continue;
            };
            let new = [Some(head), tail].into_iter().flatten();
            for (slot, new) in slots.iter_mut().skip(pc.index()).zip(new) {
                *slot = new;
            }
        }
        Ok(slots.into_iter().map(Slot::to_bytes).collect())
    }

    fn resolve_imm(
        &self,
        program: &Program,
        maps: &[Map],
        pc: Pc,
        imm: Imm64,
    ) -> Result<Imm64, LoadError> {
        let fd = |index: i32| -> Result<i32, LoadError> {
            let map = usize::try_from(index).ok().and_then(|i| maps.get(i));
            let map = map.ok_or(LoadError::Map { pc, index })?;
            Ok(map.as_fd().as_raw_fd())
        };
        Ok(match imm {
            Imm64::MapIndex { index } => Imm64::MapFd { fd: fd(index)? },
            Imm64::MapIndexValue { index, offset } => Imm64::MapValue {
                fd: fd(index)?,
                offset,
            },
            Imm64::Variable {
                btf_id,
                module_fd: 0,
            } => externs::variable(self, program, pc, btf_id)?,
            other => other,
        })
    }
}

impl Loaded {
    /// The program's name, whole.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The verifier's log; empty when none was wanted.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// What Linux says of it.
    pub fn info(&self) -> Result<ProgInfo, Errno> {
        let sizes = self.fd.info(&mut ProgInfoRoom::default())?;
        let mut room = ProgInfoRoom::of(&sizes);
        let info = self.fd.info(&mut room)?;
        Ok(ProgInfo::new(&info, room))
    }
}

impl AsFd for Loaded {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Opcode of a 64-bit immediate load.
const MAP_LOAD: u8 = 0x18;

fn own_flags(program: &Program) -> LoadFlags {
    let flag = |set, flag| if set { flag } else { LoadFlags(0) };
    flag(program.flags.sleepable, LoadFlags::SLEEPABLE)
        | flag(program.flags.xdp_frags, LoadFlags::XDP_HAS_FRAGS)
}

fn load_with_log(spec: &Spec<'_>, wanted: LogWanted) -> Result<(ProgFd, String), Refusal> {
    let at_level = |level| {
        let (answer, log) = with_log(|log| ProgFd::load(spec, level, log));
        match answer {
            Ok(fd) => Ok((fd, log)),
            Err(errno) => Err(Refusal { errno, log }),
        }
    };
    let silent = || ProgFd::load(spec, 0, &mut []).0;
    match (wanted, wanted == LogWanted::Never) {
        (LogWanted::Level(level), _) if level != 0 => at_level(level),
        (_, never) => match silent() {
            Ok(fd) => Ok((fd, String::new())),
            Err(errno) if never || wanted == LogWanted::Level(0) => Err(Refusal {
                errno,
                log: String::new(),
            }),
            Err(_) => at_level(1).map(|(fd, _)| (fd, String::new())),
        },
    }
}

/// Bytes of the first log buffer: more than most logs need.
const FIRST_LOG: usize = 64 << 10;
/// The largest log buffer that Linux takes.
const LARGEST_LOG: usize = (u32::MAX >> 2) as usize;

/// Asks with a log buffer that grows until nothing is cut. The buffer is of
/// zeroes that the system gives as they are touched.
pub(crate) fn with_log<T>(
    mut ask: impl FnMut(&mut [u8]) -> (Result<T, Errno>, u32),
) -> (Result<T, Errno>, String) {
    let mut size = FIRST_LOG;
    loop {
        let mut log = vec![0; size];
        let (answer, needed) = ask(&mut log);
        if answer.as_ref().err() != Some(&Errno::ENOSPC) || size == LARGEST_LOG {
            let text = CStr::from_bytes_until_nul(&log).unwrap_or_default();
            return (answer, text.to_string_lossy().into_owned());
        }
        size = (size * 4).max(needed as usize).min(LARGEST_LOG);
    }
}

/// `struct bpf_func_info`.
fn func_info(program: &Program) -> Vec<[u32; 2]> {
    let records = program.func_info.iter();
    records.map(|info| [info.pc.0, info.type_id.0]).collect()
}

/// `struct bpf_line_info`.
fn line_info(program: &Program) -> Vec<[u32; 4]> {
    let records = program.line_info.iter();
    records
        .map(|info| {
            let line_col = info.line << 10 | (info.column & 0x3ff);
            [info.pc.0, info.file_name_off, info.line_off, line_col]
        })
        .collect()
}

/// Text up to its first NUL.
fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// A name as Linux takes it: 15 bytes of letters, digits, `_` and `.`.
pub(crate) fn object_name(name: &str) -> [u8; OBJ_NAME_LEN] {
    let mut bytes = [0; OBJ_NAME_LEN];
    let room = OBJ_NAME_LEN - 1;
    for (byte, given) in bytes.iter_mut().zip(name.bytes().take(room)) {
        *byte = match given {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' => given,
            _ => b'_',
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_cleaned() {
        assert_eq!(&object_name("a-name.with_more"), b"a_name.with_mor\0");
        assert_eq!(&object_name(""), &[0; 16]);
    }

    #[test]
    fn the_log_buffer_grows() {
        let mut sizes = Vec::new();
        let (answer, log) = with_log(|log| {
            sizes.push(log.len());
            if log.len() < 1_000_000 {
                return (Err::<(), _>(Errno::ENOSPC), 1_000_000);
            }
            log[..3].copy_from_slice(b"yes");
            (Err(Errno::EACCES), 3)
        });
        assert_eq!(answer, Err(Errno::EACCES));
        assert_eq!(log, "yes");
        assert_eq!(sizes, [64 << 10, 1_000_000]);
    }
}
