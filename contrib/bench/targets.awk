# Reads what contrib/bench/run.sh has measured and prints one table of targets: the median of each figure, its spread, the
# bound, and whether it is met. A figure that was not measured has no line.

/^# / { sub(/^# /, ""); loads = loads (loads ? "; " : "") $0; next }
/^(commit|go|processors|cpu):/ { if (!told[$0]++) head = head (head ? ", " : "") $0; next }
/^Benchmark/ {
	name = $1
	sub(/^Benchmark/, "", name)
	sub(/-[0-9]+$/, "", name) # the number of processors
	for (i = 3; i < NF; i += 2) {
		key = name " " $(i + 1)
		last[key] = 1
		value[key, ++taken[key]] = $i + 0
	}
}

# median gives the median of a figure, and sets low and high; none is told by known.
function median(key,    n, i, j, t, v) {
	n = taken[key]
	known = n > 0
	if (!known) return 0
	for (i = 1; i <= n; i++) v[i] = value[key, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	low = v[1]; high = v[n]
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function short(x) {
	if (x >= 1000 || x == int(x)) return sprintf("%.0f", x)
	return sprintf("%.3g", x)
}

# row prints a figure times scale. sign is -1 where it may be at most bound, 1 where it must be at least.
function row(what, key, scale, unit, sign, bound,    v) {
	v = median(key) * scale
	if (!known) return
	line(what, v, low * scale, high * scale, unit, sign, bound)
}

function line(what, v, from, to, unit, sign, bound) {
	printf "| %s | %s %s | %s to %s | %s %s | %s |\n", what, short(v), unit, short(from), short(to), \
		(sign < 0) ? "at most" : "at least", short(bound), ((v - bound) * sign >= 0) ? "met" : "missed"
}

function plain(what, key, scale, unit,    v) {
	v = median(key) * scale
	if (known) printf "| %s | %s %s | %s to %s | | |\n", what, short(v), unit, short(low * scale), short(high * scale)
}

# words gives a number of filters in words.
function words(n) { return n >= 1000000 ? n / 1000000 "M" : n >= 1000 ? n / 1000 "k" : n }

END {
	printf "%s\n%s\n\n", head, loads
	print "| what | median | from, to | target | |"
	print "|---|---|---|---|---|"
	plain("floor: a read of memory that waits for the last", "Floor/read ns/read", 1, "ns")
	plain("floor: a look into a map of 1M names", "Floor/probe ns/probe", 1, "ns")
	plain("floor: copying an id, runs of 4096", "Floor/copy-4096 ns/id", 1, "ns")
	plain("floor: copying an id, runs of 30", "Floor/copy-30 ns/id", 1, "ns")
	read = median("Floor/read ns/read")

	plain("the loop, default mix, " words(few), "Loop/" few "/ratio ms-loop", 1, "ms")
	plain("the index, same run", "Loop/" few "/ratio µs-index", 1, "µs")
	row("index to loop, default mix, " words(few), "Loop/" few "/ratio ratio", 1, "", -1, 0.0005)

	row("exact, " words(few), "Exact/ratio µs-" few, 1, "µs", -1, 5)
	row("exact, " words(most), "Exact/ratio µs-" most, 1, "µs", -1, 5)
	row("exact, " words(most) " to " words(few) ", same run", "Exact/ratio ratio", 1, "", -1, 1.5)
	many = median("Exact/ratio µs-" most)
	if (known && read) printf "| exact, %s, in reads of memory | %s | | | |\n", words(most), short(many * 1000 / read)

	plain("broad, " words(most) ", matches", "Engine/broad/" most "/find matches/op", 1, "")
	row("exact and broad, " words(most) ", by reference", "Engine/broad/" most "/find ns/op", 0.001, "µs", -1, 15)
	row("the same, processor time", "Engine/broad/" most "/find cpu-µs/op", 1, "µs", -1, 15)
	row("choosing one filter for each owner, broad, " words(most) ", a match", "Engine/broad/" most "/choice ns/match", 1, "ns", -1, 3)
	row("the same, default, " words(most), "Engine/default/" most "/choice ns/match", 1, "ns", -1, 3)
	row("the same, default, " words(few), "Engine/default/" few "/choice ns/match", 1, "ns", -1, 3)

	for (n = 1000; n <= 100000; n *= 10) {
		satisfied = median("Texts/" n " matches/op")
		row("expressions over texts, " words(n) ", " short(satisfied) " satisfied", "Texts/" n " ns/op", 0.001, "µs", -1, 20 + satisfied)
		row("the same, processor time", "Texts/" n " cpu-µs/op", 1, "µs", -1, 20 + satisfied)
	}

	plain("default, " words(few) ", a message", "Engine/default/" few "/find ns/op", 0.001, "µs")
	plain("the same, processor time", "Engine/default/" few "/find cpu-µs/op", 1, "µs")
	plain("default, " words(most) ", a message", "Engine/default/" most "/find ns/op", 0.001, "µs")
	plain("the same, processor time", "Engine/default/" most "/find cpu-µs/op", 1, "µs")
	plain("default, " words(most) ", matches", "Engine/default/" most "/find matches/op", 1, "")
	row("messages a second, all processors, default, " words(few), "Engine/default/" few "/throughput messages/s", 1, "", 1, 8000)
	row("the same, by processor time", "Engine/default/" few "/throughput messages/s-alone", 1, "", 1, 8000)
	row("messages a second, all processors, default, " words(most), "Engine/default/" most "/throughput messages/s", 1, "", 1, 1300)
	row("the same, by processor time", "Engine/default/" most "/throughput messages/s-alone", 1, "", 1, 1300)

	row("heap, exact, " words(most), "Engine/exact/" most "/memory B/filter", 1, "B a filter", -1, 32)
	row("heap, broad, " words(most), "Engine/broad/" most "/memory B/filter", 1, "B a filter", -1, 32)
	row("heap, default, " words(most) ", less 400 B an expression", "Engine/default/" most "/memory B/filter-net", 1, "B a filter", -1, 32)
	row("resident, exact, " words(most), "Engine/exact/" most "/memory MB-resident", 1, "MB", -1, 450)
	row("resident, broad, " words(most), "Engine/broad/" most "/memory MB-resident", 1, "MB", -1, 450)
	row("resident, default, " words(most), "Engine/default/" most "/memory MB-resident", 1, "MB", -1, 450)
	plain("peak of the process while loading, default, " words(most), "Engine/default/" most "/memory MB-peak", 1, "MB")

	change("change-1", "one matching")
	change("change-2", "both processors matching")

	loading("exact"); loading("broad"); loading("default")

	row("a message beside six floods of 1 MB: batches until it comes", "FairShare/6_of_1_MB batches/op", 1, "", -1, 1)
	row("the same, what comes with it or before", "FairShare/6_of_1_MB bytes/op", 0.000001, "MB", -1, 2)
	row("the same beside six floods of 1 kB, frames", "FairShare/6_of_1_kB frames/op", 1, "", -1, 256)
	row("verifying x509", "Verify/x509 ns/op", 0.001, "µs", -1, 100)
	row("verifying x509, a certificate not met before", "Verify/x509-certificate ns/op", 0.001, "µs", -1, 100)
	row("verifying GPG", "Verify/gpg ns/op", 0.001, "µs", -1, 100)
	worst = ""
	for (key in last)
		if (key ~ /^HostileMessage\/.* ms$/ && (worst == "" || median(key) > median(worst))) worst = key
	if (worst != "") row("a hostile message, from frame to plan, the worst shape: " substr(worst, 16, length(worst) - 18), worst, 1, "ms", -1, 5)

	few1 = "Worst/everything/" few
	row("worst: `everything` of everybody, by reference", few1 "/find cpu-µs/op", 1, "µs", -1, 500 * few / 1000000)
	row("the same, choice, a match", few1 "/choice ns/match", 1, "ns", -1, 3)
	few1 = "Worst/hot-app/" few
	row("worst: one application that all name, by reference", few1 "/find cpu-µs/op", 1, "µs", -1, 500 * few / 1000000)
	row("the same, choice, a match", few1 "/choice ns/match", 1, "ns", -1, 3)
	hot = 1000 * median(few1 "/find cpu-µs/op")
	few1 = "Worst/topics-under-not/" few
	row("worst: 220 topics under `not`, by reference; 3 ns each", few1 "/find cpu-µs/op", 1, "µs", -1, (hot + 663) / 1000)
	row("the same, choice, a match", few1 "/choice ns/match", 1, "ns", -1, 3)
	few1 = "Worst/texts-under-not/" few
	row("worst: 1,000 expressions under `not`; 20 µs and 3 ns each", few1 "/find cpu-µs/op", 1, "µs", -1, 23)
	few1 = "Worst/people-under-not/" few
	row("worst: everybody another person under `not`; as exact rules", few1 "/find cpu-µs/op", 1, "µs", -1, 5)
	few1 = "Worst/popular-under-not/" few
	row("worst: everybody the same person under `not`; as exact rules", few1 "/find cpu-µs/op", 1, "µs", -1, 5)
	row("worst: 400 expressions without a literal, behind an application, all reached; 10 µs each", "Worst/no-literal-residual/" few "/find cpu-µs/op", 1, "µs", -1, 4000)
	row("worst: a package name never seen, default, " words(few), "Names/" few "/new ns/op", 0.001, "µs", -1, 30)
	plain("the same, seen before", "Names/" few "/known ns/op", 0.001, "µs")
	for (i = 1; i <= 2; i++) {
		kind = i == 1 ? "words" : "all-words"
		satisfied = median("HugeText/" few "/" kind " matches/op")
		row("worst: a text of 1 MiB, 64 KiB searched, " (i == 1 ? "usual words" : "every word there is") ", " short(satisfied) " satisfied; 40 ns a byte and 1 µs each", \
			"HugeText/" few "/" kind " cpu-µs/op", 1, "µs", -1, 65536 * 0.04 + satisfied)
	}
}

function change(which, who) {
	plain("change visible, median, " words(few) ", " who, "Engine/default/" few "/" which " µs-median", 0.001, "ms")
	row("change visible, 99th percentile, " words(few) ", " who, "Engine/default/" few "/" which " µs-p99", 0.001, "ms", -1, 2)
	plain("change visible, median, " words(most) ", " who, "Engine/default/" most "/" which " µs-median", 0.001, "ms")
	row("change visible, 99th percentile, " words(most) ", " who, "Engine/default/" most "/" which " µs-p99", 0.001, "ms", -1, 5)
	row("changes a second kept up, " words(most) ", " who, "Engine/default/" most "/" which " changes/s", 1, "", 1, 9500)
}

function loading(mix,    at) {
	at = "Engine/" mix "/" most
	row("loading " words(most) ", " mix, at "/memory s-load", 1, "s", -1, 12)
	plain("the same, time of all processors", at "/memory cpu-s-load", 1, "s")
	plain("of that, making up the filters", at "/memory s-making", 1, "s")
	plain("writing a snapshot", at "/snapshot s-write", 1, "s")
	row("reading a snapshot, " words(most) ", " mix, at "/snapshot s-read", 1, "s", -1, 2)
	plain("the same, time of all processors", at "/snapshot cpu-s-read", 1, "s")
}
