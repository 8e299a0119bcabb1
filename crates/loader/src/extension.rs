//! `freplace`: programs that take the place of a global function of another one.
//!
//! Linux lets calls of the function go to the extension. Here both are linked into
//! one program, which is what that comes to: the extension stands where the function
//! stood, functions that only the replaced one called are left out, and maps,
//! externs and types of the extension follow those of the program.
//!
//! What the kernel asks of the two signatures (`btf_check_type_match`) is asked
//! here: it is a fact about two objects, not about instructions. The kernel that the
//! project is measured on does not load programs of this type at all, so these rules
//! are from its documentation and its tests.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use abi::{Extern, FuncInfo, LineInfo, ProgType, Program, SymbolRange};
use btf::build::{BtfBuilder, Encoding};
use btf::{Btf, Linkage, Type, TypeId};
use isa::{Pc, Slot};

/// Why a program cannot take the place of a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// It is no `freplace` program.
    #[error("program {extension} is of type {prog_type}, not ext (SEC(\"freplace/{function}\"))")]
    NotExtension {
        /// Its name.
        extension: String,
        /// Its type.
        prog_type: ProgType,
        /// The function that it should replace.
        function: String,
    },
    /// It extends another extension.
    #[error("program {program} is itself an extension: those cannot be extended")]
    Nested {
        /// The program with the function.
        program: String,
    },
    /// No function has this name.
    #[error("program {program} has no function {function}; there are: {}", known.join(", "))]
    NoFunction {
        /// The program.
        program: String,
        /// What was asked for.
        function: String,
        /// Its functions.
        known: Vec<String>,
    },
    /// No types that could be compared.
    #[error("{name} has no BTF, so its signature is not known")]
    NoTypes {
        /// The function.
        name: String,
    },
    /// Only global functions can be replaced.
    #[error("function {function} is static: only global functions can be replaced")]
    Static {
        /// The function.
        function: String,
    },
    /// Another number of arguments.
    #[error("{function}() takes {wanted} arguments, {extension}() takes {got}")]
    Arguments {
        /// The function.
        function: String,
        /// How many it takes.
        wanted: usize,
        /// The extension.
        extension: String,
        /// How many that takes.
        got: usize,
    },
    /// An argument or the return value of another type.
    #[error("{what} of {function}() is {wanted}, that of {extension}() is {got}")]
    Type {
        /// Which one.
        what: String,
        /// The function.
        function: String,
        /// Its type there.
        wanted: String,
        /// The extension.
        extension: String,
        /// Its type there.
        got: String,
    },
    /// Types that cannot be written down together.
    #[error("types of {extension}: {source}")]
    Types {
        /// The extension.
        extension: String,
        /// Why.
        source: btf::Error,
    },
}

/// The program with `extension` in the place of its function of this name. Its maps
/// are those of the program, then those of the extension.
///
/// # Errors
///
/// No such function, or one that Linux would not let be replaced so.
pub fn replace_function(
    program: &Program,
    function: &str,
    extension: &Program,
) -> Result<Program, ExtensionError> {
    check(program, function, extension)?;
    let described = describe(program, extension)?;
    let mut joint = Joint {
        pieces: pieces(program, function, extension),
        program,
        extension,
    };
    joint.drop_unreached(function);
    let mut linked = joint.write(function);
    let maps = [&program.maps, &extension.maps];
    linked.maps = maps.iter().flat_map(|maps| maps.iter().cloned()).collect();
    let externs = [&program.externs[..], &described.externs];
    linked.externs = externs.concat().into();
    joint.describe(&mut linked, &described);
    linked.btf = Some(Arc::new(described.btf));
    Ok(linked)
}

/// Whether an `freplace` program can take the place of a function of libxdp's
/// dispatcher, `int prog(struct xdp_md *ctx)`.
///
/// # Errors
///
/// What is different.
pub fn fits_dispatcher(extension: &Program) -> Result<(), ExtensionError> {
    let mut build = BtfBuilder::new();
    let ret = build.int("int", 4, Encoding::Signed);
    let context = build.fwd("xdp_md", false);
    let context = build.ptr(context);
    let btf = build.finish().map_err(|source| ExtensionError::Types {
        extension: extension.name.clone(),
        source,
    })?;
    let wanted = Signature {
        name: "prog",
        btf: &btf,
        linkage: Linkage::Global,
        ret,
        params: vec![context],
    };
    wanted.compare(&Signature::of(extension, &extension.name, Pc(0))?)
}

/// What Linux asks of the two.
fn check(program: &Program, function: &str, extension: &Program) -> Result<(), ExtensionError> {
    if extension.prog_type != ProgType::Ext {
        return Err(ExtensionError::NotExtension {
            extension: extension.name.clone(),
            prog_type: extension.prog_type,
            function: function.to_owned(),
        });
    }
    if program.prog_type == ProgType::Ext {
        let program = program.name.clone();
        return Err(ExtensionError::Nested { program });
    }
    let found = program
        .functions
        .iter()
        .find(|known| known.name == function);
    let found = found.ok_or_else(|| ExtensionError::NoFunction {
        program: program.name.clone(),
        function: function.to_owned(),
        known: program
            .functions
            .iter()
            .map(|known| known.name.clone())
            .collect(),
    })?;
    let wanted = Signature::of(program, function, found.start)?;
    let got = Signature::of(extension, &extension.name, Pc(0))?;
    if wanted.linkage == Linkage::Static {
        let function = function.to_owned();
        return Err(ExtensionError::Static { function });
    }
    wanted.compare(&got)
}

/// A function's types.
struct Signature<'a> {
    name: &'a str,
    btf: &'a Btf,
    linkage: Linkage,
    ret: TypeId,
    params: Vec<TypeId>,
}

impl<'a> Signature<'a> {
    fn of(program: &'a Program, name: &'a str, start: Pc) -> Result<Signature<'a>, ExtensionError> {
        let known = || {
            let btf = program.btf.as_deref()?;
            let info = program.func_info.iter().find(|info| info.pc == start)?;
            let Some(Type::Func(function)) = btf.ty(info.type_id) else {
                return None;
            };
            let Some(Type::FuncProto(proto)) = btf.ty(function.proto) else {
                return None;
            };
            Some(Signature {
                name,
                btf,
                linkage: function.linkage,
                ret: proto.ret,
                params: proto.params().map(|param| param.ty).collect(),
            })
        };
        known().ok_or_else(|| ExtensionError::NoTypes {
            name: name.to_owned(),
        })
    }

    /// As `btf_check_type_match`: as many arguments, of the same kinds and sizes;
    /// pointers are to structs of the same name. Signs are not looked at, nor is the
    /// size of the return value.
    fn compare(&self, other: &Signature<'_>) -> Result<(), ExtensionError> {
        if self.params.len() != other.params.len() {
            return Err(ExtensionError::Arguments {
                function: self.name.to_owned(),
                wanted: self.params.len(),
                extension: other.name.to_owned(),
                got: other.params.len(),
            });
        }
        if shape(self.btf, self.ret) != shape(other.btf, other.ret) {
            return Err(self.differs(other, "return value".to_owned(), self.ret, other.ret));
        }
        for (place, (wanted, got)) in self.params.iter().zip(&other.params).enumerate() {
            let number = matches!(shape(self.btf, *wanted), Some(Shape::Int | Shape::Enum(_)));
            let same = shape(self.btf, *wanted) == shape(other.btf, *got)
                && match number {
                    true => self.btf.size_of(*wanted) == other.btf.size_of(*got),
                    false => {
                        let wanted = pointee(self.btf, *wanted);
                        wanted.is_some() && wanted == pointee(other.btf, *got)
                    }
                };
            if !same {
                let what = format!("argument {}", place + 1);
                return Err(self.differs(other, what, *wanted, *got));
            }
        }
        Ok(())
    }

    fn differs(
        &self,
        other: &Signature<'_>,
        what: String,
        wanted: TypeId,
        got: TypeId,
    ) -> ExtensionError {
        ExtensionError::Type {
            what,
            function: self.name.to_owned(),
            wanted: self.btf.type_name(wanted).to_string(),
            extension: other.name.to_owned(),
            got: other.btf.type_name(got).to_string(),
        }
    }
}

/// What of a type is compared: its kind, and how long its list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Int,
    Enum(usize),
    Pointer,
    Other(btf::Kind),
}

fn shape(btf: &Btf, ty: TypeId) -> Option<Shape> {
    let (_, ty) = btf.resolved(ty)?;
    Some(match ty {
        Type::Int(_) => Shape::Int,
        Type::Enum(list) | Type::Enum64(list) => Shape::Enum(list.len()),
        Type::Ptr(_) => Shape::Pointer,
        other => Shape::Other(other.kind()),
    })
}

/// The name of the struct that a pointer is to.
fn pointee(btf: &Btf, ty: TypeId) -> Option<&str> {
    let (_, pointer) = btf.resolved(ty)?;
    match btf.resolved(pointer.target()?)? {
        (_, Type::Struct(composite)) => Some(composite.name),
        (_, Type::Fwd(declared)) => Some(declared.name),
        _ => None,
    }
}

/// What is said about the instructions of the extension, by the types of both.
struct Described {
    btf: Btf,
    externs: Vec<Extern>,
    func_info: Vec<FuncInfo>,
    line_info: Vec<LineInfo>,
}

/// The types of both programs.
fn describe(program: &Program, extension: &Program) -> Result<Described, ExtensionError> {
    let mut both = match &program.btf {
        Some(btf) => BtfBuilder::split(Arc::clone(btf)),
        None => BtfBuilder::new(),
    };
    let own = extension.btf.as_deref();
    let shift = own.map_or(0, |own| both.append(own));
    let mut text = |offset| {
        let text = own.and_then(|own| own.str(offset));
        both.string(text.unwrap_or_default())
    };
    let lines = extension.line_info.iter().map(|line| LineInfo {
        file_name_off: text(line.file_name_off),
        line_off: text(line.line_off),
        ..*line
    });
    let line_info = lines.collect();
    let externs = extension.externs.iter().map(|known| Extern {
        type_id: moved(known.type_id, shift),
        ..known.clone()
    });
    let functions = extension.func_info.iter().map(|info| FuncInfo {
        type_id: moved(info.type_id, shift),
        ..*info
    });
    Ok(Described {
        externs: externs.collect(),
        func_info: functions.collect(),
        line_info,
        btf: both.finish().map_err(|source| ExtensionError::Types {
            extension: extension.name.clone(),
            source,
        })?,
    })
}

fn moved(ty: TypeId, shift: u32) -> TypeId {
    match ty {
        TypeId(0) => ty,
        TypeId(id) => TypeId(id.saturating_add(shift)),
    }
}

/// A function on its way into the linked program.
#[derive(Clone, Debug)]
struct Piece {
    /// Whether it is the extension's.
    extends: bool,
    name: String,
    /// Where its instructions are.
    from: Range<u32>,
}

/// Both programs, cut into functions.
struct Joint<'a> {
    pieces: Vec<Piece>,
    program: &'a Program,
    extension: &'a Program,
}

/// The functions of the program, those of the extension in place of the replaced one.
fn pieces(program: &Program, function: &str, extension: &Program) -> Vec<Piece> {
    let piece = |extends, range: &SymbolRange| Piece {
        extends,
        name: range.name.clone(),
        from: range.start.0..range.start.0.saturating_add(range.len),
    };
    let mut pieces = Vec::new();
    for range in &program.functions {
        match range.name == function {
            true => pieces.extend(extension.functions.iter().map(|range| piece(true, range))),
            false => pieces.push(piece(false, range)),
        }
    }
    pieces
}

impl Joint<'_> {
    fn code(&self, piece: &Piece) -> &[Slot] {
        let program = if piece.extends {
            self.extension
        } else {
            self.program
        };
        let range = piece.from.start as usize..piece.from.end as usize;
        program.code.get(range).unwrap_or_default()
    }

    /// The pieces that a piece names, by place, with the slots that name them.
    fn named(&self, piece: &Piece, replaced: &str) -> Vec<(usize, usize)> {
        let slots = self.code(piece).iter().enumerate();
        let named = slots.filter(|(_, slot)| names_function(slot));
        let named = named.filter_map(|(at, slot)| {
            let pc = i64::from(piece.from.start) + at as i64 + 1 + i64::from(slot.imm);
            let start = u32::try_from(pc).ok()?;
            let known =
                |other: &&Piece| other.extends == piece.extends && other.from.start == start;
            let found = self.pieces.iter().position(|other| known(&other));
            // Calls of the replaced function are calls of the extension.
            let gone = || {
                let mut functions = self.program.functions.iter();
                let is = functions.any(|f| f.start.0 == start && f.name == replaced);
                (is && !piece.extends).then(|| self.pieces.iter().position(|p| p.extends))?
            };
            Some((at, found.or_else(gone)?))
        });
        named.collect()
    }

    /// Leaves out functions that nobody calls any more.
    fn drop_unreached(&mut self, replaced: &str) {
        let mut reached = BTreeSet::from([0]);
        let mut left = vec![0];
        while let Some(place) = left.pop() {
            let Some(piece) = self.pieces.get(place) else {
                continue;
            };
            for (_, other) in self.named(piece, replaced) {
                if reached.insert(other) {
                    left.push(other);
                }
            }
        }
        let mut place = 0;
        self.pieces.retain(|_| {
            place += 1;
            reached.contains(&(place - 1))
        });
    }

    /// Where each piece begins.
    fn starts(&self) -> Vec<u32> {
        let mut next = 0;
        let starts = self.pieces.iter().map(|piece| {
            let start = next;
            next += piece.from.end.saturating_sub(piece.from.start);
            start
        });
        starts.collect()
    }

    /// The instructions, with maps, externs and functions by their new numbers.
    fn write(&self, replaced: &str) -> Program {
        let starts = self.starts();
        let mut linked = Program {
            code: Vec::new(),
            functions: Vec::new(),
            ..self.program.clone()
        };
        let maps = self.program.maps.len() as i32;
        let externs = self.program.externs.len() as i32;
        for (piece, start) in self.pieces.iter().zip(&starts) {
            let mut code = self.code(piece).to_vec();
            for (at, other) in self.named(piece, replaced) {
                let (Some(slot), Some(to)) = (code.get_mut(at), starts.get(other)) else {
                    continue;
                };
                let here = i64::from(*start) + at as i64 + 1;
                slot.imm = (i64::from(*to) - here) as i32;
            }
            let mut second = false;
            for slot in code.iter_mut().filter(|_| piece.extends) {
                // The second half of a wide instruction is a number alone.
                if std::mem::take(&mut second) {
                    continue;
                }
                second = slot.opcode == WIDE;
                match (slot.opcode, slot.src) {
                    (WIDE, 5 | 6) => slot.imm = slot.imm.saturating_add(maps),
                    (WIDE, 3) | (CALL, 2) => slot.imm = slot.imm.saturating_add(externs),
                    _ => {}
                }
            }
            linked.functions.push(SymbolRange {
                name: piece.name.clone(),
                start: Pc(*start),
                len: code.len() as u32,
            });
            linked.code.append(&mut code);
        }
        linked
    }

    /// Types and source lines of the instructions.
    fn describe(&self, linked: &mut Program, extension: &Described) {
        linked.func_info.clear();
        linked.line_info.clear();
        for (piece, start) in self.pieces.iter().zip(self.starts()) {
            let here = |pc: Pc| {
                let offset = pc.0.checked_sub(piece.from.start)?;
                piece.from.contains(&pc.0).then_some(Pc(start + offset))
            };
            let (functions, lines) = match piece.extends {
                true => (&extension.func_info, &extension.line_info),
                false => (&self.program.func_info, &self.program.line_info),
            };
            let functions = functions.iter();
            let functions = functions.filter_map(|info| {
                Some(FuncInfo {
                    pc: here(info.pc)?,
                    ..*info
                })
            });
            linked.func_info.extend(functions);
            let lines = lines.iter();
            let lines = lines.filter_map(|line| {
                Some(LineInfo {
                    pc: here(line.pc)?,
                    ..*line
                })
            });
            linked.line_info.extend(lines);
        }
    }
}

/// `ldimm64`, and `call`.
const WIDE: u8 = 0x18;
const CALL: u8 = 0x85;

/// Whether a slot names a function by its distance: a call, or the address of a
/// callback.
fn names_function(slot: &Slot) -> bool {
    (slot.opcode, slot.src) == (CALL, 1) || (slot.opcode, slot.src) == (WIDE, 4)
}
