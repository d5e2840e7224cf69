# make run ROOT=DIR   watches DIR          make test   builds and runs every test
# make help           lists everything
#
# `run`, `build` and `test` first install what they need from Debian or Ubuntu where it is missing, and nothing where
# it is not. All compiling is SwiftPM's business; this file only knows the right options.

PREFIX ?= /usr/local
DESTDIR ?=
UNITDIR ?= $(PREFIX)/lib/systemd/system

# Statically linked, a `journal` starts in less than half the time, and runs where no Swift is installed. Where the static
# libraries of SQLite and libc are (Debian, Ubuntu), they are linked in too: a quarter of what is left of a start is the
# dynamic linker's. Still at a random address: this is a daemon of root's. In such a binary libc wants no rpath.
#
# Told anew for each recipe, since `needs` may just have installed the libraries.
STATIC = $(if $(findstring /,$(shell clang -print-file-name=libsqlite3.a)),$(STATIC_ALL),--static-swift-stdlib)
STATIC_ALL = --disable-local-rpath $(addprefix -Xswiftc ,-static-executable -use-ld=lld -Xclang-linker -static-pie)
RELEASE = swift build -c release $(STATIC) --product journal
BENCH := .build/release/Bench
BINARY := .build/release/journal
SOURCES = Package.swift Sources Tests Schema

.DEFAULT_GOAL := help
.PHONY: help run build test test-consumers consumer-deps soak sanitize bench bench-quick bench-deps build-bench perf-guard perf-guard-accept \
  install uninstall format lint clean needs test-needs check-root

help: ## Say what there is
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) \
	| while IFS='	' read -r target what; do printf '  make %-18s %s\n' "$$target" "$$what"; done

run: check-root build ## Build, then watch the directory ROOT in the foreground: make run ROOT=/srv
	@echo "Watching $(ROOT); stop with Ctrl-C. Ask from another terminal with $(CURDIR)/$(BINARY) query"
	@exec $(BINARY) watch "$(ROOT)"

# Before anything is built: an answer after a minute of compiling is no answer.
check-root:
	@if [ -z "$(ROOT)" ]; then \
	  echo 'make run watches a directory and needs to know which: make run ROOT=/srv' >&2; \
	  echo 'It stays in the foreground and keeps its journal in $$JOURNAL_DB, or where `journal watch --help` says.' >&2; \
	  exit 64; \
	elif ! [ -d "$(ROOT)" ]; then \
	  echo 'make run: $(ROOT): not a directory' >&2; exit 66; \
	fi

build: needs ## Build the release binary, .build/release/journal
	$(RELEASE)

# Debian has no Datasette. Where consumer-deps has put it, tests find it.
DATASETTE := $(CURDIR)/.build/datasette/bin
test: export PATH := $(PATH):$(DATASETTE)
test: test-needs ## Build and run every test
	swift test

test-consumers: test-needs consumer-deps ## Run the recipes of Documentation with the tools that they are for
	swift test --filter 'RecipeTests|ListTests'

# The tests too are compiled for release: they have more to compare than the journal has to answer. In a directory of its
# own, since a binary that lets itself be tested is none to install.
SOAK_MINUTES ?= 30
SOAK := .build/soak
soak: test-needs ## Look for what is wrong, with random seeds: make soak SOAK_MINUTES=30
	$(RELEASE) --scratch-path $(SOAK)
	cp $(SOAK)/release/journal $(SOAK)/journal
	swift build --scratch-path $(SOAK) -c release --build-tests -Xswiftc -enable-testing
	@Packaging/soak $(SOAK_MINUTES)

# Each watcher is instrumented too, and a report of one fails the run, whatever the test thought of it. The status of the
# sanitizers' own choice is taken: 66 is `no input`. FILTER=NAME runs some of the tests.
SANITIZED = --scratch-path .build/$(1) --sanitize=$(1)
sanitize: test-needs ## Run the tests under Thread Sanitizer, then under Address Sanitizer
	swift build $(call SANITIZED,thread) --build-tests
	clang -shared -fPIC -O1 -o .build/thread/mutex.so Tests/mutex.c -ldl
	LD_PRELOAD=$(CURDIR)/.build/thread/mutex.so JOURNAL_SANITIZER=thread TSAN_OPTIONS=exitcode=86 \
	  swift test $(call SANITIZED,thread) --skip-build $(if $(FILTER),--filter '$(FILTER)')
	JOURNAL_SANITIZER=address ASAN_OPTIONS=exitcode=86:detect_leaks=0 \
	  swift test $(call SANITIZED,address) $(if $(FILTER),--filter '$(FILTER)')

# ONLY=U,T chooses workloads, SCRATCH=DIR another place than /dev/shm, KEEP=1 leaves what was made.
REPEAT ?= 3
JSON ?= .build/bench.json
BENCHED = run --journal $(BINARY) --repeat $(REPEAT) --json $(JSON) $(if $(ONLY),--only $(ONLY)) \
  $(if $(SCRATCH),--scratch '$(SCRATCH)') $(if $(KEEP),--keep)
bench: build-bench ## Measure each target beside its peers, in ten minutes: make bench ONLY=U REPEAT=5
	@$(BENCH) $(BENCHED)

bench-quick: build-bench ## The same at a tenth of the size, in three
	@$(BENCH) $(BENCHED) --quick

build-bench: build
	$(RELEASE:journal=Bench)

perf-guard: build-bench ## Count instructions, and fail where there are 2 % more than those kept
	@$(BENCH) guard --journal $(BINARY)

perf-guard-accept: build-bench ## Count instructions and keep them: after an improvement, or a new compiler
	@$(BENCH) guard --journal $(BINARY) --accept

$(BINARY):
	$(MAKE) build

install: $(BINARY) ## Install the binary and the systemd unit: make install PREFIX=/usr/local DESTDIR=
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(UNITDIR)"
	install -m 0755 -s $(BINARY) "$(DESTDIR)$(PREFIX)/bin/journal"
	sed 's|@PREFIX@|$(PREFIX)|g' Packaging/journal.service > "$(DESTDIR)$(UNITDIR)/journal.service"
	chmod 0644 "$(DESTDIR)$(UNITDIR)/journal.service"

uninstall: ## Remove what install put there; journals stay
	rm -f "$(DESTDIR)$(PREFIX)/bin/journal" "$(DESTDIR)$(UNITDIR)/journal.service"

format: ## Format the sources in place
	swift format --in-place --parallel --recursive $(SOURCES)

lint: ## Say what format would change, and fail if that is anything
	swift format lint --strict --parallel --recursive $(SOURCES)

clean: ## Remove all that was built
	rm -rf .build

# One package a line that has to be there: a test that says so, and the package's name.
needs:
	@command -v swift > /dev/null || { echo 'make: no swift in PATH: install Swift 6.2 or later, https://swift.org/install' >&2; exit 69; }
	@missing=; \
	pkg-config --exists sqlite3 2> /dev/null || missing=' pkg-config libsqlite3-dev'; \
	$(install-missing)

# The tests mount file systems, change users and read the database with sqlite3. Only root can do the first two, and
# tests that cannot do what they need say so and are skipped.
test-needs: needs
	@missing=; has() { command -v "$$1" > /dev/null || missing="$$missing $$2"; }; \
	PATH="$$PATH:/usr/sbin:/sbin"; \
	if [ "$$(id -u)" = 0 ]; then \
	  has sqlite3 sqlite3; has python3 python3; has git git; has mkfs.ext4 e2fsprogs; has mkfs.xfs xfsprogs; has rsync rsync; has mkfs.btrfs btrfs-progs; has bindfs bindfs; has mount mount; has setpriv util-linux; has cc gcc; \
	fi; \
	$(install-missing)

consumer-deps: needs ## Install the tools that lists are for; tests of those that are missing are skipped
	@missing=; has() { command -v "$$1" > /dev/null || missing="$$missing $$2"; }; \
	has restic restic; has borg borgbackup; has rsync rsync; has rclone rclone; has bup bup; has git git; \
	has recollindex recollcmd; [ -x '$(DATASETTE)/datasette' ] || has datasette python3-venv; \
	$(install-missing)
	@command -v datasette > /dev/null || [ -x '$(DATASETTE)/datasette' ] \
	|| { python3 -m venv .build/datasette && '$(DATASETTE)/pip' install --quiet datasette; } \
	|| echo 'make: datasette cannot be installed, and its test is skipped' >&2

bench-deps: needs ## Install what `make bench` compares with, and valgrind
	@missing=; has() { command -v "$$1" > /dev/null || missing="$$missing $$2"; }; \
	PATH="$$PATH:/usr/sbin:/sbin"; \
	has inotifywait inotify-tools; has find findutils; has bfs bfs; has watchman watchman; has updatedb plocate; \
	has sqlite3 sqlite3; has git git; has tar tar; has mkfs.ext4 e2fsprogs; has mount mount; has valgrind valgrind; \
	$(install-missing)

# Installs the packages in $missing.
define install-missing
[ -z "$$missing" ] && exit 0; \
if ! command -v apt-get > /dev/null; then \
  echo "make: missing:$$missing (Debian's names), and there is no apt-get here: install them and try again" >&2; exit 69; \
fi; \
if [ "$$(id -u)" = 0 ]; then sudo=; \
elif command -v sudo > /dev/null; then sudo=sudo; \
else echo "make: missing:$$missing; as root: apt-get install$$missing" >&2; exit 77; fi; \
echo "Installing$$missing"; \
$$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
endef
