//! The solvers: bitwuzla and z3, behind one Python program (`solve.py`) that runs
//! as long as there are lemmas.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::lemma::Lemma;
use crate::error::Error;
use crate::files;

/// The packages, at the releases that the times in docs/proofs.md are of.
const PACKAGES: [&str; 2] = ["bitwuzla==0.9.1", "z3-solver==5.4.1.0"];

/// Who tries a lemma, one after the other, for how many seconds.
const BIT_VECTORS: [(&str, u32); 4] =
    [("bitwuzla", 10), ("z3", 20), ("bitwuzla", 120), ("z3", 120)];
const INTEGERS: [(&str, u32); 1] = [("z3", 120)];

/// The value of each input in a counterexample.
pub(crate) type Values = HashMap<String, u64>;

/// What a solver says of a lemma.
pub(crate) enum Answer {
    Proved,
    Refuted(Values),
    Unknown,
}

/// What came of a lemma.
pub(crate) struct Attempt {
    pub(crate) answer: Answer,
    /// The solver that answered, or the last one that did not.
    pub(crate) solver: &'static str,
    /// Processor time, of those that gave up too.
    pub(crate) seconds: f64,
}

/// Makes the virtual environment if there is none; its Python.
pub(crate) fn install() -> Result<PathBuf, Error> {
    let environment = files::root().join("target/prove/python");
    let python = environment.join("bin/python");
    let mark = environment.join("installed");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    println!(
        "installing {} into target/prove/python",
        PACKAGES.join(", ")
    );
    let made = Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&environment)
        .status();
    Error::unless_ok("python3 -m venv", "target/prove/python", made).map_err(no_solvers)?;
    let installed = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(PACKAGES)
        .status();
    Error::unless_ok("pip install", &PACKAGES.join(" "), installed).map_err(no_solvers)?;
    fs::write(&mark, wanted).map_err(Error::file(&mark))?;
    Ok(python)
}

fn no_solvers(error: Error) -> Error {
    Error::NoSolvers(Box::new(error))
}

/// A running `solve.py`.
pub(crate) struct Solver {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Solver {
    pub(crate) fn start(python: &Path) -> Result<Solver, Error> {
        let script = files::root().join("xtask/src/prove/solve.py");
        let mut child = Command::new(python)
            .arg("-u")
            .arg(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::file(python))?;
        let input = child.stdin.take().expect("its input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        Ok(Solver {
            child,
            input,
            output,
        })
    }

    /// Tries one solver after the other.
    pub(crate) fn solve(&mut self, lemma: &Lemma) -> Result<Attempt, Error> {
        let attempts = match lemma.is_integers {
            true => &INTEGERS[..],
            false => &BIT_VECTORS[..],
        };
        let mut attempt = Attempt {
            answer: Answer::Unknown,
            solver: "nothing",
            seconds: 0.0,
        };
        for (solver, limit) in attempts {
            let (answer, seconds) = self
                .ask(solver, *limit, lemma)
                .map_err(Error::file(&lemma.path))?;
            attempt.solver = solver;
            attempt.seconds += seconds;
            attempt.answer = answer;
            if !matches!(attempt.answer, Answer::Unknown) {
                break;
            }
        }
        Ok(attempt)
    }

    fn ask(&mut self, solver: &str, limit: u32, lemma: &Lemma) -> io::Result<(Answer, f64)> {
        writeln!(self.input, "{solver} {limit} {}", lemma.path.display())?;
        self.input.flush()?;
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err(io::Error::other(format!("{solver} ended: {said}")));
            }
            if let Some(seconds) = line.strip_prefix("; ") {
                let answer = read_answer(&said, &lemma.inputs);
                return Ok((answer, seconds.trim().parse().unwrap_or_default()));
            }
            said += &line;
        }
    }
}

impl Drop for Solver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_answer(said: &str, inputs: &[(String, u32)]) -> Answer {
    match said.split_whitespace().next() {
        Some("unsat") => Answer::Proved,
        Some("sat") => Answer::Refuted(read_values(said, inputs)),
        _ => Answer::Unknown,
    }
}

/// `((name #x0f) (name #b1) (name 5) (name (- 5)))`. Over the integers a name has
/// a `.u` or `.s`, for how it is read.
fn read_values(said: &str, inputs: &[(String, u32)]) -> Values {
    let words: Vec<&str> = said
        .split(|c: char| c.is_whitespace() || c == '(' || c == ')')
        .filter(|word| !word.is_empty())
        .collect();
    let mut values = Values::new();
    for (name, width) in inputs {
        let is_it = |word: &&str| {
            *word == name || word.strip_suffix(".u").or(word.strip_suffix(".s")) == Some(name)
        };
        let Some(place) = words.iter().position(is_it) else {
            continue;
        };
        let value = match words.get(place + 1..).unwrap_or_default() {
            ["-", number, ..] => number.parse::<u64>().unwrap_or_default().wrapping_neg(),
            [number, ..] => read_number(number),
            [] => 0,
        };
        let ones = u64::MAX >> (64 - width);
        values.insert(name.clone(), value & ones);
    }
    values
}

fn read_number(number: &str) -> u64 {
    let (digits, radix) = match (number.strip_prefix("#x"), number.strip_prefix("#b")) {
        (Some(digits), _) => (digits, 16),
        (_, Some(digits)) => (digits, 2),
        _ => (number, 10),
    };
    u64::from_str_radix(digits, radix).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counterexamples_of_both_solvers_are_read() {
        let inputs = [
            ("a.umin".to_owned(), 64),
            ("x".to_owned(), 8),
            ("y".to_owned(), 8),
        ];
        let said = "sat\n((a.umin #x00000000000000ff)\n (x #b00000011))";
        let Answer::Refuted(values) = read_answer(said, &inputs) else {
            panic!("a counterexample");
        };
        assert_eq!((values["a.umin"], values["x"]), (255, 3));
        let values = read_values("sat\n((x.s (- 2)) (y.u 7))", &inputs);
        assert_eq!((values["x"], values["y"]), (254, 7));
        assert!(matches!(read_answer("unsat\n", &inputs), Answer::Proved));
        assert!(matches!(read_answer("timeout\n", &inputs), Answer::Unknown));
    }
}
