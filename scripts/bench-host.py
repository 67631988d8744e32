#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The table of make bench-host: what was measured beside what was computed.

bench-host.py DIR reads DIR/HOST.costs ("key=value" lines), writes
DIR/costs.json and prints the table.
"""

import json
import sys

HOSTS = ("unpatched", "views0", "views2")
PAGE = 4096
MIB = 1 << 20
GIB = 1 << 30


def up(size, unit):
    """How many units it takes to cover the size."""
    return -(-size // unit)


def table_bytes(size, huge):
    """Page tables of a view that maps one run of memory, aligned to 1 GiB, of
    which the host has so much in 2 MiB pages."""
    pages = up(size, GIB) + up(size, 512 * GIB) + 1 + up(size - huge, 2 * MIB)
    return pages * PAGE


def component_bytes(regions, gib):
    """Text in 2 MiB pages, and one table for each region's 2 MiB."""
    return (regions + gib + 1 + 1) * PAGE


def expected(costs):
    """What costs.rst computes for the keys of a host with views."""
    values = {}
    for mib in (512, 1024):
        for size in ("4k", "2m"):
            name = f"map{mib}_{size}"
            huge = costs[f"{name}_huge_mib"] * MIB
            values[f"{name}_table_bytes"] = table_bytes(mib * MIB, huge)
    for views in (16, 160):
        for rights in ("none", "r"):
            name = f"build{views}_{rights}"
            values[f"{name}_hypercalls"] = 2 * views
            values[f"{name}_table_bytes"] = views * component_bytes(20, 1)
    return values


def read(path):
    costs = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            key, value = line.strip().split("=")
            if key in costs:
                sys.exit(f"{path}: {key} is given twice")
            costs[key] = int(value)
    return costs


def exits(costs):
    print(f"{'VM exit and back':<46}" + "".join(f"{host:>12}" for host in HOSTS) + f"{'more':>8}")
    rows = [("VMCALL (unknown number)", "exit_vmcall"), ("CPUID", "exit_cpuid"),
            ("INVD (KVM's fast path)", "exit_invd")]
    for text, key in rows:
        values = [costs[host][key] for host in HOSTS]
        print(f"{text:<46}" + "".join(f"{value:>12}" for value in values)
              + f"{max(values[1:]) - values[0]:>+8}")
    for text, key in rows:
        value = costs["views2"][key.replace("exit_", "exit_with_views_")]
        print(f"{text + ', guest has views':<46}{'-':>12}{'-':>12}{value:>12}"
              f"{value - costs['unpatched'][key]:>+8}")
    print()


def tables(costs, wanted):
    print(f"{'one view of a guest':<46}{'measured':>12}{'computed':>12}{'insns':>16}{'a page':>9}")
    for mib in (512, 1024):
        for size in ("4k", "2m"):
            name = f"map{mib}_{size}"
            pages = mib * MIB // (PAGE if size == "4k" else 2 * MIB)
            insns = costs[f"{name}_insns"]
            print(f"{f'{mib} MiB, {size}: bytes of tables':<46}{costs[f'{name}_table_bytes']:>12}"
                  f"{wanted[f'{name}_table_bytes']:>12}{insns:>16}{insns // pages:>9}")
    print()


def builds(costs, wanted):
    print(f"{'views built, a component each':<46}{'measured':>12}{'computed':>12}{'a view':>12}")
    for views in (16, 160):
        for rights in ("none", "r"):
            name = f"build{views}_{rights}"
            for text, key in (("hypercalls", "hypercalls"), ("bytes of tables", "table_bytes"),
                              ("instructions", "insns")):
                value = costs[f"{name}_{key}"]
                computed = wanted.get(f"{name}_{key}", "-")
                print(f"{f'{views} views, default {rights}: {text}':<46}"
                      f"{value:>12}{computed:>12}{value / views:>12.1f}")


def main():
    directory = sys.argv[1]
    costs = {host: read(f"{directory}/{host}.costs") for host in HOSTS}
    wanted = expected(costs["views2"])
    missing = [key for key in wanted if key not in costs["views2"]]
    if missing:
        sys.exit(f"not measured: {' '.join(missing)}")
    with open(f"{directory}/costs.json", "w", encoding="ascii") as file:
        json.dump({**costs, "computed": wanted}, file, indent=1)
        file.write("\n")
    exits(costs)
    tables(costs["views2"], wanted)
    builds(costs["views2"], wanted)


if __name__ == "__main__":
    main()
