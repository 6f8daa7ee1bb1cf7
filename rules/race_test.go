//go:build race

package rules_test

// casesByDefault is how many cases TestOracle has where NOTIFYD_CASES does not say: fewer with the race detector, by
// which each takes several times as long.
const casesByDefault = 600_000
