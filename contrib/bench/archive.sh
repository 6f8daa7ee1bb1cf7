#!/bin/sh
# Measures a history of millions: loads a made-up archive (contrib/bench/archive) into an SQLite file, says how long that
# took and how large the file is, and asks the queries of web/datagrepper/archive_bench_test.go, each often with a warm
# cache and once with the file out of the cache.
#
#   contrib/bench/archive.sh [folder]
#
# NOTIFYD_BENCH_MESSAGES is the number of messages (5000000), NOTIFYD_BENCH_TIMES how often each query is asked (30).
# A file from before is asked again. NOTIFYD_ARCHIVE names another database that holds the archive, such as a
# postgres:// URL: then nothing is loaded, and nothing is put out of a cache.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-/tmp/notifyd-bench}
mkdir -p "$out"
out=$(realpath "$out")
messages=${NOTIFYD_BENCH_MESSAGES:-5000000}
times=${NOTIFYD_BENCH_TIMES:-30}
file=${NOTIFYD_ARCHIVE:-$out/archive.db}

if [ -z "${NOTIFYD_ARCHIVE:-}" ] && [ ! -e "$file" ]; then
	go build -trimpath -o "$out/notifyd" ./cmd/notifyd
	go build -trimpath -o "$out/archive" ./contrib/bench/archive
	printf 'database: {dsn: %s}\nhistory: {keep: 90000h, keep_bytes: 100000000000}\n' "$out/loading.db" >"$out/archive.yaml"
	rm -f "$out"/loading.db*
	begun=$(date +%s)
	"$out/archive" -n "$messages" | "$out/notifyd" -c "$out/archive.yaml" history import - 2>"$out/import.log" || {
		cat "$out/import.log" >&2
		exit 1
	}
	echo "$messages messages loaded in $(($(date +%s) - begun)) s"
	mv "$out/loading.db" "$file"
fi
[ ! -e "$file" ] || echo "$file has $(($(stat -c %s "$file") >> 20)) MiB"

go test -c -o "$out/datagrepper.test" ./web/datagrepper
cd web/datagrepper
echo "load $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) processors"
show() {
	awk '/^Benchmark/ { name = $1; sub(/^BenchmarkArchive./, "", name); sub(/-[0-9]+$/, "", name); gsub(/_/, " ", name)
		for (i = 3; i < NF; i += 2) v[$(i + 1)] = $i
		printf "%-38s %9.1f ms median %9.1f ms 99 %% %9d rows\n", name, v["ms-median"], v["ms-99%"], v["rows"] }
		/FAIL|panic/ { print }'
}
ask() { NOTIFYD_ARCHIVE=$file "$out/datagrepper.test" -test.run '^$' -test.timeout 60m -test.benchtime "$1x" -test.bench "$2"; }
ask "$times" '^BenchmarkArchive$' | tee "$out/archive.txt" | show
[ -e "$file" ] || exit 0
echo "once, with the file out of the cache:"
sed -n 's/^BenchmarkArchive.\(.*\)-[0-9]* .*/\1/p' "$out/archive.txt" | while read -r name; do
	dd if="$file" iflag=nocache count=0 status=none
	ask 1 "^BenchmarkArchive\$/^$name\$" | show
done
