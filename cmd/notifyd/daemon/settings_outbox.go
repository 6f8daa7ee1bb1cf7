package daemon

import (
	"errors"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/surge"
)

// outboxSettings is the section outbox; outbox.Config documents each key.
type outboxSettings struct {
	Workers     int           `yaml:"workers"`
	Cap         int           `yaml:"cap"`
	CapWindow   time.Duration `yaml:"cap_window"`
	CapMost     int           `yaml:"cap_most"`
	SurgeLeast  int           `yaml:"surge_least"`
	SurgeTimes  int           `yaml:"surge_times"`
	SurgeWindow time.Duration `yaml:"surge_window"`
	SurgeLearn  time.Duration `yaml:"surge_learn"`
	RetryFirst  time.Duration `yaml:"retry_first"`
	RetryMost   time.Duration `yaml:"retry_most"`
	GiveUpAfter time.Duration `yaml:"give_up_after"`
	SendTimeout time.Duration `yaml:"send_timeout"`
	ProbeFirst  time.Duration `yaml:"probe_first"`
	ProbeMost   time.Duration `yaml:"probe_most"`
	Drain       time.Duration `yaml:"drain"`
	Poll        time.Duration `yaml:"poll"`
	MostWaiting int           `yaml:"most_waiting"`
	MostOwed    int           `yaml:"most_owed"`
	KeepBytes   config.Size   `yaml:"keep_bytes"`
	KeepDone    time.Duration `yaml:"keep_done"`
	KeepDead    time.Duration `yaml:"keep_dead"`
}

func defaultOutbox() outboxSettings {
	const day = 24 * time.Hour
	return outboxSettings{
		Workers: 4, Cap: 60, CapWindow: 10 * time.Minute, CapMost: 600,
		SurgeLeast: 10, SurgeTimes: 10, SurgeWindow: 10 * time.Minute, SurgeLearn: day,
		RetryFirst: 30 * time.Second, RetryMost: 4 * time.Hour,
		GiveUpAfter: 5 * day, SendTimeout: 2 * time.Minute, ProbeFirst: 5 * time.Second, ProbeMost: 2 * time.Minute,
		Drain: 5 * time.Second, Poll: 5 * time.Second, KeepDone: 30 * day, KeepDead: 90 * day,
		MostWaiting: 5000, MostOwed: 20_000, KeepBytes: 4 << 30,
	}
}

func (o outboxSettings) check() error {
	var errs []error
	if o.Workers < 1 || o.Workers > 64 {
		errs = append(errs, fmt.Errorf("outbox.workers: %d; expected between 1 and 64", o.Workers))
	}
	if o.Cap < 0 {
		errs = append(errs, fmt.Errorf("outbox.cap: %d; expected 0 or more", o.Cap))
	}
	if o.CapMost < 0 {
		errs = append(errs, fmt.Errorf("outbox.cap_most: %d; expected 0 or more", o.CapMost))
	}
	if o.SurgeLeast < 2 || o.SurgeTimes < 0 || o.SurgeTimes == 1 {
		errs = append(errs, fmt.Errorf("outbox.surge_least, outbox.surge_times: %d, %d; expected 2 or more, or 0 times "+
			"for no surges", o.SurgeLeast, o.SurgeTimes))
	}
	if o.SurgeWindow < time.Minute || o.SurgeWindow > time.Hour {
		errs = append(errs, fmt.Errorf("outbox.surge_window: %s; expected 1m to 1h", o.SurgeWindow))
	}
	if o.SurgeLearn < 0 || o.SurgeLearn > 72*time.Hour {
		errs = append(errs, fmt.Errorf("outbox.surge_learn: %s; expected 0s to 72h", o.SurgeLearn))
	}
	if o.MostWaiting < 100 {
		errs = append(errs, fmt.Errorf("outbox.most_waiting: %d; expected at least 100", o.MostWaiting))
	}
	if o.MostOwed < o.MostWaiting {
		errs = append(errs, fmt.Errorf("outbox.most_owed: %d; expected at least outbox.most_waiting", o.MostOwed))
	}
	if o.KeepBytes < 1<<20 {
		errs = append(errs, fmt.Errorf("outbox.keep_bytes: %d; expected at least 1048576", o.KeepBytes))
	}
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"cap_window", o.CapWindow}, {"retry_first", o.RetryFirst}, {"retry_most", o.RetryMost},
		{"give_up_after", o.GiveUpAfter}, {"send_timeout", o.SendTimeout}, {"probe_first", o.ProbeFirst},
		{"probe_most", o.ProbeMost}, {"drain", o.Drain}, {"poll", o.Poll}, {"keep_done", o.KeepDone},
		{"keep_dead", o.KeepDead},
	} {
		if d.value < 100*time.Millisecond {
			errs = append(errs, fmt.Errorf("outbox.%s: %s; expected at least 100ms", d.key, d.value))
		}
	}
	if o.CapWindow > outbox.MaxCapWindow {
		errs = append(errs, fmt.Errorf("outbox.cap_window: %s; expected at most %s", o.CapWindow, outbox.MaxCapWindow))
	}
	return errors.Join(errs...)
}

// Surge is when a filter has far more notices than usual.
func (o outboxSettings) Surge() surge.Config {
	return surge.Config{Off: o.SurgeTimes == 0, Least: o.SurgeLeast, Times: o.SurgeTimes, Window: o.SurgeWindow,
		Learn: max(o.SurgeLearn, time.Microsecond)}
}

func (o outboxSettings) Config() outbox.Config {
	return outbox.Config{
		Workers: o.Workers, CapCount: o.Cap, CapWindow: o.CapWindow, CapMost: o.CapMost,
		RetryFirst: o.RetryFirst, RetryMost: o.RetryMost,
		GiveUpAfter: o.GiveUpAfter, SendTimeout: o.SendTimeout, ProbeFirst: o.ProbeFirst, ProbeMost: o.ProbeMost,
		DatabaseClock: true, Drain: o.Drain, Poll: o.Poll, KeepDone: o.KeepDone, KeepDead: o.KeepDead,
		MostWaiting: o.MostWaiting, MostOwed: o.MostOwed, KeepBytes: int64(o.KeepBytes),
	}
}
