#!/bin/sh
# Formats, vets, lints and tests what a change touches: files that differ from a revision (HEAD) and new ones.
#
#   contrib/check/quick.sh [revision]
#
# Vet also sees the packages that import a changed one. The script runs the tests of the changed packages and of those that
# hold the changed files, without the race detector. Of cmd/notifyd, whose tests start real servers, it runs only the
# tests of the layout. The first run also builds staticcheck. make check remains the gate.
set -eu
cd "$(dirname "$0")/../.."
go=${GO:-go}

IFS='
' # one file a line: names may have spaces
set -f
files=$(git -c core.quotePath=false diff --name-only --no-renames "${1:-HEAD}" -- &&
	git -c core.quotePath=false ls-files -o --exclude-standard)
if [ -z "$files" ]; then
	echo "nothing differs from ${1:-HEAD}; make quick BASE=main looks at a whole branch"
	exit 0
fi

go_files=$(for f in $files; do case $f in *.go) [ ! -e "$f" ] || echo "$f" ;; esac; done)
# shellcheck disable=SC2086 # split at lines
[ -z "$go_files" ] || gofmt -l -w $go_files | sed 's/^/formatted: /'

# folder_of FILE prints the folder of the Go package whose tests hold the file.
folder_of() {
	case $1 in
	doc/rules.md) echo rulespec ;;
	doc/catalogue.md) echo rulespec/catalogue && echo rulespec/catalogue/language ;;
	doc/web.md) echo web ;;
	contrib/notifyd.yaml | doc/operating.md) echo cmd/notifyd && echo cmd/notifyd/daemon/sections ;;
	*.md | Makefile) echo cmd/notifyd ;;
	rulespec/kind*) echo rules ;;
	prefs/rows.go | history/rows.go | outbox/model.go) echo migrations ;;
	backends/*/*) echo backends/all && echo cmd/notifyd/daemon/sections ;;
	bus/*/*) echo bus/all && echo cmd/notifyd/daemon/sections ;;
	esac
	folder=$(dirname "$1")
	while [ "$folder" != . ] && [ -z "$(find "$folder" -maxdepth 1 -name '*.go' 2>/dev/null)" ]; do
		folder=$(dirname "$folder")
	done
	[ "$folder" = . ] || echo "$folder"
}

touched=$(for f in $files; do folder_of "$f"; done | grep -v testdata | sort -u)
sections=$(printf '%s\n' $touched | grep -x cmd/notifyd/daemon/sections || true)
changed=$(printf '%s\n' $touched | grep -vx cmd/notifyd/daemon/sections | sed -n 's|^.|./&|p' || true)
[ -n "$changed" ] || changed=./cmd/notifyd
echo "touched: $changed" | tr '\n' ' '
echo

# shellcheck disable=SC2086
module_paths=$($go list $changed)
importers=$($go list -f '{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... |
	awk -v changed="$module_paths" 'BEGIN { n = split(changed, c, "\n"); for (i = 1; i <= n; i++) want[c[i]] = 1 }
		{ for (i = 1; i <= NF; i++) if ($i in want) { print $1; next } }')
# shellcheck disable=SC2086
$go build ./... && $go vet $importers && $go run "${STATICCHECK:?run me by make quick}" $changed || {
	./contrib/check/advice.sh lint
	exit 1
}

rooms=$(printf '%s\n' $changed | grep -vx ./cmd/notifyd || true)
stories=""
case " $(printf '%s ' $files)" in *" cmd/notifyd/"[a-z_]*.go\ * | *" cmd/notifyd/testdata/"*) stories="|TestScripts" ;; esac
# shellcheck disable=SC2086
{ [ -z "$rooms" ] || $go test -short -timeout 5m $rooms; } &&
	{ [ -z "$sections" ] || $go test -timeout 5m ./cmd/notifyd/daemon -run 'Sample|Secrets|Document|Manual'; } &&
	$go test -timeout 5m ./cmd/notifyd -run "Layout$stories" || {
	./contrib/check/advice.sh test
	exit 1
}
