#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 11: INT n, for every n. None may pass for an interrupt, an NMI or an
# exception of the kernel.
#
# ut-cpus: 1 2

. /ut/jobs/attack-lib

plan 2
attack 'stopped=1 error=-14 disclosed=0' 'each forged vector ends the call as what it is' attack=11
attack 'stopped=0 error=-14 disclosed=1' '... and is delivered in the view when that can read the IDT' attack=11 weaken=1
finish
