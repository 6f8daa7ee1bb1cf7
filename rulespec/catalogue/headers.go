package catalogue

import (
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// stated is what the AMQP headers of a message state: the schema headers of fedora-messaging, see doc/catalogue.md.
type stated struct {
	users, packages, groups []string
	severity                Severity // 0: not stated
}

// The prefixes of fedora-messaging's headers; the rest of the header's name is that of the user, package or group.
const (
	headerUser     = "fedora_messaging_user_"
	headerPackage  = "fedora_messaging_rpm_"
	headerGroup    = "fedora_messaging_group_"
	headerSeverity = "fedora_messaging_severity"
)

func headersOf(headers map[string]any) stated {
	var s stated
	for key, v := range headers {
		if len(s.users)+len(s.packages)+len(s.groups) > values.MaxSet {
			break
		}
		if name, ok := strings.CutPrefix(key, headerUser); ok && values.Truthy(v) {
			s.users = append(s.users, name)
		} else if name, ok := strings.CutPrefix(key, headerPackage); ok && values.Truthy(v) {
			s.packages = append(s.packages, name)
		} else if name, ok := strings.CutPrefix(key, headerGroup); ok && values.Truthy(v) {
			s.groups = append(s.groups, name)
		} else if key == headerSeverity {
			s.severity, _ = severityOf(v)
		}
	}
	return s
}
