package email

import "github.com/notifyd/notifyd/backends"

// level orders severities.
type level int

const (
	debug level = iota
	info
	warning
	failure
	critical
)

// severity reads a notice's severity; what is not known is info.
func severity(n backends.Notice) level {
	switch n.Severity {
	case "debug":
		return debug
	case "warning":
		return warning
	case "error":
		return failure
	case "critical":
		return critical
	default:
		return info
	}
}

// word is what is shown; nothing is said of ordinary ones.
func (l level) word() string {
	switch l {
	case warning:
		return "warning"
	case failure:
		return "error"
	case critical:
		return "critical"
	default:
		return ""
	}
}

// words is the word for several.
func (l level) words() string {
	if l == critical {
		return l.word() // no noun
	}
	return l.word() + "s"
}

// worst is the notice of the highest severity; the oldest of equals.
func worst(ns []backends.Notice) backends.Notice {
	top := ns[0]
	for _, n := range ns[1:] {
		if severity(n) > severity(top) {
			top = n
		}
	}
	return top
}
