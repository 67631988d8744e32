#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Group 15: what the registers of the FPU hold of another task.
#
# ut-cpus: 1 2
# ut-backends: all

. /ut/jobs/attack-lib

plan 2
attack 'stopped=1 error=-14 disclosed=0' 'reading the FPU registers of others is stopped' attack=6
attack 'stopped=0 error=0 disclosed=1' '... and succeeds when the gate leaves CR0.TS clear' attack=6 weaken=1
finish
