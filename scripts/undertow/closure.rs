// SPDX-License-Identifier: GPL-2.0

//! Everything that a set of sections reaches.

use std::collections::{
    BTreeMap,
    BTreeSet,
    VecDeque, //
};

use super::{
    class::Class,
    demangle::demangle,
    elf::SectionId,
    error::Finding,
    graph::{
        Graph,
        Problem, //
    },
};

/// The sections that some roots reach, the roots included.
pub(crate) struct Closure {
    /// In the order of discovery, which is breadth first: the path to a section is a shortest one.
    pub(crate) order: Vec<SectionId>,

    /// Who reached a section first; `None` for a root.
    from: BTreeMap<SectionId, Option<SectionId>>,
}

impl Closure {
    /// Walks from `roots`, in their order.
    pub(crate) fn new(graph: &Graph<'_>, roots: &[SectionId]) -> Self {
        let mut from: BTreeMap<_, _> = roots.iter().map(|&root| (root, None)).collect();
        let mut queue: VecDeque<_> = roots.iter().copied().collect();
        let mut order = Vec::new();
        while let Some(id) = queue.pop_front() {
            order.push(id);
            for &target in &graph.get(id).refs {
                from.entry(target).or_insert_with(|| {
                    queue.push_back(target);
                    Some(id)
                });
            }
        }
        Self { order, from }
    }

    /// Returns the sections of one class, in the order of discovery.
    pub(crate) fn of<'a>(
        &'a self,
        graph: &'a Graph<'_>,
        wanted: impl Fn(Class<'_>) -> bool + 'a,
    ) -> impl Iterator<Item = SectionId> + 'a {
        let all = self.order.iter().copied();
        all.filter(move |&id| wanted(graph.class(id)))
    }

    /// Returns the constants that need a copy of their own: those with an address in them that is
    /// another one inside. All others are shared with ordinary code.
    pub(crate) fn tables(&self, graph: &Graph<'_>) -> BTreeSet<SectionId> {
        let is_rodata = |class: Class<'_>| class == Class::Rodata;
        let mut tables = BTreeSet::new();
        loop {
            let before = tables.len();
            for id in self.of(graph, is_rodata) {
                let node = graph.get(id);
                let differs = node.renames
                    || node.refs.iter().any(|target| {
                        tables.contains(target)
                            || matches!(graph.class(*target), Class::Text | Class::Entry(_))
                    });
                if differs {
                    tables.insert(id);
                }
            }
            if tables.len() == before {
                return tables;
            }
        }
    }

    /// Returns the readable names from a root to `id`.
    fn path(&self, graph: &Graph<'_>, id: SectionId) -> Vec<String> {
        let mut path = vec![graph.name(id)];
        let mut at = id;
        while let Some(Some(from)) = self.from.get(&at) {
            path.push(graph.name(*from));
            at = *from;
        }
        path.reverse();
        path
    }

    /// Returns what forbids to isolate this closure in `compartment`.
    pub(crate) fn findings(&self, graph: &Graph<'_>, compartment: &str) -> Vec<Finding> {
        let mut seen = BTreeSet::new();
        let mut findings = Vec::new();
        for &id in &self.order {
            let foreign = match graph.class(id) {
                Class::Entry(owner) if owner != compartment => Some(("the entry function", owner)),
                Class::Private(owner) if owner != compartment => Some(("private data", owner)),
                _ => None,
            };
            if let Some((what, owner)) = foreign {
                findings.push(Finding {
                    what: format!(
                        "compartment `{compartment}` reaches {what} `{}` of compartment `{owner}`",
                        graph.name(id)
                    ),
                    path: self.path(graph, id),
                    help: "one compartment can use another only through a service".into(),
                });
            }
            for problem in &graph.get(id).problems {
                // The first path to a culprit is enough.
                if seen.insert(problem) {
                    findings.push(self.finding(graph, compartment, id, problem));
                }
            }
        }
        findings
    }

    fn finding(
        &self,
        graph: &Graph<'_>,
        compartment: &str,
        id: SectionId,
        problem: &Problem,
    ) -> Finding {
        let mut path = self.path(graph, id);
        let (what, help) = match problem {
            Problem::External(symbol) => {
                let name = demangle(symbol);
                path.push(name.clone());
                (
                    format!("reaches `{name}`, which is not available inside"),
                    "`core` and pure functions of `kernel` are available; do the rest outside and \
                     pass the result in",
                )
            }
            Problem::Writable(name) => {
                path.push(name.clone());
                (
                    format!("reaches the writable static `{name}`, which it cannot write"),
                    "pass the data as an argument, or make it private data of the compartment",
                )
            }
            Problem::Special(name, section) => {
                path.push(name.clone());
                (
                    format!("reaches `{name}` in section `{section}`"),
                    "isolated code can only use ordinary functions and constants",
                )
            }
            Problem::SideTable(table) => (
                format!("reaches `{}`, which contains {table}", graph.name(id)),
                "the kernel would have to patch isolated text or to look it up, and it can do \
                 neither; keep such code outside",
            ),
            Problem::Reloc(kind) => (
                format!(
                    "reaches `{}`, which has a relocation of type {kind}",
                    graph.name(id)
                ),
                "check the flags of the compiler: the kernel's code model gives no such relocation",
            ),
        };
        Finding {
            what: format!("compartment `{compartment}` {what}"),
            path,
            help: help.into(),
        }
    }
}
