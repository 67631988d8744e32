// SPDX-License-Identifier: GPL-2.0

//! Looks for forbidden instructions in the text of compartments as it is linked.
//!
//! What a call or a reference adds to the bytes of an object is known only now: the distance to its
//! target can hold the bytes of an instruction that compartments must not have. The kernel looks
//! again when it boots, and does without isolation if it finds one; here the build fails first.

use super::{
    elf::{
        SHT_NOBITS,
        SHT_SYMTAB, //
    },
    error::{
        damaged,
        Error,
        Finding,
        Result, //
    },
    logic::scan::{
        Hit,
        Isa,
        Scanner, //
    },
    read::{
        self,
        Header, //
    },
};

/// What the linker script puts at the first byte of the text that compartments execute.
const START: &str = "__undertow_common_start";

/// ... and after its last byte.
const END: &str = "__undertow_text_end";

const SYM_SIZE: u64 = 24;

/// A symbol with a name and a value: more is not needed here.
struct Symbol {
    name: String,
    value: u64,
}

fn symbols(bytes: &[u8], headers: &[Header]) -> Result<Vec<Symbol>> {
    let mut symbols = Vec::new();
    for table in headers.iter().filter(|header| header.kind == SHT_SYMTAB) {
        let Some(strings) = headers.get(table.link as usize) else {
            return damaged("a symbol table has no string table");
        };
        let strings = read::content(bytes, strings)?;
        let entries = read::content(bytes, table)?;
        if table.entry_size != SYM_SIZE || entries.len() % SYM_SIZE as usize != 0 {
            return damaged("a symbol table has entries of another size");
        }
        for entry in entries.chunks_exact(SYM_SIZE as usize) {
            symbols.push(Symbol {
                name: read::string(strings, read::u32_at(entry, 0)? as usize)?,
                value: read::u64_at(entry, 8)?,
            });
        }
    }
    Ok(symbols)
}

fn address(symbols: &[Symbol], name: &str) -> Result<u64> {
    match symbols.iter().find(|symbol| symbol.name == name) {
        Some(symbol) => Ok(symbol.value),
        None => Err(Error::Unsupported(format!(
            "not a kernel with CONFIG_UNDERTOW: it does not define `{name}`"
        ))),
    }
}

/// Returns the bytes of the file that are at `start` to `end` in memory.
fn text<'a>(bytes: &'a [u8], headers: &[Header], start: u64, end: u64) -> Result<&'a [u8]> {
    let holds = |header: &&Header| {
        let offset = start.checked_sub(header.address);
        let room = offset.and_then(|offset| header.size.checked_sub(offset));
        header.address != 0
            && header.kind != SHT_NOBITS
            && room.is_some_and(|room| start <= end && end - start <= room)
    };
    let Some(header) = headers.iter().find(holds) else {
        return damaged(format!("no section holds {start:#x} to {end:#x}"));
    };
    let offset = (start - header.address) as usize;
    Ok(&read::content(bytes, header)?[offset..][..(end - start) as usize])
}

/// Returns the symbol at or below `address` and the distance from it.
fn owner(symbols: &[Symbol], address: u64) -> String {
    let below = symbols
        .iter()
        .filter(|symbol| symbol.value <= address && !symbol.name.is_empty())
        .max_by_key(|symbol| symbol.value);
    match below {
        Some(symbol) => format!("{}+{:#x}", symbol.name, address - symbol.value),
        None => format!("{address:#x}"),
    }
}

/// Checks a linked kernel.
pub(crate) fn check(bytes: &[u8]) -> Result {
    let headers = read::linked_headers(bytes)?;
    let symbols = symbols(bytes, &headers)?;
    let (start, end) = (address(&symbols, START)?, address(&symbols, END)?);
    let mut hits: Vec<Hit> = Vec::new();
    // What is an instruction only for a CPU with APX is for the kernel to judge, as in `scan`.
    Scanner::new(Isa::WithoutApx).feed(text(bytes, &headers, start, end)?, &mut |hit| {
        hits.push(hit);
    });
    if hits.is_empty() {
        return Ok(());
    }
    let finding = |hit: Hit| Finding {
        what: format!(
            "linked text that compartments execute contains the bytes of {} at {:#x} ({})",
            hit.pattern.name,
            start + hit.offset,
            owner(&symbols, start + hit.offset)
        ),
        path: Vec::new(),
        help: "they may be the distance of a call or a reference: a gap before the function, or \
               before the target, changes it"
            .into(),
    };
    Err(Error::Rules(hits.into_iter().map(finding).collect()))
}
