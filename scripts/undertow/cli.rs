// SPDX-License-Identifier: GPL-2.0

//! The command line.

use std::{
    ffi::OsString,
    fs,
    path::{
        Path,
        PathBuf, //
    },
    process::ExitCode, //
};

use super::{
    class,
    common::{
        self,
        Extent, //
    },
    error::{
        Error,
        Result, //
    },
    graph::Available,
    isolate,
    linked,
    read,
    write, //
};

const USAGE: &str = "usage: undertow_link [--common OBJECT]... OBJECT
       undertow_link --copy OUTPUT [--complete] [--common OBJECT]... OBJECT
       undertow_link --linked KERNEL

Without --copy, moves the isolated functions of OBJECT, and copies of all they need, to sections
of their own. Does nothing to an object without isolated functions.
With --copy, writes the copy of OBJECT that compartments share.
With --linked, looks for forbidden instructions in the linked text of compartments.

  --common OBJECT  a result of --copy whose functions are available
  --complete       an error if a function of OBJECT cannot be in the copy";

/// What the command line asks for.
struct Request {
    copy: Option<PathBuf>,
    linked: bool,
    extent: Extent,
    common: Vec<PathBuf>,
    object: PathBuf,
}

/// Runs the tool and reports to standard error.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match work(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err((error @ Error::Usage(_), _)) => {
            eprintln!("{error}\n{USAGE}");
            ExitCode::from(2)
        }
        Err((error, object)) => {
            eprintln!("{error}\n  object: {}", object.display());
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line asks for; an error comes with the object that it is about.
pub(crate) fn work(
    arguments: impl Iterator<Item = OsString>,
) -> core::result::Result<(), (Error, PathBuf)> {
    let request = parse(arguments).map_err(|error| (error, PathBuf::new()))?;
    execute(&request).map_err(|error| (error, request.object))
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Request> {
    let mut copy = None;
    let mut linked = false;
    let mut extent = Extent::Pure;
    let mut common = Vec::new();
    let mut objects = Vec::new();
    while let Some(argument) = arguments.next() {
        let mut value = || match arguments.next() {
            Some(value) => Ok(PathBuf::from(value)),
            None => Err(Error::Usage("an option has no value".into())),
        };
        match argument.to_str() {
            Some("--copy") => copy = Some(value()?),
            Some("--common") => common.push(value()?),
            Some("--linked") => linked = true,
            Some("--complete") => extent = Extent::Complete,
            Some(option) if option.starts_with('-') => {
                return Err(Error::Usage(format!("unknown option `{option}`")))
            }
            _ => objects.push(PathBuf::from(argument)),
        }
    }
    if extent == Extent::Complete && copy.is_none() {
        return Err(Error::Usage("--complete goes with --copy".into()));
    }
    if linked && (copy.is_some() || !common.is_empty()) {
        return Err(Error::Usage("--linked goes with no other option".into()));
    }
    match <[PathBuf; 1]>::try_from(objects) {
        Ok([object]) => Ok(Request {
            copy,
            linked,
            extent,
            common,
            object,
        }),
        Err(objects) => Err(Error::Usage(format!(
            "one object expected, {} given",
            objects.len()
        ))),
    }
}

fn load(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::Io(path.to_owned(), error))
}

/// Replaces the file as a whole, so that an interrupted build does not leave half of it.
fn store(path: &Path, bytes: &[u8]) -> Result {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let done = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    done.map_err(|error| {
        // Nothing to add if this fails too.
        let _ = fs::remove_file(&temporary);
        Error::Io(path.to_owned(), error)
    })
}

fn execute(request: &Request) -> Result {
    let bytes = load(&request.object)?;
    if request.linked {
        return linked::check(&bytes);
    }
    // Almost every object ends here.
    if request.copy.is_none() && !read::any_section_name(&bytes, class::concerns)? {
        return Ok(());
    }
    let mut available = Available::default();
    for path in &request.common {
        let object = read::read(&load(path)?).map_err(|error| {
            Error::Unsupported(format!("{}, given with --common: {error}", path.display()))
        })?;
        available.add(&object);
    }
    let mut object = read::read(&bytes)?;
    match &request.copy {
        Some(output) => {
            let object = common::copy(object, &available, request.extent)?;
            store(output, &write::write(&object)?)
        }
        None => {
            if isolate::isolate(&mut object, &available)? {
                store(&request.object, &write::write(&object)?)?;
            }
            Ok(())
        }
    }
}
