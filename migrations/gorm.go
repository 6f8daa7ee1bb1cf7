package migrations

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
	"modernc.org/sqlite"
)

// gormConfig switches off what costs or leaks: the default logger prints parameters (addresses), and the implicit
// transaction round single statements halves the rate.
func gormConfig() *gorm.Config {
	return &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
		NamingStrategy:         schema.NamingStrategy{},
	}
}

// IsDuplicate says whether err is the breach of a unique key, on either dialect (gorm's own translation does not know
// the pure-Go SQLite driver).
func IsDuplicate(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == 2067 || lite.Code() == 1555 // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23505")
}
