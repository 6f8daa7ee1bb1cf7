package migrations_test

import (
	"database/sql"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm/schema"

	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/nodes"
	"github.com/notifyd/notifyd/cmd/notifyd/leases"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/erasure"
	"github.com/notifyd/notifyd/prefs/mutes"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/prefs/returned"
	"github.com/notifyd/notifyd/prefs/revisions"
	"github.com/notifyd/notifyd/prefs/surge"
)

// models are all gorm models of a dialect, in an order in which parents come first.
func models(d *migrations.DB) []any {
	all := slices.Concat(
		prefs.Models(),
		mutes.Models(),
		accounts.Models(),
		erasure.Models(),
		passkeys.Models(),
		returned.Models(),
		revisions.Models(),
		surge.Models(),
		rescue.Models(),
		history.Models(),
		outbox.Models(),
		desktop.Models(),
		irc.Models(),
		leases.Models(),
		nodes.Models(),
		directories.Models(),
	)
	if d.Postgres { // on SQLite it is a part of a model that is listed
		all = append(all, history.UniqueIDs(true))
	}
	return all
}

// TestModelsAndSchemaAgree checks that gorm would change nothing in the schema for the models.
func TestModelsAndSchemaAgree(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		rec := &recorder{DB: pool(t, d)}
		if err := recording(t, d, rec).AutoMigrate(append(models(d), history.UniqueIDs(d.Postgres))...); err != nil {
			t.Fatal(err)
		}
		if len(rec.statements) > 0 {
			t.Errorf("the steps of migrations/%s do not make what the models say; gorm would run\n\t%s\n"+
				"Add a step in both dialects, or mend the model: int64 is bigint on PostgreSQL, DEFAULT is default: in the tag.",
				dialect(d), strings.Join(rec.statements, "\n\t"))
		}
	})
}

// TestAutoMigrateIsSeen checks that the recorder would see a difference.
func TestAutoMigrateIsSeen(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		rec := &recorder{DB: pool(t, d)}
		if err := recording(t, d, rec).AutoMigrate(&changed{}); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(rec.statements, "\n")
		for _, want := range []string{"surprise", "idx_revisions_surprise"} {
			if !strings.Contains(all, want) {
				t.Errorf("no statement names %s: %s", want, all)
			}
		}
	})
}

type changed struct {
	ID       uint   `gorm:"primaryKey;autoIncrement:false"`
	Value    int64  `gorm:"not null"`
	Surprise string `gorm:"index:idx_revisions_surprise"`
}

func (changed) TableName() string { return "revisions" }

// TestColumnsBothWays checks what gorm does not: that every table and column has a model, and that no column may be
// null.
func TestColumnsBothWays(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		tables := map[string]bool{"notifyd_schema": true, "sqlite_sequence": true}
		for _, model := range models(d) {
			s := parse(t, d, model)
			tables[s.Table] = true
			types, err := d.Writer.Migrator().ColumnTypes(model)
			if err != nil {
				t.Fatal(err)
			}
			want := make(map[string]bool)
			for _, f := range s.Fields {
				want[f.DBName] = true
			}
			got := make(map[string]bool)
			for _, c := range types {
				got[c.Name()] = true
				primary, _ := c.PrimaryKey()
				if nullable, ok := c.Nullable(); ok && nullable && !primary {
					t.Errorf("migrations/%s: column %s.%s may be null; add NOT NULL", dialect(d), s.Table, c.Name())
				}
			}
			for column := range got {
				if !want[column] {
					t.Errorf("migrations/%s makes the column %s.%s, which %v has no field for",
						dialect(d), s.Table, column, s.ModelType)
				}
			}
			if len(want) > len(got) {
				t.Errorf("migrations/%s makes of %s the columns %v; %v has %v", dialect(d), s.Table,
					slices.Sorted(maps.Keys(got)), s.ModelType, slices.Sorted(maps.Keys(want)))
			}
		}
		stored, err := d.Writer.Migrator().GetTables()
		if err != nil {
			t.Fatal(err)
		}
		parts := partsOf(t, d)
		for _, table := range stored {
			if !tables[table] && !parts[table] {
				t.Errorf("migrations/%s makes the table %s, which no model is for: list one in Models() of its room, and "+
					"a new room in models() of this test", dialect(d), table)
			}
		}
	})
}

// TestEveryModelIsStored inserts two rows of each model, one of them with every bool false, and reads them back.
func TestEveryModelIsStored(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		if err := d.Writer.Exec("DELETE FROM revisions").Error; err != nil { // the schema begins with one
			t.Fatal(err)
		}
		for n := 1; n <= 2; n++ {
			for _, model := range models(d) {
				s := parse(t, d, model)
				row := filled(s, n)
				if err := d.Writer.Create(row).Error; err != nil {
					t.Fatalf("insert into %s: %v", s.Table, err)
				}
				back := reflect.New(s.ModelType)
				for _, f := range s.PrimaryFields {
					back.Elem().FieldByName(f.Name).Set(reflect.ValueOf(row).Elem().FieldByName(f.Name))
				}
				if err := d.Reader.Take(back.Interface()).Error; err != nil {
					t.Errorf("read %s: %v", s.Table, err)
				}
				if !reflect.DeepEqual(back.Interface(), row) {
					t.Errorf("%s: stored %+v, read %+v", s.Table, row, back.Interface())
				}
			}
		}
	})
}

// filled returns a row with n in every field; bools are true for odd n.
func filled(s *schema.Schema, n int) any {
	row := reflect.New(s.ModelType)
	for _, f := range s.Fields {
		v := row.Elem().FieldByName(f.Name)
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(n%2 == 1)
		case reflect.String:
			v.SetString(fmt.Sprintf("v%d", n))
		case reflect.Int, reflect.Int32, reflect.Int64:
			v.SetInt(int64(n))
		case reflect.Uint, reflect.Uint32, reflect.Uint64:
			v.SetUint(uint64(n))
		case reflect.Slice:
			v.SetBytes([]byte{byte(n)})
		default:
			panic(fmt.Sprintf("%s.%s: kind %s is not expected in a model", s.Table, f.Name, v.Kind()))
		}
	}
	return row.Interface()
}

// partsOf gives the tables that are partitions of others: they have no models, since nothing names them.
func partsOf(t *testing.T, d *migrations.DB) map[string]bool {
	t.Helper()
	parts := map[string]bool{}
	if !d.Postgres {
		return parts
	}
	var names []string
	if err := d.Reader.Raw("SELECT relname FROM pg_class WHERE relispartition").Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		parts[name] = true
	}
	return parts
}

// dialect returns the folder of a database's steps.
func dialect(d *migrations.DB) string {
	if d.Postgres {
		return "postgres"
	}
	return "sqlite"
}

func parse(t *testing.T, d *migrations.DB, model any) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(model, &sync.Map{}, d.Writer.NamingStrategy)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pool(t *testing.T, d *migrations.DB) *sql.DB {
	t.Helper()
	p, err := d.Writer.DB()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
