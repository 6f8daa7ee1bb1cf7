package accounts

// A Role is what somebody may do beyond their own account.
type Role int

// A Helper reads what belongs to others, and explains it; an Admin changes it.
const (
	User Role = iota
	Helper
	Admin
)

// String returns the role as configuration and pages write it.
func (r Role) String() string { return [...]string{"user", "helper", "admin"}[r] }
