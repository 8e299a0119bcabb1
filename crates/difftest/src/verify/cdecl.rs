//! C declarations to BTF: just enough for a person to give a text program types.
//!
//! ```
//! let mut types = difftest::verify::Declarations::new();
//! types.read("struct elem { struct bpf_spin_lock lock; u32 n[3]; };")?;
//! let function = types.read("static int main(struct xdp_md *ctx)")?;
//! assert!(matches!(function, difftest::verify::Declared::Function(_)));
//! # Ok::<(), difftest::verify::DeclaredError>(())
//! ```
//!
//! One declaration at a time: `struct NAME { … };` with members of scalar, struct,
//! array and pointer type, or a function's signature. A pointer in a struct may
//! have a tag before its name (`struct task_struct *__kptr p`), as may an argument
//! (`int *p __arg_nonnull`). A struct that is not declared is known by name alone,
//! but for those of Linux that live in map values, which have their size.

use std::collections::HashMap;

use btf::build::{BtfBuilder, Encoding, MemberDef};
use btf::{Btf, Kind, Linkage, TypeId};

/// Types as they are declared.
#[derive(Debug)]
pub struct Declarations {
    build: BtfBuilder,
    names: HashMap<String, Sized>,
    empty: bool,
}

/// What a declaration made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// A struct.
    Type(TypeId),
    /// A function.
    Function(TypeId),
}

/// Why a text is no declaration that is understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: expected {expected}, found `{found}`")]
pub struct DeclaredError {
    text: String,
    expected: &'static str,
    found: String,
}

/// A type with what a layout takes.
#[derive(Clone, Copy, Debug)]
struct Sized {
    id: TypeId,
    size: u32,
    align: u32,
}

/// Scalars: name, bytes, whether signed.
const SCALARS: &[(&str, u32, Encoding)] = &[
    ("char", 1, Encoding::Signed),
    ("u8", 1, Encoding::Unsigned),
    ("s8", 1, Encoding::Signed),
    ("bool", 1, Encoding::Bool),
    ("u16", 2, Encoding::Unsigned),
    ("s16", 2, Encoding::Signed),
    ("int", 4, Encoding::Signed),
    ("u32", 4, Encoding::Unsigned),
    ("s32", 4, Encoding::Signed),
    ("long", 8, Encoding::Signed),
    ("u64", 8, Encoding::Unsigned),
    ("s64", 8, Encoding::Signed),
];

/// Linux's structs that live in map values or on the stack: name, the size of
/// their words, how many.
const LINUX: &[(&str, u32, u32)] = &[
    ("bpf_spin_lock", 4, 1),
    ("bpf_res_spin_lock", 4, 1),
    ("bpf_timer", 8, 2),
    ("bpf_wq", 8, 2),
    ("bpf_list_head", 8, 2),
    ("bpf_list_node", 8, 3),
    ("bpf_rb_root", 8, 2),
    ("bpf_rb_node", 8, 4),
    ("bpf_refcount", 4, 1),
    ("bpf_dynptr", 8, 2),
    ("bpf_iter_num", 8, 1),
];

impl Default for Declarations {
    fn default() -> Declarations {
        Declarations::new()
    }
}

impl Declarations {
    /// Nothing declared.
    pub fn new() -> Declarations {
        Declarations {
            build: BtfBuilder::new(),
            names: HashMap::new(),
            empty: true,
        }
    }

    /// Takes one declaration.
    ///
    /// # Errors
    ///
    /// Where it is not understood.
    pub fn read(&mut self, text: &str) -> Result<Declared, DeclaredError> {
        self.empty = false;
        let mut reader = Reader {
            text,
            tokens: tokens(text),
            at: 0,
        };
        match reader.is_struct() {
            true => self.structure(&mut reader).map(Declared::Type),
            false => self.function(&mut reader).map(Declared::Function),
        }
    }

    /// The type of this name, made if need be: a scalar or a struct.
    pub fn named(&mut self, name: &str) -> Option<TypeId> {
        self.empty = false;
        self.scalar(name)
            .or_else(|| self.names.get(&format!("struct {name}")).copied())
            .or_else(|| self.of_linux(name))
            .map(|found| found.id)
    }

    /// All of them, with texts for `line_info`; `None` when there are none.
    ///
    /// # Errors
    ///
    /// What the parser of BTF finds wrong.
    pub fn finish(&self) -> Result<Option<Btf>, btf::Error> {
        match self.empty {
            true => Ok(None),
            false => self.build.finish().map(Some),
        }
    }

    /// The offset of a text in the string table, where it is put if need be.
    pub fn string(&mut self, text: &str) -> u32 {
        self.empty = false;
        self.build.string(text)
    }

    fn scalar(&mut self, name: &str) -> Option<Sized> {
        if let Some(known) = self.names.get(name) {
            return Some(*known);
        }
        let &(_, size, encoding) = SCALARS.iter().find(|(scalar, ..)| *scalar == name)?;
        let id = self.build.int(name, size, encoding);
        let made = Sized {
            id,
            size,
            align: size,
        };
        self.names.insert(name.to_owned(), made);
        Some(made)
    }

    fn of_linux(&mut self, name: &str) -> Option<Sized> {
        let &(_, word, count) = LINUX.iter().find(|(known, ..)| *known == name)?;
        let word_type = self.scalar(if word == 4 { "u32" } else { "u64" })?;
        let member = match count {
            1 => word_type.id,
            _ => self.build.array(word_type.id, count),
        };
        let size = word * count;
        let members = [MemberDef::from(("opaque", member, 0))];
        let id = self.build.struct_(name, size, &members);
        let made = Sized {
            id,
            size,
            align: word,
        };
        self.names.insert(format!("struct {name}"), made);
        Some(made)
    }

    fn structure(&mut self, reader: &mut Reader<'_>) -> Result<TypeId, DeclaredError> {
        reader.expect("struct")?;
        let name = reader.word("a name")?;
        reader.expect("{")?;
        let mut members: Vec<(String, TypeId, u32)> = Vec::new();
        let (mut size, mut align) = (0u32, 1);
        while !reader.take("}") {
            let base = self.pointed(reader)?;
            let member = reader.word("a member's name")?;
            let ty = self.arrays(reader, base)?;
            reader.expect(";")?;
            let offset = size.next_multiple_of(ty.align.max(1));
            members.push((member.to_owned(), ty.id, offset.saturating_mul(8)));
            size = offset.saturating_add(ty.size);
            align = align.max(ty.align);
        }
        let size = size.next_multiple_of(align);
        let defs: Vec<MemberDef<'_>> = members
            .iter()
            .map(|(name, ty, bits)| MemberDef::from((name.as_str(), *ty, *bits)))
            .collect();
        let id = self.build.struct_(name, size, &defs);
        let made = Sized { id, size, align };
        self.names.insert(format!("struct {name}"), made);
        Ok(id)
    }

    fn function(&mut self, reader: &mut Reader<'_>) -> Result<TypeId, DeclaredError> {
        let linkage = match reader.take("static") {
            true => Linkage::Static,
            false => Linkage::Global,
        };
        let ret = self.pointed(reader)?;
        let name = reader.word("a function's name")?;
        reader.expect("(")?;
        let mut params: Vec<(&str, TypeId)> = Vec::new();
        let mut tags: Vec<(u32, String)> = Vec::new();
        if reader.peek_two("void", ")") {
            reader.expect("void")?;
        }
        while !reader.take(")") {
            if !params.is_empty() {
                reader.expect(",")?;
            }
            let ty = self.pointed(reader)?;
            let name = reader.word("a parameter's name")?;
            while let Some(tag) = reader.tag("__arg_") {
                tags.push((params.len() as u32, format!("arg:{tag}")));
            }
            params.push((name, ty.id));
        }
        let proto = self.build.func_proto(ret.id, &params);
        let id = self.build.func(name, proto, linkage);
        for (param, tag) in tags {
            self.build.decl_tag(&tag, id, Some(param));
        }
        Ok(id)
    }

    /// A type with its stars.
    fn pointed(&mut self, reader: &mut Reader<'_>) -> Result<Sized, DeclaredError> {
        let constant = reader.take("const");
        let mut ty = self.base(reader)?;
        if constant {
            ty.id = self.build.alias(Kind::Const, "", ty.id);
        }
        while reader.take("*") {
            if let Some(tag) = reader.tag("__") {
                ty.id = self.build.alias(Kind::TypeTag, &tag, ty.id);
            }
            ty = Sized {
                id: self.build.ptr(ty.id),
                size: 8,
                align: 8,
            };
        }
        Ok(ty)
    }

    fn base(&mut self, reader: &mut Reader<'_>) -> Result<Sized, DeclaredError> {
        if !reader.take("struct") {
            let name = reader.word("a type")?;
            let void = Sized {
                id: TypeId::VOID,
                size: 0,
                align: 1,
            };
            return match (name, self.scalar(name)) {
                ("void", _) => Ok(void),
                (_, Some(scalar)) => Ok(scalar),
                _ => reader.error("a type, such as u32", name),
            };
        }
        let name = reader.word("a struct's name")?;
        let key = format!("struct {name}");
        if let Some(known) = self
            .names
            .get(&key)
            .copied()
            .or_else(|| self.of_linux(name))
        {
            return Ok(known);
        }
        let made = Sized {
            // Linux wants what a kernel pointer points to defined, not declared.
            id: self.build.struct_(name, 0, &[]),
            size: 0,
            align: 1,
        };
        self.names.insert(key, made);
        Ok(made)
    }

    fn arrays(&mut self, reader: &mut Reader<'_>, of: Sized) -> Result<Sized, DeclaredError> {
        let mut ty = of;
        while reader.take("[") {
            let text = reader.word("a number")?;
            let Ok(count) = text.parse() else {
                return reader.error("a number", text);
            };
            reader.expect("]")?;
            ty = Sized {
                id: self.build.array(ty.id, count),
                size: ty.size.saturating_mul(count),
                align: ty.align,
            };
        }
        Ok(ty)
    }
}

/// Words and signs, in order.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        found.push(token);
        rest = after.trim_start();
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<&'a str>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).copied().unwrap_or("")
    }

    fn peek_two(&self, one: &str, two: &str) -> bool {
        self.peek(0) == one && self.peek(1) == two
    }

    /// Whether a struct is declared, rather than a function that returns one.
    fn is_struct(&self) -> bool {
        self.peek(0) == "struct" && self.peek(2) == "{"
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.peek(0) == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &'static str) -> Result<(), DeclaredError> {
        match self.take(token) {
            true => Ok(()),
            false => self.error(token, self.peek(0)),
        }
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, DeclaredError> {
        let word = self.peek(0);
        let is_word = word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        match is_word {
            true => {
                self.at += 1;
                Ok(word)
            }
            false => self.error(expected, word),
        }
    }

    /// What follows `start` in the next word, if it begins so.
    fn tag(&mut self, start: &str) -> Option<String> {
        let tag = self.peek(0).strip_prefix(start)?.to_owned();
        self.at += 1;
        Some(tag)
    }

    fn error<T>(&self, expected: &'static str, found: &str) -> Result<T, DeclaredError> {
        Err(DeclaredError {
            text: self.text.to_owned(),
            expected,
            found: found.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_is_laid_out_as_in_c() {
        let mut types = Declarations::new();
        let text = "struct v { u8 a; struct bpf_spin_lock lock; struct bpf_timer t; \
                    u16 b[3]; struct task_struct *__kptr p; };";
        let Ok(Declared::Type(id)) = types.read(text) else {
            panic!("not read");
        };
        let btf = types.finish().expect("BTF").expect("types");
        let Some(btf::Type::Struct(v)) = btf.ty(id) else {
            panic!("no struct");
        };
        let members: Vec<_> = v.members().map(|m| (m.name, m.bit_offset / 8)).collect();
        let expected = [("a", 0), ("lock", 4), ("t", 8), ("b", 24), ("p", 32)];
        assert_eq!(members, expected);
        assert_eq!(btf.size_of(id), Some(40));
        assert!(btf.find("kptr", Kind::TypeTag).is_some());
    }

    #[test]
    fn functions_have_linkage_and_tags() {
        let mut types = Declarations::new();
        types.read("int main(struct xdp_md *ctx)").expect("main");
        types
            .read("static long cb(u64 i, void *ctx);")
            .expect("a callback");
        types
            .read("int f(int *p __arg_nonnull, const char *s)")
            .expect("a global");
        types.read("int g(void)").expect("no parameters");
        let btf = types.finish().expect("BTF").expect("types");
        let linkage = |name| match btf.find(name, Kind::Func).map(|id| btf.ty(id)) {
            Some(Some(btf::Type::Func(func))) => func.linkage,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(linkage("main"), Linkage::Global);
        assert_eq!(linkage("cb"), Linkage::Static);
        assert!(btf.find("arg:nonnull", Kind::DeclTag).is_some());
    }

    #[test]
    fn what_is_not_understood() {
        for text in ["", "struct", "struct a { foo b; };", "int f(", "u8 x", "é"] {
            assert!(Declarations::new().read(text).is_err(), "{text}");
        }
    }
}
