//! Exit codes: what a script can tell from how the program ended. A change here breaks scripts.

use crate::diagnostic::ErrorClass;
use std::process::ExitCode;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; also when nothing matched.
    Done,
    /// The environment failed: disk, permission, network.
    Environment,
    /// The command line is wrong.
    Usage,
    /// The input is bad: a corrupt file, a checksum that differs, an unknown column.
    Input,
    /// AWS refused, or can't be reached.
    Aws,
    /// Finished, but some data files (`--keep-going`), jobs or tasks failed.
    Partly,
    /// A fault of the program itself, to be reported.
    Fault,
    /// Interrupted by Ctrl-C or a signal to end.
    Interrupted,
}

impl From<ErrorClass> for Exit {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Environment => Self::Environment,
            ErrorClass::Usage => Self::Usage,
            ErrorClass::Input => Self::Input,
            ErrorClass::Aws => Self::Aws,
            ErrorClass::Fault => Self::Fault,
            ErrorClass::Interrupted => Self::Interrupted,
        }
    }
}

impl Exit {
    /// The number, as documented in `docs/exit-codes.md`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Environment => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Aws => 4,
            Self::Partly => 5,
            Self::Fault => 70,
            Self::Interrupted => 130,
        }
    }

    /// Its name in the JSON of an error, as documented in `docs/exit-codes.md`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Environment => "environment",
            Self::Usage => "usage",
            Self::Input => "input",
            Self::Aws => "aws",
            Self::Partly => "partly",
            Self::Fault => "fault",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes are promised to scripts.
    #[test]
    fn codes_never_change() {
        let codes = [
            (Exit::Done, 0),
            (Exit::Environment, 1),
            (Exit::Usage, 2),
            (Exit::Input, 3),
            (Exit::Aws, 4),
            (Exit::Partly, 5),
            (Exit::Fault, 70),
            (Exit::Interrupted, 130),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }
}
