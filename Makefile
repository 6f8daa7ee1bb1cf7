# make check is the whole gate: CI runs it and nothing else. make help says what the other targets are for.
# Every tool is pinned here; every module in go.mod.
GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
BASE        ?= HEAD
FUZZTIME    ?= 30s
DESTDIR     ?=
PREFIX      ?= /usr/local
ROW         ?= all
export GO STATICCHECK FUZZTIME

.PHONY: help build quick check packages format vet lint test tour nodes fuzz drift bench install

help: ## say each target in a line
	@awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

build: ## build the static binary ./notifyd
	CGO_ENABLED=0 $(GO) build -trimpath -o notifyd ./cmd/notifyd

quick: ## format, vet, lint and test what differs from BASE (HEAD), within a minute
	@./contrib/check/quick.sh $(BASE)

check: packages format vet lint test ## the whole gate: everything below, every test against real servers, with the race detector

packages: ## install the Debian packages that the tests need, or name them, and build the provider that they sign in at
	@./contrib/check/packages.sh
	@./contrib/check/dex.sh >/dev/null

format: ## say which files gofmt would change
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard -- '*.go')); \
	if [ -n "$$files" ]; then echo "gofmt would change:"; echo "$$files"; \
	echo "run: gofmt -w" $$files; exit 1; fi

vet: ## run go vet
	$(GO) vet ./...

lint: ## run staticcheck, pinned
	$(GO) run $(STATICCHECK) ./... || { ./contrib/check/advice.sh lint; exit 1; }

# NOTIFYD_REQUIRE turns "skipped, because a program is missing" into a failure.
test: ## run every test with the race detector; a missing program is a failure
	@NOTIFYD_REQUIRE=1 $(GO) test -race -timeout 18m ./... || { ./contrib/check/advice.sh test; exit 1; }

# A part of test; here it says what each story has shown.
tour: ## play contrib/tour: notifyd with the real peers, a story each
	@cd contrib/tour && $(GO) test -count=1 -args -show

# A part of test plays the shortest row. All rows take some twenty minutes.
nodes: ## play faults on three nodes in network namespaces (ROW=kill: one of the rows of doc/scaling.md)
	@cd contrib/nodes && $(GO) test -count=1 -timeout 90m -args -row $(ROW)

# No part of check: it takes a quarter of an hour.
fuzz: ## fuzz every target for FUZZTIME (30s) each, and name the inputs to commit
	@./contrib/check/fuzz.sh

# A part of test mutates a sample.
drift: ## mutate every field of every message that is at hand, and read what is said of the mutants
	$(GO) test ./rulespec/catalogue -count=1 -run 'TestDrift$$' -v -args -drift

# No part of check: it takes some twenty minutes on a machine with nothing else to do. BENCH names groups of contrib/bench/run.sh.
bench: ## measure the engine and say which targets of doc/performance.md are met
	./contrib/bench/run.sh $(BENCH)

# A configuration that is there already is left as it is.
# It does not build: whoever may write to /usr often has no Go (sudo forgets PATH), and need not run a compiler.
install: ## install binary, unit, sample configuration (DESTDIR, PREFIX)
	@test -x notifyd || { echo "notifyd is not built yet: run make build first, as yourself"; exit 1; }
	install -D -m 0755 notifyd $(DESTDIR)$(PREFIX)/bin/notifyd
	test -e $(DESTDIR)/etc/notifyd/notifyd.yaml || install -D -m 0640 contrib/notifyd.yaml $(DESTDIR)/etc/notifyd/notifyd.yaml
	@if test -z "$(DESTDIR)" && getent group notifyd >/dev/null; then \
	chgrp notifyd /etc/notifyd/notifyd.yaml; else \
	echo "the configuration is for root alone until: chgrp notifyd /etc/notifyd/notifyd.yaml"; fi
	install -D -m 0644 contrib/notifyd.service $(DESTDIR)/lib/systemd/system/notifyd.service
	sed -i 's|^ExecStart=/usr/local/|ExecStart=$(PREFIX)/|' $(DESTDIR)/lib/systemd/system/notifyd.service
	install -D -m 0644 contrib/notifyd.sysusers $(DESTDIR)/usr/lib/sysusers.d/notifyd.conf
