//! Who runs the programs: the interpreter or compiled code.
//!
//! Both give the same answers, the numbers of instructions included: compiled
//! code counts here unless it is told not to.

use crate::Simulator;

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
    Compiled,
    /// The interpreter, as was asked for.
    Interpreted,
    /// The interpreter, since there can be no compiled code.
    Instead(jit::Error),
}

impl Simulator {
    /// Chooses who runs programs from now on, all that are loaded; at first it is
    /// the interpreter. `options` say how they are compiled.
    ///
    /// Only programs that a verifier has accepted, all of them, should be compiled
    /// otherwise than with every access checked, which is the default of
    /// [`jit::Options`]: their mistakes would not be found.
    ///
    /// # Errors
    ///
    /// Why there can be no compiled code, for [`Engine::Jit`]; the interpreter
    /// runs then.
    pub fn set_engine(
        &mut self,
        engine: Engine,
        options: &jit::Options,
    ) -> Result<Runs, jit::Error> {
        let machine = self.machine_mut();
        machine.set_engine(None);
        if engine == Engine::Interpreter {
            return Ok(Runs::Interpreted);
        }
        match jit::Compiled::new(machine, options) {
            Ok(compiled) => {
                machine.set_engine(Some(Box::new(compiled)));
                Ok(Runs::Compiled)
            }
            Err(error) if engine == Engine::Auto => Ok(Runs::Instead(error)),
            Err(error) => Err(error),
        }
    }
}
