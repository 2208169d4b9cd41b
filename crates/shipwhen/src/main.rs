//! The `shipwhen` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    shipwhen::main()
}
