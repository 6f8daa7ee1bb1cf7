package accounts

import (
	"fmt"
	"time"
)

// Invited is about invitations, which operators make.
type Invited struct {
	Life time.Duration `yaml:"keep"` // how long one can be taken up
}

func (i Invited) check() error {
	if i.Life < time.Hour || i.Life > 8760*time.Hour {
		return fmt.Errorf("invitations.keep: %s; expected between 1h and 8760h", i.Life)
	}
	return nil
}
