//! Who runs the programs: the interpreter or compiled code.
//!
//! Both give the same answers, the numbers of instructions included: code that is
//! compiled here counts them.

use abi::Proven;
use jit::{Compiled, Mode, Options, Proof};
use vm::Machine;

use crate::{Host, ObjectId, Simulator};

/// Who is to run the programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Compiled code where there can be any, otherwise the interpreter.
    Auto,
    /// Compiled code.
    Jit,
    /// The interpreter.
    #[default]
    Interpreter,
}

/// Who does.
#[derive(Debug)]
pub enum Runs {
    /// Compiled code.
    Compiled(Mode),
    /// The interpreter, as was asked for.
    Interpreted,
    /// The interpreter, since there can be no compiled code.
    Instead(jit::Error),
}

impl Simulator {
    /// Chooses who runs the programs, as [`Host::set_engine`] does; `verified` are
    /// names of programs.
    ///
    /// # Errors
    ///
    /// For [`Engine::Jit`], why there can be no compiled code; the interpreter
    /// runs then.
    pub fn set_engine(
        &mut self,
        engine: Engine,
        verified: &[(String, Proven)],
    ) -> Result<Runs, jit::Error> {
        self.set_engine_seen(engine, verified, |_| ())
    }

    /// As [`Self::set_engine`]; shows the compiled code before it runs, if there is
    /// any.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_engine_seen(
        &mut self,
        engine: Engine,
        verified: &[(String, Proven)],
        see: impl FnOnce(&Compiled),
    ) -> Result<Runs, jit::Error> {
        let known = verified.iter();
        let known = known.map(|(name, proven)| (ObjectId(0), name.as_str(), proven));
        let verified: Vec<_> = known.collect();
        self.host_mut().set_engine_seen(engine, &verified, see)
    }
}

impl Host {
    /// Chooses who runs the programs that are loaded from now on; at first it is
    /// the interpreter.
    ///
    /// `verified` are names of programs that a verifier has accepted, and what it
    /// found to hold of them. When they are all that are loaded, compiled code is
    /// [sandboxed](Mode::Sandboxed), which takes a signal handler; otherwise, and
    /// where the handler cannot be installed, every access is
    /// [checked](Mode::Checked).
    ///
    /// # Errors
    ///
    /// For [`Engine::Jit`], why there can be no compiled code; the interpreter
    /// runs then.
    pub fn set_engine(
        &mut self,
        engine: Engine,
        verified: &[(ObjectId, &str, &Proven)],
    ) -> Result<Runs, jit::Error> {
        self.set_engine_seen(engine, verified, |_| ())
    }

    /// As [`Self::set_engine`]; shows the compiled code before it runs, if there is
    /// any.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_engine_seen(
        &mut self,
        engine: Engine,
        verified: &[(ObjectId, &str, &Proven)],
        see: impl FnOnce(&Compiled),
    ) -> Result<Runs, jit::Error> {
        self.machine_mut().set_engine(None);
        if engine == Engine::Interpreter {
            return Ok(Runs::Interpreted);
        }
        let compiled = match self.compile(Mode::Sandboxed, verified) {
            Some(Ok(compiled)) => Ok((Mode::Sandboxed, compiled)),
            _ => {
                let compiled = Compiled::new(self.machine_mut(), &Options::default());
                compiled.map(|compiled| (Mode::Checked, compiled))
            }
        };
        match compiled {
            Ok((mode, compiled)) => {
                see(&compiled);
                self.machine_mut().set_engine(Some(Box::new(compiled)));
                Ok(Runs::Compiled(mode))
            }
            Err(error) if engine == Engine::Auto => Ok(Runs::Instead(error)),
            Err(error) => Err(error),
        }
    }

    /// `None` when some of the programs were not verified.
    fn compile(
        &mut self,
        mode: Mode,
        verified: &[(ObjectId, &str, &Proven)],
    ) -> Option<Result<Compiled, jit::Error>> {
        let programs = self.objects.iter().map(|o| o.instance.programs.len());
        let programs: usize = programs.sum();
        let options = Options {
            mode,
            ..Options::default()
        };
        self.with_proofs(verified, |machine, proofs| {
            let all = proofs.len() == programs;
            all.then(|| Compiled::with_proofs(machine, &options, proofs))
        })
    }

    /// Hands on the machine, and what holds of those of its programs that are among
    /// the verified ones, as a compiler wants it.
    pub fn with_proofs<T>(
        &mut self,
        verified: &[(ObjectId, &str, &Proven)],
        to: impl FnOnce(&mut Machine, &[Proof<'_>]) -> T,
    ) -> T {
        let mut proofs = Vec::new();
        for (object, loaded) in self.objects.iter().enumerate() {
            for program in &loaded.instance.programs {
                let name = self.machine.program_name(*program);
                let mut known = verified.iter();
                let known = known.find(|(of, known, _)| of.0 == object && Some(*known) == name);
                proofs.extend(known.map(|(.., proven)| Proof {
                    program: *program,
                    proven,
                    maps: &loaded.instance.maps,
                }));
            }
        }
        to(&mut self.machine, &proofs)
    }
}
