// SPDX-License-Identifier: GPL-2.0

//! What can go wrong, in the words that the person at the keyboard sees.

use std::{
    fmt,
    path::PathBuf, //
};

/// An error of the tool.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line makes no sense.
    Usage(String),

    /// A file could not be read or written.
    Io(PathBuf, std::io::Error),

    /// The object is not what a compiler for x86-64 writes.
    Damaged(String),

    /// The object is well-formed but uses something that this tool does not handle.
    Unsupported(String),

    /// Isolated code breaks the rules. All findings, so that one build shows them all.
    Rules(Vec<Finding>),
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// One sentence: what is wrong.
    pub(crate) what: String,

    /// Demangled names from the entry function to the culprit; may be empty.
    pub(crate) path: Vec<String>,

    /// What to do about it.
    pub(crate) help: String,
}

/// Result of everything in this tool.
pub(crate) type Result<T = ()> = core::result::Result<T, Error>;

/// Returns the error for a malformed object.
pub(crate) fn damaged<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::Damaged(what.into()))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: undertow: {}", self.what)?;
        for (depth, name) in self.path.iter().enumerate() {
            let arrow = if depth == 0 { "  path:" } else { "     ->" };
            write!(f, "\n{arrow} {name}")?;
        }
        write!(f, "\n  help: {}", self.help)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(what) => write!(f, "error: undertow: {what}"),
            Error::Io(path, error) => write!(f, "error: undertow: {}: {error}", path.display()),
            Error::Damaged(what) => write!(
                f,
                "error: undertow: damaged object: {what}\n  help: delete it and build again"
            ),
            Error::Unsupported(what) => write!(f, "error: undertow: unsupported object: {what}"),
            Error::Rules(findings) => {
                for (index, finding) in findings.iter().enumerate() {
                    if index != 0 {
                        writeln!(f)?;
                    }
                    write!(f, "{finding}")?;
                }
                Ok(())
            }
        }
    }
}
