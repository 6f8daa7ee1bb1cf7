#!/bin/sh
# Shows where the time of one benchmark goes: contrib/bench/profile.sh FILTERS PATTERN [lines], such as
#
#   contrib/bench/profile.sh 1000000 'Engine/^default$/^[0-9]+$/^find$'
#
# The profile also contains the building of the index, so measure long enough: NOTIFYD_BENCH_TIME (20s).
set -eu
cd "$(dirname "$0")/../.."
out=${NOTIFYD_BENCH_OUT:-/tmp/notifyd-bench}
mkdir -p "$out"
go test -c -o "$out/rules.test" ./rules
(cd rules && NOTIFYD_FILTERS=$1 "$out/rules.test" -test.run '^$' -test.timeout 30m -test.benchtime "${NOTIFYD_BENCH_TIME:-20s}" \
	-test.cpuprofile "$out/cpu.pprof" -test.bench "$2") | grep ^Benchmark
go tool pprof -top -nodecount "${3:-20}" -focus 'benchFind|benchChoice|benchThroughput|benchChanges|benchTexts|benchAgainst|benchSnapshot|BenchmarkTexts|BenchmarkNames' \
	"$out/rules.test" "$out/cpu.pprof"
