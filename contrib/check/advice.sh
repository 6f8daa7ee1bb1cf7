#!/bin/sh
# Prints after a failed step what to run and what to read.
case $1 in
lint)
	cat <<-'TXT'

	What the compiler, go vet or staticcheck says stands above, with file and line. A check's name in brackets (SA4006)
	is explained by: the -explain flag of staticcheck (Makefile has its version)
	TXT
	;;
test)
	cat <<-'TXT'

	A test failed. Its message says what is missing and in which file. What helps:
	  go test ./ROOM -run 'NAME' -v     one test of one room, without the rest
	  make quick                        what your change touches, within a minute
	  CONTRIBUTING.md                   the recipes: what each addition consists of
	  doc/architecture.md               which room may import which, and the words
	A test that fails only on a busy machine is a fault of the test: say so in an issue.
	TXT
	;;
esac >&2
