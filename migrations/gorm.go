package migrations

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"modernc.org/sqlite"
)

// gormConfig switches off what costs or leaks: the default logger prints parameters (addresses), and the implicit
// transaction round single statements halves the rate.
func gormConfig() *gorm.Config {
	return &gorm.Config{Logger: logger.Discard, SkipDefaultTransaction: true}
}

// The codes of a breach of a unique key (SQLite, "Result and Error Codes"; PostgreSQL, "Appendix A").
const (
	sqliteUnique     = 2067
	sqlitePrimaryKey = 1555
	postgresUnique   = "23505"
)

// IsDuplicate says whether err is the breach of a unique key, on either dialect (gorm's own translation does not know
// the pure-Go SQLite driver). On PostgreSQL the transaction that met it can only be rolled back.
func IsDuplicate(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqliteUnique || lite.Code() == sqlitePrimaryKey
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == postgresUnique
}
