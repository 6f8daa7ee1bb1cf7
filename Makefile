# make check is the whole gate: CI runs it and nothing else.
# Every tool is pinned here; every module in go.mod.
GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
DESTDIR     ?=
PREFIX      ?= /usr/local

.PHONY: build check packages format vet lint test bench install

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o notifyd ./cmd/notifyd

check: packages format vet lint test

packages:
	./contrib/check/packages.sh

format:
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard -- '*.go')); \
	if [ -n "$$files" ]; then echo "gofmt would change:"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet ./...

lint:
	$(GO) run $(STATICCHECK) ./...

# NOTIFYD_REQUIRE turns "skipped, because a program is missing" into a failure.
test:
	NOTIFYD_REQUIRE=1 $(GO) test -race -timeout 18m ./...

# No part of check: it takes some twenty minutes on a machine with nothing else to do. BENCH names groups of contrib/bench/run.sh.
bench:
	./contrib/bench/run.sh $(BENCH)

# A configuration that is there already is left as it is.
# It does not build: whoever may write to /usr often has no Go (sudo forgets PATH), and need not run a compiler.
install:
	@test -x notifyd || { echo "notifyd is not built yet: run make build first, as yourself"; exit 1; }
	install -D -m 0755 notifyd $(DESTDIR)$(PREFIX)/bin/notifyd
	test -e $(DESTDIR)/etc/notifyd/notifyd.yaml || install -D -m 0640 contrib/notifyd.yaml $(DESTDIR)/etc/notifyd/notifyd.yaml
	install -D -m 0644 contrib/notifyd.service $(DESTDIR)/lib/systemd/system/notifyd.service
	install -D -m 0644 contrib/notifyd.sysusers $(DESTDIR)/usr/lib/sysusers.d/notifyd.conf
