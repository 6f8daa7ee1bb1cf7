#!/bin/sh
# Measures the engine with the filters and messages of ../shared/tools/match-workload. The naive loop of that tool
# also checks the results. Arguments after the folder for output are passed to the tool, such as
# -n 1000000 -mix 75,25,0,0,0.
set -eu
cd "$(dirname "$0")/../.."
tool=$(realpath ../shared/tools/match-workload) || exit 0
out=${1:-/tmp/notifyd-bench}
[ $# -eq 0 ] || shift
mkdir -p "$out"
cat >"$out/go.work" <<END
go $(awk '/^go /{print $2}' go.mod)

use (
	$PWD
	$PWD/contrib/bench/testdata/shared
	$tool
)
END
GOWORK=$out/go.work go build -o "$out/shared" ./contrib/bench/testdata/shared
"$out/shared" "${@:--n=1000000}" | tee "$out/shared.txt"
