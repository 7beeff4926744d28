# The front door; meson does the work, under build/.
#
#	make		build everything (packages that are missing: make deps)
#	make run	install what is missing, build what it takes, print this machine's events until Ctrl-C: events=, format=json
#	make check	install what is missing, build with gcc and for the sanitizers, run every test but those that take minutes each
#	make check-all	run those, too
#	make bench	what events and decisions cost here
#	make install	DESTDIR=, prefix=/usr/local, libdir=lib/x86_64-linux-gnu; make uninstall with the same DESTDIR
#
# prefix and libdir are remembered by the build directory until they are given again.

events ?= exec fork exit open rename unlink
format ?= text
jobs ?= $(shell nproc)
build := build/gcc
# What is built, as ninja calls it (everything if nothing is said), and the packages that this needs.
target ?=
packages ?= build

.PHONY: all build deps run check check-all bench clean install uninstall

all: build

build:
	@scripts/install-deps --check $(packages)
	@scripts/configure gcc $(if $(prefix),-Dprefix=$(prefix)) $(if $(libdir),-Dlibdir=$(libdir))
	@ninja -C $(build) -j $(jobs) $(if $(V),-v,--quiet) $(target)

deps:
	@scripts/install-deps $(packages)

run:
	@scripts/install-deps run
	@$(MAKE) --no-print-directory build packages=run target=programs >&2
	@[ "$$(id -u)" = 0 ] || { echo "make run watches the whole system, which only root may do: sudo make run" >&2; exit 1; }
	@echo "Waiting for events of this machine ($(events)); Ctrl-C ends it, make run format=json prints all of them." >&2
	@exec $(build)/tools/eslogger --format $(format) $(events)

check:
	@scripts/install-deps check
	@tests/harness/check

check-all:
	@scripts/install-deps check-all
	@tests/harness/check --all

bench:
	@scripts/install-deps check
	@$(MAKE) --no-print-directory build
	@bench/run $(build)

install: build
	@DESTDIR=$(DESTDIR) meson install -C $(build) --no-rebuild --quiet
	@scripts/uninstall --note $(build) "$(DESTDIR)"
	@[ -n "$(DESTDIR)" ] || ldconfig

uninstall:
	@scripts/uninstall $(build) "$(DESTDIR)"
	@[ -n "$(DESTDIR)" ] || ldconfig

clean:
	@rm -rf build
