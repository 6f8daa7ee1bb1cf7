#!/bin/sh
# Fuzzes every target of every room, one after the other, for $FUZZTIME each (30s). All of them run, even if one
# fails. The end of the output names the targets that failed and the files to commit.
#
#   contrib/check/fuzz.sh [ROOM ...]     such as ./directory
#
# Go stores the input that broke a target in testdata/fuzz, and plain `go test` runs it from then on.
set -eu
cd "$(dirname "$0")/../.."
go=${GO:-go}
time=${FUZZTIME:-30s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

[ $# -gt 0 ] || set -- $(git ls-files -co --exclude-standard -- '*_test.go' | xargs grep -l '^func Fuzz' |
	xargs -n 1 dirname | sort -u | sed 's|^|./|')

# fuzz ROOM TARGET. Go may end a run that found nothing with "context deadline exceeded" (golang.org/issue/75804); that is
# no failure of the target.
fuzz() {
	if $go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "$time" >"$log" 2>&1; then
		echo "ok    $1 $2: $(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
	elif grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log"; then
		echo "ok    $1 $2: ended late"
	else
		echo "FAIL  $1 $2"
		grep -v '^fuzz: ' "$log" | head -n 60
		failed="$failed
  $1 $2: $(sed -n "s|.*Failing input written to |git add ${1#./}/|p" "$log")"
	fi
}

failed=""
for room; do
	for target in $($go test "$room" -list '^Fuzz' | grep '^Fuzz' || true); do
		fuzz "$room" "$target"
	done
done
if [ -n "$failed" ]; then
	echo "failed; mend the cause and commit the input, small, so that every run of the tests tries it:$failed" >&2
	exit 1
fi
