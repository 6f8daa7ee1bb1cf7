//go:build !race

package rules_test

// casesByDefault is how many cases TestOracle has where NOTIFYD_CASES does not say.
const casesByDefault = 2_000_000
