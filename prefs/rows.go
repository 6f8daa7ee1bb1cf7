package prefs

import (
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/looks"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// Models returns a value of each gorm model, for the test that models and schema agree.
func Models() []any {
	return []any{
		&userRow{}, &destinationRow{}, &apiTokenRow{},
		&sessionRow{}, &secretRow{}, &filterRow{}, &filterDestinationRow{}, &filterScheduleRow{},
		&revisionRow{}, &changeRow{},
	}
}

// These are the rows. Times are Unix microseconds. The tables, their keys and foreign keys are in
// migrations/*/00001_prefs.sql; changes is in 00006_changes.sql, and what is said of accounts in 00018_accounts.sql.

type userRow struct {
	ID        uint   `gorm:"primaryKey"`
	Name      string `gorm:"not null;uniqueIndex:idx_users_name,where:name <> ''"`
	Zone      string `gorm:"not null"`
	CreatedAt int64  `gorm:"not null;autoCreateTime:false"`

	Proof      string `gorm:"not null;default:''"`
	Skeleton   string `gorm:"not null;default:''"`
	Disabled   string `gorm:"not null;default:''"`
	DisabledBy string `gorm:"not null;default:''"`

	Listed    bool  `gorm:"not null;default:false"` // the directory has had this person
	MissingAt int64 `gorm:"not null;default:0"`     // since when it has not; 0: it has

	Quiet       string `gorm:"not null;default:''"`
	PauseSince  int64  `gorm:"not null;default:0"`
	PauseUntil  int64  `gorm:"not null;default:0"`  // 0: there was no pause
	PauseEnd    string `gorm:"not null;default:''"` // what becomes of what came meanwhile
	PauseStrict bool   `gorm:"not null;default:false"`
}

func (userRow) TableName() string { return "users" }

type destinationRow struct {
	ID        uint   `gorm:"primaryKey"`
	UserID    uint   `gorm:"not null;uniqueIndex:idx_destinations_own,priority:1"`
	Backend   string `gorm:"not null;uniqueIndex:idx_destinations_own,priority:2;uniqueIndex:idx_destinations_claimed,priority:1,where:confirmed"`
	Address   string `gorm:"not null;uniqueIndex:idx_destinations_own,priority:3;uniqueIndex:idx_destinations_claimed,priority:2,where:confirmed"`
	Confirmed bool   `gorm:"not null"`
	IsOn      bool   `gorm:"not null"`
	Disabled  string `gorm:"not null"`
	Every     int64  `gorm:"not null"` // microseconds
	AtCount   int    `gorm:"not null"`
	AtTime    string `gorm:"not null"`
	Weekdays  int    `gorm:"not null"` // bit 0 is Sunday
	CreatedAt int64  `gorm:"not null;autoCreateTime:false"`

	SignIn  bool   `gorm:"not null;default:false"`
	Account string `gorm:"not null;default:''"` // of an IRC network's services, as it was confirmed
	Vouched string `gorm:"not null;default:''"` // by whom, where no code was needed

	CapCount  int   `gorm:"not null;default:0"` // 0: the site's cap
	CapWindow int64 `gorm:"not null;default:0"` // microseconds

	Quiet       string `gorm:"not null;default:''"`
	AtOnceFrom  string `gorm:"not null;default:''"`
	FirstAtOnce bool   `gorm:"not null;default:false"`
	Options     string `gorm:"not null;default:''"` // see looks.Write
	OffReason   string `gorm:"not null;default:''"` // why we have switched it off; "": its owner has, or it is on
}

func (destinationRow) TableName() string { return "destinations" }

type apiTokenRow struct {
	ID        uint   `gorm:"primaryKey"`
	UserID    uint   `gorm:"not null;index:idx_api_tokens_user_id"`
	Name      string `gorm:"not null"`
	TokenHash string `gorm:"not null;uniqueIndex:idx_api_tokens_token_hash"`
	CreatedAt int64  `gorm:"not null;autoCreateTime:false"`
	UsedAt    int64  `gorm:"not null"` // 0: never
	Network   string `gorm:"not null;default:''"`
	Agent     string `gorm:"not null;default:''"`
}

func (apiTokenRow) TableName() string { return "api_tokens" }

type sessionRow struct {
	TokenHash string `gorm:"primaryKey"`
	Data      []byte `gorm:"not null"`
	ExpiresAt int64  `gorm:"not null;index:idx_sessions_expires_at"`
}

func (sessionRow) TableName() string { return "sessions" }

type secretRow struct {
	Name  string `gorm:"primaryKey"`
	Value []byte `gorm:"not null"`
}

func (secretRow) TableName() string { return "secrets" }

type filterRow struct {
	ID        uint   `gorm:"primaryKey"`
	UserID    uint   `gorm:"not null;index:idx_filters_user_id"`
	Name      string `gorm:"not null"`
	Rules     string `gorm:"not null"`
	IsOn      bool   `gorm:"not null"`
	OneShot   bool   `gorm:"not null"`
	Chosen    bool   `gorm:"not null"` // only the destinations in filter_destinations
	CreatedAt int64  `gorm:"not null;autoCreateTime:false"`
	UpdatedAt int64  `gorm:"not null;autoUpdateTime:false"`
	Expensive int64  `gorm:"not null;default:0"` // steps; 0: it is not
	OffReason string `gorm:"not null;default:''"`
	OffBy     string `gorm:"not null;default:''"`

	HoldStarted int64 `gorm:"not null;default:0"` // microseconds
	EndsAt      int64 `gorm:"not null;default:0"` // 0: it does not
}

func (filterRow) TableName() string { return "filters" }

type filterDestinationRow struct {
	FilterID      uint `gorm:"primaryKey;autoIncrement:false"`
	DestinationID uint `gorm:"primaryKey;autoIncrement:false;index:idx_filter_destinations_destination_id"`
}

func (filterDestinationRow) TableName() string { return "filter_destinations" }

// A filterScheduleRow is the schedule of a filter for one destination, where it has one of its own.
type filterScheduleRow struct {
	FilterID      uint   `gorm:"primaryKey;autoIncrement:false"`
	DestinationID uint   `gorm:"primaryKey;autoIncrement:false;index:idx_filter_schedules_destination_id"`
	Every         int64  `gorm:"not null"` // microseconds
	AtCount       int    `gorm:"not null"`
	AtTime        string `gorm:"not null"`
	Weekdays      int    `gorm:"not null"` // bit 0 is Sunday
	AtOnceFrom    string `gorm:"not null"`
	FirstAtOnce   bool   `gorm:"not null"`
}

func (filterScheduleRow) TableName() string { return "filter_schedules" }

type revisionRow struct {
	ID    uint  `gorm:"primaryKey;autoIncrement:false"`
	Value int64 `gorm:"not null"`
}

func (revisionRow) TableName() string { return "revisions" }

type changeRow struct {
	Revision  int64 `gorm:"primaryKey;autoIncrement:false"`
	FilterID  uint  `gorm:"primaryKey;autoIncrement:false"` // 0: a row that each revision has
	ChangedAt int64 `gorm:"not null"`
}

func (changeRow) TableName() string { return "changes" }

func (r userRow) user() User {
	u := User{ID: r.ID, Name: r.Name, Proof: accounts.Proof(r.Proof), Zone: r.Zone, Disabled: r.Disabled,
		DisabledBy: r.DisabledBy}
	u.zone = u.Location()
	u.Quiet = schedule.StoredQuiet(r.Quiet)
	u.Pause = schedule.StoredPause(r.PauseSince, r.PauseUntil, r.PauseEnd, r.PauseStrict)
	return u
}

func (r destinationRow) destination() Destination {
	return Destination{
		ID: r.ID, UserID: r.UserID, Backend: r.Backend, Address: r.Address,
		Confirmed: r.Confirmed, On: r.IsOn, SignIn: r.SignIn, Disabled: r.Disabled, Account: r.Account,
		Vouched: r.Vouched != "", OffReason: r.OffReason,
		Cap:      outbox.Cap{Count: r.CapCount, Window: time.Duration(r.CapWindow) * time.Microsecond},
		Quiet:    schedule.StoredQuiet(r.Quiet),
		Schedule: r.schedule(),
		Options:  looks.Read(r.Options),
	}
}

func (r filterScheduleRow) schedule() schedule.Schedule {
	return schedule.Schedule{Every: time.Duration(r.Every) * time.Microsecond, Count: r.AtCount, At: r.AtTime,
		Weekdays: daysOf(r.Weekdays), AtOnceFrom: r.AtOnceFrom, First: r.FirstAtOnce}
}

func (r *filterScheduleRow) set(s schedule.Schedule) {
	r.Every, r.AtCount, r.AtTime, r.Weekdays = s.Every.Microseconds(), s.Count, s.At, dayBits(s.Weekdays)
	r.AtOnceFrom, r.FirstAtOnce = s.AtOnceFrom, s.First
}

func (r destinationRow) schedule() schedule.Schedule {
	return schedule.Schedule{Every: time.Duration(r.Every) * time.Microsecond, Count: r.AtCount, At: r.AtTime,
		Weekdays: daysOf(r.Weekdays), AtOnceFrom: r.AtOnceFrom, First: r.FirstAtOnce}
}

// scheduleColumns returns the columns of a destination's schedule.
func scheduleColumns(s schedule.Schedule) map[string]any {
	return map[string]any{"every": s.Every.Microseconds(), "at_count": s.Count, "at_time": s.At,
		"weekdays": dayBits(s.Weekdays), "at_once_from": s.AtOnceFrom, "first_at_once": s.First}
}

// dayBits returns weekdays as they are stored: bit 0 is Sunday.
func dayBits(days []time.Weekday) (bits int) {
	for _, day := range days {
		bits |= 1 << day
	}
	return bits
}

func daysOf(bits int) (days []time.Weekday) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if bits&(1<<day) != 0 {
			days = append(days, day)
		}
	}
	return days
}
