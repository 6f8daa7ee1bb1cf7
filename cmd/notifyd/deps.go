//go:build deps

// Package main: temporary list that keeps go mod tidy from dropping pinned modules; removed before release.
package main

import (
	_ "github.com/alecthomas/kong"
	_ "github.com/alexedwards/scs/v2"
	_ "github.com/cenkalti/backoff/v5"
	_ "github.com/chromedp/chromedp"
	_ "github.com/emersion/go-smtp"
	_ "github.com/ergochat/irc-go/ircevent"
	_ "github.com/esiqveland/notify"
	_ "github.com/expr-lang/expr"
	_ "github.com/go-zeromq/zmq4"
	_ "github.com/go-zeromq/zmq4/security/null"
	_ "github.com/goccy/go-yaml"
	_ "github.com/godbus/dbus/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/pressly/goose/v3"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/wneessen/go-mail"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/text/width"
	_ "golang.org/x/time/rate"
	_ "gorm.io/driver/postgres"
	_ "gorm.io/driver/sqlite"
	_ "gorm.io/gorm"
	_ "modernc.org/sqlite"
	_ "pgregory.net/rapid"
)

func main() {}
