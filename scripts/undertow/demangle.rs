// SPDX-License-Identifier: GPL-2.0

//! Readable names for symbols of Rust's `v0` mangling scheme.
//!
//! Only for messages, so it may be modest: whatever it does not understand, it shows as it is. It
//! never fails, and a hostile name can make it neither recurse nor write without bound.

use std::fmt::Write;

/// How deep paths and types may nest.
const DEPTH_MAX: u32 = 64;

/// How long a readable name may become; back references can double it at every step.
const LENGTH_MAX: usize = 512;

/// Returns the readable form of `name`, or `name` itself when it has none.
pub(crate) fn demangle(name: &str) -> String {
    let Some(mangled) = name.strip_prefix("_R") else {
        return name.to_owned();
    };
    // The compiler may append a suffix of its own after a dot.
    let mangled = mangled.split('.').next().unwrap_or(mangled);
    if !mangled.starts_with(|first: char| first.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let mut parser = Parser {
        input: mangled.as_bytes(),
        at: 0,
        depth: 0,
        out: String::new(),
    };
    match parser.path(true) {
        Some(()) => parser.out,
        None => name.to_owned(),
    }
}

/// A mangled name that is being read; `None` from a method means "not understood".
struct Parser<'a> {
    input: &'a [u8],
    at: usize,
    depth: u32,
    out: String,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.input.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.input.get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn print(&mut self, text: &str) -> Option<()> {
        if self.out.len() + text.len() > LENGTH_MAX {
            return None;
        }
        self.out.push_str(text);
        Some(())
    }

    /// Runs `body` one level deeper.
    fn nested(&mut self, body: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.depth == DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let done = body(self);
        self.depth -= 1;
        done
    }

    /// Reads `<base 62> "_"`; the empty number is 0 and all others are one more than written.
    fn base62(&mut self) -> Option<u64> {
        let mut value = 0u64;
        if self.eat(b'_') {
            return Some(0);
        }
        loop {
            let digit = match self.next()? {
                byte @ b'0'..=b'9' => byte - b'0',
                byte @ b'a'..=b'z' => byte - b'a' + 10,
                byte @ b'A'..=b'Z' => byte - b'A' + 36,
                b'_' => return value.checked_add(1),
                _ => return None,
            };
            value = value.checked_mul(62)?.checked_add(u64::from(digit))?;
        }
    }

    fn disambiguator(&mut self) -> Option<u64> {
        match self.eat(b's') {
            true => self.base62()?.checked_add(1),
            false => Some(0),
        }
    }

    fn decimal(&mut self) -> Option<usize> {
        if self.eat(b'0') {
            return Some(0);
        }
        let start = self.at;
        let mut value = 0usize;
        while let Some(byte @ b'0'..=b'9') = self.input.get(self.at) {
            value = value
                .checked_mul(10)?
                .checked_add(usize::from(byte - b'0'))?;
            self.at += 1;
        }
        (self.at != start).then_some(value)
    }

    /// Reads an identifier without its disambiguator.
    fn name(&mut self) -> Option<&'a str> {
        self.eat(b'u');
        let length = self.decimal()?;
        self.eat(b'_');
        let end = self.at.checked_add(length)?;
        let bytes = self.input.get(self.at..end)?;
        self.at = end;
        core::str::from_utf8(bytes).ok()
    }

    /// Runs `body` at the place that a back reference names, which must lie before it.
    fn back(&mut self, body: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let start = self.at - 1;
        let target = usize::try_from(self.base62()?).ok()?;
        if target >= start {
            return None;
        }
        let resume = core::mem::replace(&mut self.at, target);
        self.nested(body)?;
        self.at = resume;
        Some(())
    }

    /// Skips the path of an `impl` block, which only says where it stands.
    fn impl_path(&mut self) -> Option<()> {
        self.disambiguator()?;
        let length = self.out.len();
        self.path(false)?;
        self.out.truncate(length);
        Some(())
    }

    fn path(&mut self, in_value: bool) -> Option<()> {
        self.nested(|this| this.path_inner(in_value))
    }

    fn path_inner(&mut self, in_value: bool) -> Option<()> {
        match self.next()? {
            b'C' => {
                self.disambiguator()?;
                let name = self.name()?;
                self.print(name)
            }
            b'M' => {
                self.impl_path()?;
                self.print("<")?;
                self.kind()?;
                self.print(">")
            }
            tag @ (b'X' | b'Y') => {
                if tag == b'X' {
                    self.impl_path()?;
                }
                self.print("<")?;
                self.kind()?;
                self.print(" as ")?;
                self.path(false)?;
                self.print(">")
            }
            b'N' => {
                let namespace = self.next()?;
                self.path(in_value)?;
                let number = self.disambiguator()?;
                let name = self.name()?;
                match namespace {
                    b'C' => self.print(&format!("::{{closure#{number}}}")),
                    b'S' => self.print(&format!("::{{shim:{name}#{number}}}")),
                    b'A'..=b'Z' => self.print(&format!("::{{{name}#{number}}}")),
                    _ if name.is_empty() => Some(()),
                    _ => {
                        self.print("::")?;
                        self.print(name)
                    }
                }
            }
            b'I' => {
                self.path(in_value)?;
                self.print(if in_value { "::<" } else { "<" })?;
                self.list(Self::generic)?;
                self.print(">")
            }
            b'B' => self.back(|this| this.path(in_value)),
            _ => None,
        }
    }

    /// Reads items up to `E`, separated by commas in the output; returns how many.
    fn list(&mut self, item: impl Fn(&mut Self) -> Option<()>) -> Option<usize> {
        let mut count = 0;
        while !self.eat(b'E') {
            if count != 0 {
                self.print(", ")?;
            }
            item(self)?;
            count += 1;
        }
        Some(count)
    }

    fn generic(&mut self) -> Option<()> {
        if self.eat(b'L') {
            self.base62()?;
            return self.print("'_");
        }
        if self.eat(b'K') {
            return self.constant();
        }
        self.kind()
    }

    fn constant(&mut self) -> Option<()> {
        match self.next()? {
            b'p' => self.print("_"),
            b'B' => self.back(Self::constant),
            // Integers, `bool` and `char`: shown in hexadecimal, as they are written.
            b'a'..=b'z' => {
                let sign = if self.eat(b'n') { "-" } else { "" };
                let start = self.at;
                while self.next()? != b'_' {}
                let digits = core::str::from_utf8(&self.input[start..self.at - 1]).ok()?;
                let digits = if digits.is_empty() { "0" } else { digits };
                self.print(&format!("{sign}0x{digits}"))
            }
            _ => None,
        }
    }

    fn binder(&mut self) -> Option<()> {
        if self.eat(b'G') {
            self.base62()?;
        }
        Some(())
    }

    /// Reads a type.
    fn kind(&mut self) -> Option<()> {
        self.nested(Self::kind_inner)
    }

    fn kind_inner(&mut self) -> Option<()> {
        let tag = self.next()?;
        if let Some(name) = basic(tag) {
            return self.print(name);
        }
        match tag {
            b'A' => {
                self.print("[")?;
                self.kind()?;
                self.print("; ")?;
                self.constant()?;
                self.print("]")
            }
            b'S' => {
                self.print("[")?;
                self.kind()?;
                self.print("]")
            }
            b'T' => {
                self.print("(")?;
                if self.list(Self::kind)? == 1 {
                    self.print(",")?;
                }
                self.print(")")
            }
            b'R' | b'Q' => {
                if self.eat(b'L') {
                    self.base62()?;
                }
                self.print(if tag == b'R' { "&" } else { "&mut " })?;
                self.kind()
            }
            b'P' | b'O' => {
                self.print(if tag == b'P' { "*const " } else { "*mut " })?;
                self.kind()
            }
            b'F' => self.function(),
            b'D' => self.dynamic(),
            b'B' => self.back(Self::kind),
            _ => {
                self.at -= 1;
                self.path(false)
            }
        }
    }

    fn function(&mut self) -> Option<()> {
        self.binder()?;
        if self.eat(b'U') {
            self.print("unsafe ")?;
        }
        if self.eat(b'K') {
            let abi = if self.eat(b'C') { "C" } else { self.name()? };
            self.print(&format!("extern \"{abi}\" "))?;
        }
        self.print("fn(")?;
        self.list(Self::kind)?;
        self.print(")")?;
        if self.eat(b'u') {
            return Some(());
        }
        self.print(" -> ")?;
        self.kind()
    }

    fn dynamic(&mut self) -> Option<()> {
        self.binder()?;
        self.print("dyn ")?;
        let mut first = true;
        while !self.eat(b'E') {
            if !first {
                self.print(" + ")?;
            }
            first = false;
            self.path(false)?;
            while self.eat(b'p') {
                let name = self.name()?;
                write!(self.out, "<{name} = ").ok()?;
                self.kind()?;
                self.print(">")?;
            }
        }
        if !self.eat(b'L') {
            return None;
        }
        self.base62().map(|_| ())
    }
}

fn basic(tag: u8) -> Option<&'static str> {
    Some(match tag {
        b'a' => "i8",
        b'b' => "bool",
        b'c' => "char",
        b'd' => "f64",
        b'e' => "str",
        b'f' => "f32",
        b'h' => "u8",
        b'i' => "isize",
        b'j' => "usize",
        b'l' => "i32",
        b'm' => "u32",
        b'n' => "i128",
        b'o' => "u128",
        b's' => "i16",
        b't' => "u16",
        b'u' => "()",
        b'v' => "...",
        b'x' => "i64",
        b'y' => "u64",
        b'z' => "!",
        b'p' => "_",
        _ => return None,
    })
}
