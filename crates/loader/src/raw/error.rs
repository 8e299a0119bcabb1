//! What can be wrong with a raw program.

/// Why a line is no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", field_prefix(field))]
pub struct RawError {
    /// The field, such as `maps.flows.type`; empty for the line as a whole.
    pub field: String,
    /// What is wrong with it.
    pub fault: RawFault,
}

fn field_prefix(field: &str) -> String {
    match field {
        "" | "." | "?" => String::new(),
        field => format!("{field}: "),
    }
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawFault {
    /// It is no JSON, or not of the form.
    #[error("{message}")]
    Json {
        /// What serde says, with the column.
        message: String,
    },
    /// A text that is not what is wanted there.
    #[error("`{found}` is not {expected}")]
    Value {
        /// The text, or its beginning.
        found: String,
        /// What is wanted.
        expected: &'static str,
    },
    /// Records that do not fill their bytes.
    #[error("{len} bytes are no whole number of {each}")]
    Size {
        /// How many there are.
        len: usize,
        /// What they should be.
        each: &'static str,
    },
    /// Bytes that are no BTF.
    #[error(transparent)]
    Btf(#[from] btf::Error),
    /// An instruction names a map that is not there.
    #[error("there is no map {name}")]
    NoMap {
        /// The name.
        name: String,
    },
    /// A kernel BTF id for which neither the line nor the kernel's types have a
    /// name.
    #[error("kernel BTF id {id} has no name: list it in `externs`")]
    NoName {
        /// The id.
        id: i32,
    },
}

impl RawError {
    pub(super) fn new(field: impl Into<String>, fault: RawFault) -> RawError {
        let field = field.into();
        RawError { field, fault }
    }

    /// A text that is not `expected`.
    pub(super) fn value(
        field: impl Into<String>,
        found: impl ToString,
        expected: &'static str,
    ) -> RawError {
        /// As much as a person wants to see of a long text.
        const SHOWN: usize = 40;
        let found = found.to_string();
        let found = match found.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &found[..end]),
            None => found,
        };
        RawError::new(field, RawFault::Value { found, expected })
    }

    pub(super) fn json(error: serde_path_to_error::Error<serde_json::Error>) -> RawError {
        let field = error.path().to_string();
        let message = error.inner().to_string();
        RawError::new(field, RawFault::Json { message })
    }

    /// Something stands behind the object.
    pub(super) fn after(error: serde_json::Error) -> RawError {
        let message = error.to_string();
        RawError::new("", RawFault::Json { message })
    }
}
