// SPDX-License-Identifier: GPL-2.0

//! Sources of isolated functions that must be accepted.

/// A name, items, and the body of the isolated function.
pub(crate) type Case = (&'static str, &'static str, &'static str);

pub(crate) const GOOD: [Case; 7] = [
    (
        "arithmetic",
        "",
        "input.iter().map(|&byte| u32::from(byte)).sum()",
    ),
    (
        "slices and panics",
        "",
        "let word: [u8; 4] = input[3..7].try_into().unwrap();
         u32::from_le_bytes(word) / u32::from(input[0]) - u32::from(input[1])",
    ),
    (
        "sort and search",
        "",
        "let mut words = [0u32; 64];
         for (word, bytes) in words.iter_mut().zip(input.chunks_exact(4)) {
             *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
         }
         words.sort_unstable();
         words.binary_search(&7).unwrap_or(9) as u32",
    ),
    (
        "text",
        "",
        "let text = core::str::from_utf8(input).unwrap_or(\"\");
         if text.contains(\"magic\") { return 1 }
         text.trim().parse().unwrap_or(0)",
    ),
    (
        "indirect calls through a vtable",
        "trait Shape { fn area(&self) -> u32; }
         struct Square(u32);
         struct Line(u32);
         impl Shape for Square { #[inline(never)] fn area(&self) -> u32 { self.0 * self.0 } }
         impl Shape for Line { #[inline(never)] fn area(&self) -> u32 { self.0 + 1 } }",
        "let side = u32::from(input[0]);
         let shape: &dyn Shape = if side > 9 { &Square(side) } else { &Line(side) };
         core::hint::black_box(shape).area()",
    ),
    (
        "a table of functions, used on both sides",
        "#[inline(never)] fn double(value: u32) -> u32 { value * 2 }
         #[inline(never)] fn next(value: u32) -> u32 { value + 1 }
         static NESTED: &[&(&str, fn(u32) -> u32)] = &[&(\"double\", double), &(\"next\", next)];
         #[no_mangle] pub fn outside(value: u32) -> u32 { NESTED[0].1(double(value)) }",
        "let mut sum = 0;
         for (name, function) in NESTED {
             sum += function(name.len() as u32 + u32::from(input[0]));
         }
         sum",
    ),
    (
        "formatting",
        "use core::fmt::Write;
         struct Length(usize);
         impl Write for Length {
             fn write_str(&mut self, text: &str) -> core::fmt::Result {
                 self.0 = self.0.checked_add(text.len()).ok_or(core::fmt::Error)?;
                 Ok(())
             }
         }",
        "let mut length = Length(0);
         let _ = write!(length, \"{:?} {:x}\", input, input.len());
         length.0 as u32",
    ),
];
