//! The command line. See `lienthong help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lienthong::cli::main()
}
