#!/bin/sh
# Measures what things cost, above all the engine, and reports which targets of doc/performance.md are met.
#
#   contrib/bench/run.sh [group ...]     groups: fair verify hostile delivery floor loop exact texts worst names broad
#                                        default shared archive
#
# Without a group it runs all of them but shared, which needs ../shared, and archive, which needs 12 GB. The groups with
# ten million filters run one after the other, each in a process of its own, so that one does not affect the memory of
# the next. NOTIFYD_BENCH_OUT is the folder for the raw output, NOTIFYD_BENCH_COUNT the number of times that each figure
# is measured (5), NOTIFYD_BENCH_MOST the largest number of filters (10000000). With NOTIFYD_BENCH_DOC=1 the table
# replaces the one in doc/performance.md.
set -eu
cd "$(dirname "$0")/../.."

benchstat=golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
out=${NOTIFYD_BENCH_OUT:-/tmp/notifyd-bench}
count=${NOTIFYD_BENCH_COUNT:-5}
most=${NOTIFYD_BENCH_MOST:-10000000}
few=$((most / 10))
[ $# -gt 0 ] || set -- fair verify hostile delivery floor loop exact texts worst names broad default

mkdir -p "$out"
raw=$out/raw.txt
{
	echo "commit: $(git rev-parse --short HEAD 2>/dev/null || echo none)"
	echo "go: $(go env GOVERSION)"
	echo "processors: $(nproc)"
} >"$raw"
go test -c -o "$out/rules.test" ./rules

# measure GROUP FILTERS BENCHTIME COUNT PATTERN
measure() {
	echo "# $1: load $(cut -d' ' -f1 /proc/loadavg) at $(date -u +%H:%M:%S)" | tee -a "$raw" >&2
	(cd rules && NOTIFYD_FILTERS=$2 "$out/rules.test" -test.run '^$' -test.timeout 30m -test.benchtime "$3" -test.count "$4" -test.bench "$5") >"$out/last.txt" 2>&1 || {
		cat "$out/last.txt" >&2
		echo "# $1: failed" >>"$raw"
		failed=1
	}
	grep -E '^(goos|goarch|pkg|cpu|Benchmark)' "$out/last.txt" | tee -a "$raw" >&2
}

# room GROUP FOLDER BENCHTIME PATTERN measures what is not about the engine.
room() {
	go test -c -o "$out/room.test" "./$2"
	echo "# $1: load $(cut -d' ' -f1 /proc/loadavg) at $(date -u +%H:%M:%S)" | tee -a "$raw" >&2
	(cd "$2" && "$out/room.test" -test.run '^$' -test.benchtime "$3" -test.count "$count" -test.bench "$4") >"$out/last.txt" 2>&1 || {
		cat "$out/last.txt" >&2
		echo "# $1: failed" >>"$raw"
		failed=1
	}
	grep -E '^(goos|goarch|pkg|cpu|Benchmark)' "$out/last.txt" | tee -a "$raw" >&2
}

failed=0
for group; do
	case $group in
	fair) room fair bus 500ms '^BenchmarkFairShare$' ;;
	verify)
		room verify bus/trust 500ms '^BenchmarkVerify'
		room "verify, end to end" cmd/notifyd/daemon 4000x '^BenchmarkVerify$/^(off|on|ratio)'
		;;
	hostile) room hostile cmd/notifyd/daemon 20x '^BenchmarkHostileMessage$' ;;
	delivery)
		room delivery cmd/notifyd/daemon 10000x '^BenchmarkDelivery$'
		room "delivery, nodes" outbox 10000x '^Benchmark(Send|Nodes)$'
		echo "disk: 16.7 MB when each delivery had its own text"
		room "delivery, disk" outbox 1x '^BenchmarkDisk$'
		;;
	floor) measure floor 1000 300ms "$count" '^BenchmarkFloor$' ;;
	loop) measure loop "$few" 2s 3 '^BenchmarkLoop$' ;;
	exact)
		measure exact "$few,$most" 1s "$count" '^BenchmarkExact$'
		measure exact "$most" 500ms "$count" '^BenchmarkEngine$/^exact$/^[0-9]+$/^(memory|find|choice|snapshot)$'
		;;
	texts) measure texts 1000,10000,100000 500ms "$count" '^BenchmarkTexts$' ;;
	worst) measure worst "$few" 200ms "$count" '^BenchmarkWorst$' ;;
	names) measure names "$few" 500ms "$count" '^Benchmark(Names|HugeText)$' ;;
	broad) measure broad "$most" 500ms "$count" '^BenchmarkEngine$/^broad$/^[0-9]+$/^(memory|find|choice|snapshot)$' ;;
	default)
		measure default "$few" 1s "$count" '^BenchmarkEngine$/^default$'
		measure default "$most" 1s "$count" '^BenchmarkEngine$/^default$'
		;;
	shared) ./contrib/bench/shared.sh "$out" ;;
	archive) ./contrib/bench/archive.sh "$out" ;;
	*)
		echo "no group $group" >&2
		exit 2
		;;
	esac
done

if ! go run "$benchstat" -row .fullname "$raw" >"$out/benchstat.txt" 2>"$out/benchstat.log"; then
	echo "benchstat could not be had (see $out/benchstat.log); the medians below do not need it" >&2
fi
awk -v few="$few" -v most="$most" -f contrib/bench/targets.awk "$raw" | tee "$out/targets.md"
if [ -n "${NOTIFYD_BENCH_DOC:-}" ]; then
	awk -v table="$out/targets.md" '
		/^<!-- end of what make bench has measured -->$/ { skip = 0 }
		!skip
		/^<!-- what make bench has measured -->$/ { skip = 1; print ""; while ((getline line <table) > 0) print line; print "" }
	' doc/performance.md >"$out/performance.md"
	cp "$out/performance.md" doc/performance.md
fi
exit "$failed"
