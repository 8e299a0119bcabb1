//! Types as C writes them, for messages: `struct foo *`, `unsigned int[4]`,
//! `int (*)(void *, __u32)`.

use std::fmt;

use crate::{Btf, FuncProto, MAX_DEPTH, Type, TypeId};

/// Parameter lists may fan out; what is beyond this many types is `…`.
const MAX_TYPES: usize = 256;

impl Btf {
    /// The type as C names it.
    pub fn type_name(&self, id: TypeId) -> TypeName<'_> {
        TypeName { btf: self, id }
    }

    /// The declaration of `name` with this type: `char name[16]`.
    pub fn declaration<'a>(&'a self, id: TypeId, name: &'a str) -> Declaration<'a> {
        Declaration {
            btf: self,
            id,
            name,
        }
    }
}

/// Displays a type; made by [`Btf::type_name`].
#[derive(Clone, Copy, Debug)]
pub struct TypeName<'a> {
    btf: &'a Btf,
    id: TypeId,
}

/// Displays a declaration; made by [`Btf::declaration`].
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    btf: &'a Btf,
    id: TypeId,
    name: &'a str,
}

impl fmt::Display for TypeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &Writer {
                btf: self.btf,
                budget: MAX_TYPES,
            }
            .declare(self.id, "", 0),
        )
    }
}

impl fmt::Display for Declaration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &Writer {
                btf: self.btf,
                budget: MAX_TYPES,
            }
            .declare(self.id, self.name, 0),
        )
    }
}

struct Writer<'a> {
    btf: &'a Btf,
    budget: usize,
}

impl Writer<'_> {
    /// Walks from the declared name outwards, as C declarators are read: what
    /// has been written so far is wrapped by each type on the way to the base.
    fn declare(&mut self, mut id: TypeId, name: &str, depth: usize) -> String {
        let mut declarator = name.to_owned();
        // Qualifiers of what comes next: of the pointer, or of the base.
        let mut qualifiers = String::new();
        for _ in 0..MAX_DEPTH {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            let Some(ty) = self.btf.ty(id) else { break };
            match ty {
                Type::Const(_) => qualifiers.push_str("const "),
                Type::Volatile(_) => qualifiers.push_str("volatile "),
                Type::Restrict(_) => qualifiers.push_str("restrict "),
                // A tag does not change what C prints.
                Type::TypeTag(_) => {}
                Type::Ptr(_) => {
                    let space = if declarator.is_empty() {
                        qualifiers.trim_end()
                    } else {
                        &qualifiers
                    };
                    declarator = format!("*{space}{declarator}");
                    qualifiers.clear();
                }
                Type::Array(array) => {
                    declarator = format!("{}[{}]", parenthesised(declarator), array.len);
                    id = array.elem;
                    continue;
                }
                Type::FuncProto(proto) => {
                    let params = self.params(proto, depth);
                    declarator = format!("{}({params})", parenthesised(declarator));
                    id = proto.ret;
                    continue;
                }
                Type::Func(func) => {
                    declarator = func.name.to_owned();
                }
                Type::Var(var) => {
                    declarator = var.name.to_owned();
                }
                _ => return join(&qualifiers, &base_name(&ty), &declarator),
            }
            match ty.target() {
                Some(target) => id = target,
                None => break,
            }
        }
        join(&qualifiers, "…", &declarator)
    }

    fn params(&mut self, proto: FuncProto<'_>, depth: usize) -> String {
        if proto.is_empty() {
            return "void".to_owned();
        }
        if depth >= MAX_DEPTH {
            return "…".to_owned();
        }
        let mut out = String::new();
        for (i, param) in proto.params().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            if self.budget == 0 {
                out.push('…');
                break;
            }
            if param.ty == TypeId::VOID {
                out.push_str("...");
            } else {
                out.push_str(&self.declare(param.ty, param.name, depth + 1));
            }
        }
        out
    }
}

fn base_name(ty: &Type<'_>) -> String {
    let tag = |word: &str, name: &str| {
        let name = if name.is_empty() { "<anonymous>" } else { name };
        format!("{word} {name}")
    };
    match ty {
        Type::Void => "void".to_owned(),
        Type::Struct(t) => tag("struct", t.name),
        Type::Union(t) => tag("union", t.name),
        Type::Enum(t) | Type::Enum64(t) => tag("enum", t.name),
        Type::Fwd(t) => tag(if t.union { "union" } else { "struct" }, t.name),
        Type::Datasec(t) => tag("section", t.name),
        Type::DeclTag(t) => format!("btf_decl_tag(\"{}\")", t.name),
        _ => ty.name().to_owned(),
    }
}

/// Arrays and functions bind tighter than `*`.
fn parenthesised(declarator: String) -> String {
    if declarator.starts_with('*') {
        format!("({declarator})")
    } else {
        declarator
    }
}

fn join(qualifiers: &str, base: &str, declarator: &str) -> String {
    let space = if declarator.is_empty() || declarator.starts_with('[') {
        ""
    } else {
        " "
    };
    format!("{qualifiers}{base}{space}{declarator}")
}
