#!/bin/sh
# Builds Dex, a real OpenID Connect provider that the tests sign in at, and says where it is. Go keeps the program in its
# cache: the first time takes a minute and asks the module proxy, later ones a second.
set -eu
cd "$(dirname "$0")/dex"
CGO_ENABLED=0 GOFLAGS=-trimpath ${GO:-go} tool -n dex
