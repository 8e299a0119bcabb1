//! Oracle 3 against a command: another verifier, asked over its standard input and
//! output.
//!
//! The protocol is that of `ebpf-sim verify --programs -`: a program is one line,
//! a JSON object as `docs/verify.md` has it; the answer is one line too, a JSON
//! object with `verdict` and maybe `message`. Other fields are passed over.
//!
//! | `verdict` | means |
//! |---|---|
//! | `success` | it accepts the program |
//! | `failure` | it refuses it |
//! | `unsupported` | it does not know: nothing is compared |
//!
//! A command that dies of a program, or gives no answer in time, is a finding, and
//! is started anew. One that answers something else is an error: it does not speak
//! the protocol.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde::Deserialize;
use verifier::Verdict;

use super::oracle::config;
use super::{Case, Finding, Oracle, OracleKind, Tally, reproduce};
use crate::CannotAsk;

/// The longest answer that is read.
const LONGEST: u64 = 1 << 20;
/// How much of a wrong answer is shown.
const SHOWN: usize = 80;

/// The class of programs that it gives no answer for in time.
pub(super) const LATE: &str = "no answer there";

/// Our verdict against that of a command.
#[derive(Debug)]
pub struct AgainstCommand {
    command: String,
    patience: Duration,
    running: Option<Running>,
    /// Whether it has ever answered.
    answered: bool,
}

#[derive(Debug)]
struct Running {
    child: Child,
    programs: Sender<String>,
    answers: Receiver<String>,
}

/// Its answer to a program.
#[derive(Debug, Deserialize)]
struct Answer {
    verdict: There,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum There {
    Success,
    Failure,
    Unsupported,
}

/// What came instead of an answer.
enum Silence {
    Late,
    Died(Option<ExitStatus>),
}

impl AgainstCommand {
    /// A command as a shell takes it, which may take so long for one program.
    pub fn new(command: &str, patience: Duration) -> AgainstCommand {
        AgainstCommand {
            command: command.to_owned(),
            patience,
            running: None,
            answered: false,
        }
    }

    fn broken(&self, why: String) -> CannotAsk {
        CannotAsk::Broken {
            what: format!("`{}`", self.command),
            why,
        }
    }

    fn running(&mut self) -> Result<&mut Running, CannotAsk> {
        if self.running.is_none() {
            let running = Running::new(&self.command);
            self.running = Some(running.map_err(|error| self.broken(error.to_string()))?);
        }
        Ok(self.running.as_mut().expect("put there just now"))
    }

    fn ask(&mut self, line: String) -> Result<Result<Answer, Silence>, CannotAsk> {
        let patience = self.patience;
        let running = self.running()?;
        // That it reads no more shows when no answer comes.
        let _ = running.programs.send(line);
        let silence = match running.answers.recv_timeout(patience) {
            Ok(text) => {
                let answer = serde_json::from_str(&text).map_err(|_| {
                    let shown: String = text.chars().take(SHOWN).collect();
                    let expected =
                        "expected {\"verdict\": \"success\"}, `failure` or `unsupported`";
                    self.broken(format!("it answered `{}`; {expected}", shown.trim_end()))
                })?;
                self.answered = true;
                return Ok(Ok(answer));
            }
            Err(RecvTimeoutError::Timeout) => Silence::Late,
            Err(RecvTimeoutError::Disconnected) => Silence::Died(running.status()),
        };
        // The next program gets a new one.
        self.running = None;
        match &silence {
            Silence::Died(status) if !self.answered => {
                let status = ending(*status);
                Err(self.broken(format!("it never answered: {status}")))
            }
            _ => Ok(Err(silence)),
        }
    }
}

fn ending(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "it ended".to_owned(), |status| status.to_string())
}

impl Oracle for AgainstCommand {
    fn kind(&self) -> OracleKind {
        OracleKind::Verdict
    }

    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        let config = config(&case.raw);
        let ours = verifier::verify(&case.raw.program, &config, None);
        tally.ours(&ours);
        let line = reproduce::program(&case.raw).to_string();
        let finding =
            |class: &str, what: String| Some(Finding::new(OracleKind::Verdict, class, what));
        let answer = match self.ask(line)? {
            Ok(answer) => answer,
            Err(Silence::Late) => {
                let seconds = self.patience.as_secs_f64();
                return Ok(finding(LATE, format!("none after {seconds} s")));
            }
            Err(Silence::Died(status)) => {
                return Ok(finding("a crash there", ending(status)));
            }
        };
        tally.asked += 1;
        tally.accepted_there += u64::from(answer.verdict == There::Success);
        let said = answer.message.unwrap_or_default();
        Ok(match (&ours, answer.verdict) {
            (Verdict::Refused(rejection), There::Success) => {
                let (code, reason) = (rejection.reason.code(), &rejection.reason);
                let class = format!("accepted there alone ({code})");
                finding(&class, format!("ours: {reason}"))
            }
            (Verdict::Accepted(_), There::Failure) => {
                finding("accepted by us alone", format!("there: {said}"))
            }
            _ => None,
        })
    }
}

impl Running {
    fn new(command: &str) -> std::io::Result<Running> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        // So that all of it can be ended, whatever the shell has started.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut child = shell.spawn()?;
        let (programs, lines) = channel::<String>();
        let (sender, answers) = channel();
        let input = child.stdin.take();
        let output = child.stdout.take();
        std::thread::spawn(move || {
            let Some(mut input) = input else { return };
            for line in lines {
                if writeln!(input, "{line}")
                    .and_then(|()| input.flush())
                    .is_err()
                {
                    return;
                }
            }
        });
        std::thread::spawn(move || {
            let Some(output) = output else { return };
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = std::io::Read::take(&mut output, LONGEST).read_until(b'\n', &mut line);
                let text = String::from_utf8_lossy(&line).into_owned();
                let is_end = read.map_or(true, |read| read == 0);
                if is_end || sender.send(text).is_err() {
                    return;
                }
            }
        });
        Ok(Running {
            child,
            programs,
            answers,
        })
    }

    /// How it ended, if it has by now.
    fn status(&mut self) -> Option<ExitStatus> {
        // It has closed its output, which it may do before it ends.
        for _ in 0..20 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::families::Seed;
    use crate::fuzz::Mix;

    fn checked(command: &str, programs: u64) -> Vec<Result<Option<Finding>, CannotAsk>> {
        let mut oracle = AgainstCommand::new(command, Duration::from_millis(800));
        let case = |index| Case::new(&Mix::default(), Seed(1), index);
        let check = |index| oracle.check(&case(index), &mut Tally::default());
        (0..programs).map(check).collect()
    }

    fn classes(command: &str, programs: u64) -> Vec<String> {
        let found = checked(command, programs)
            .into_iter()
            .map(|said| said.expect("an answer"));
        found.flatten().map(|finding| finding.class).collect()
    }

    #[test]
    fn verdicts_are_compared() {
        let answering = |verdict: &str| {
            format!("while read line; do echo '{{\"verdict\": \"{verdict}\", \"x\": 1}}'; done")
        };
        let accepted = classes(&answering("success"), 30);
        assert!(!accepted.is_empty());
        for class in accepted {
            assert!(class.starts_with("accepted there alone ("), "{class}");
        }
        let mut refused = classes(&answering("failure"), 30);
        refused.dedup();
        assert_eq!(refused, ["accepted by us alone"]);
        assert!(classes(&answering("unsupported"), 30).is_empty());
    }

    #[test]
    fn who_dies_of_a_program_or_is_late_is_started_anew() {
        let answer = "echo '{\"verdict\": \"unsupported\"}'";
        let dies = format!("read line; {answer}; read line; exit 3");
        assert_eq!(classes(&dies, 4), ["a crash there", "a crash there"]);
        let late = format!("read line; {answer}; read line; sleep 100");
        assert_eq!(classes(&late, 3), ["no answer there"]);
    }

    #[test]
    fn who_does_not_speak_the_protocol() {
        for (command, expected) in [
            ("echo hello", "it answered `hello`"),
            ("exit 7", "it never answered: exit status: 7"),
            (
                "/no/such/verifier 2>/dev/null",
                "it never answered: exit status: 127",
            ),
        ] {
            let said = checked(command, 1).remove(0).expect_err(command);
            assert!(said.to_string().contains(expected), "{said}");
        }
    }
}
