//! What an object declares besides code: maps, variables, externs.

use btf::Btf;

use crate::btf_maps;
use crate::code::Code;
use crate::elf::Elf;
use crate::error::Error;
use crate::externs::{self, Externs};
use crate::globals::{self, Global};
use crate::kconfig;
use crate::legacy_maps;
use crate::maps::Maps;
use crate::note::Note;
use crate::options::Options;
use crate::struct_ops;
use crate::types;

/// The declarations of an object.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) maps: Maps,
    pub(crate) kconfig: kconfig::Variables,
    pub(crate) globals: Vec<Global>,
    pub(crate) externs: Externs,
}

impl Declared {
    /// Reads the declarations in libbpf's order, which numbers the maps, and
    /// completes the layout of `btf`.
    pub(crate) fn read(
        elf: &Elf<'_>,
        btf: Option<&mut Btf>,
        code: &Code,
        options: &Options,
        notes: &mut Vec<Note>,
    ) -> Result<Declared, Error> {
        let mut declared = Declared::default();
        match btf {
            Some(btf) => declared.read_typed(elf, btf, code, options, notes)?,
            None => declared.read_untyped(elf, options, notes)?,
        }
        Ok(declared)
    }

    fn read_typed(
        &mut self,
        elf: &Elf<'_>,
        btf: &mut Btf,
        code: &Code,
        options: &Options,
        notes: &mut Vec<Note>,
    ) -> Result<(), Error> {
        self.externs = externs::collect(elf, btf, |name| options.present.contains(name))
            .map_err(|(name, what)| Error::Kconfig { name, what })?;
        types::lay_out(elf, btf, &self.externs);
        legacy_maps::read(elf, Some(btf), &mut self.maps, notes)?;
        let defined = btf_maps::read(elf, btf, &mut self.maps)?;
        btf_maps::read_values(elf, &defined, &mut self.maps, &code.by_place())?;
        globals::read(
            elf,
            Some(btf),
            &options.name,
            &mut self.maps,
            &mut self.globals,
        )?;
        self.kconfig = kconfig::read(
            btf,
            options,
            &self.externs,
            &mut self.maps,
            &mut self.globals,
        )?;
        struct_ops::read(elf, btf, &mut self.maps)
    }

    fn read_untyped(
        &mut self,
        elf: &Elf<'_>,
        options: &Options,
        notes: &mut Vec<Note>,
    ) -> Result<(), Error> {
        legacy_maps::read(elf, None, &mut self.maps, notes)?;
        if elf.section(btf_maps::SECTION).is_some() {
            let needed_by = "the maps in section '.maps'";
            return Err(Error::NoBtf { needed_by });
        }
        globals::read(elf, None, &options.name, &mut self.maps, &mut self.globals)
    }
}
