# SPDX-License-Identifier: GPL-2.0
#
# Entry points for people. Each target is one script; the scripts do their own
# set-up and say what is missing, so that any target works from a fresh clone.

.DEFAULT_GOAL := help
.PHONY: help demo check check-kvm check-svm check-debug check-lockdep check-faults check-stress check-series bench bench-host kernel image series distclean clean

help:		## print this list
	@echo 'Undertow: targets'
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 21
	@echo 'Variables: UNDERTOW_CACHE, KERNEL_TARBALL, KERNEL_SRC, UNDERTOW_BOCHS,'
	@echo '           UNDERTOW_JOBS, UNDERTOW_ANY_DISTRO (see scripts/lib.sh)'

demo:		## set everything up, run the demonstration
	@scripts/demo.sh

check:		## set everything up, run every test
	@scripts/check.sh

check-kvm:	## run KVM's own selftests on hosts with and without the series
	@scripts/check-kvm.sh

check-svm:	## run the tests of an AMD host, on a CPU that QEMU emulates
	@scripts/check.sh svm

check-debug:	## run our KVM selftests on a host with KASAN, lockdep, kmemleak
	@scripts/check-debug.sh

check-lockdep:	## run the guest's jobs on a guest with lockdep
	@scripts/check-lockdep.sh

check-faults:	## inject 1,400 faults, restart 10,000 times
	@scripts/campaign.sh

check-stress:	## calls, kills, restarts, interrupts, moves at once for 10 minutes
	@scripts/stress.sh

check-series:	## build the kernel after each patch of the series
	@scripts/check-series.sh

bench:		## repeat the measurements of the demonstration
	@scripts/bench.sh

bench-host:	## measure what views cost the host, against an unpatched one
	@scripts/bench-host.sh

kernel:		## build the patched kernel in build/linux
	@scripts/kernel.sh

image:		## build the boot image for host and guest
	@scripts/kernel.sh && scripts/image.sh

series:		## export the commits of build/linux to kvm/ and patches/
	@scripts/series.sh

clean:		## remove boot images, logs and results; keep the kernel tree
	@scripts/clean.sh

distclean:	## remove build/, with the kernel tree; caches stay
	@scripts/clean.sh all
