//! Programs of others in Python that tests start: each serves on a free port, and ends with the test.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

/// A package for Python that `scripts/test` installs.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Its folder under `target/tools`.
    pub name: &'static str,
    /// The variable that names another Python that has it.
    pub variable: &'static str,
}

impl Package {
    /// The Python that has it.
    #[expect(
        clippy::disallowed_methods,
        reason = "where a tool of the tests is, is asked of whoever runs them"
    )]
    pub fn python(self) -> PathBuf {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
        std::env::var_os(self.variable).map_or(tools.join(self.name).join("bin/python"), PathBuf::from)
    }

    /// Starts a program that says its port on its first line. Panics where the package is not there: a test that needs it has
    /// then failed.
    pub fn start(self, program: &str) -> Tool {
        let python = self.python();
        let missing = || -> ! {
            panic!(
                "{} is not there: {} cannot be started. Install it with ./scripts/test --tools, or name a Python that \
                 has it in {}",
                self.name,
                python.display(),
                self.variable
            )
        };
        let started = Command::new(&python)
            .args(["-W", "ignore", "-c", program])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        let Ok(mut process) = started else { missing() };
        let mut said = BufReader::new(process.stdout.take().expect("it was asked for"));
        let mut line = String::new();
        said.read_line(&mut line).expect("its output can be read");
        let Ok(port) = line.trim().parse() else { missing() };
        Tool { process, said, port }
    }
}

/// A program that runs.
pub struct Tool {
    process: Child,
    said: BufReader<ChildStdout>,
    /// Where it listens, on this machine alone.
    pub port: u16,
}

impl Tool {
    /// Adds the next line that it says to others. Panics where it has ended.
    pub fn hear(&mut self, lines: &mut String) {
        let read = self.said.read_line(lines).expect("its output can be read");
        assert!(read > 0, "it has ended");
    }

    /// Ends it; adds what it has said since.
    pub fn close(mut self, lines: &mut String) {
        self.end();
        self.said.read_to_string(lines).expect("its output can be read");
    }

    fn end(&mut self) {
        // Both fail where it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        self.end();
    }
}
