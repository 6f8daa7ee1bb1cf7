package kerberos

import (
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

func noAnswer(realm string) error {
	return fmt.Errorf("what answers as the KDC of %s does not speak Kerberos as it should", realm)
}

// explain says what a refusal of a KDC means, and what to look at. service is what was asked for, "" at the login.
func (e *exchange) explain(err error, service string) error {
	var refused messages.KRBError
	if !errors.As(err, &refused) {
		return err
	}
	who := e.name + "@" + e.realm
	switch refused.ErrorCode {
	case errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN:
		return fmt.Errorf("the KDC does not know the principal %s", who)
	case errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN:
		if service == "" {
			return fmt.Errorf("the KDC does not serve the realm %s", e.realm)
		}
		return fmt.Errorf("the KDC does not know the service %s; url must name the host as the KDC does, by no alias", service)
	case errorcode.KDC_ERR_CLIENT_REVOKED, errorcode.KDC_ERR_NAME_EXP:
		return fmt.Errorf("the account %s is locked or has expired", who)
	case errorcode.KDC_ERR_KEY_EXPIRED:
		return fmt.Errorf("the key of %s has expired; a new keytab is needed", who)
	case errorcode.KDC_ERR_PREAUTH_FAILED, errorcode.KRB_AP_ERR_BAD_INTEGRITY:
		return fmt.Errorf("the KDC has another key of %s than the keytab; making a keytab often makes a new key", who)
	case errorcode.KDC_ERR_ETYPE_NOSUPP:
		return fmt.Errorf("the KDC takes none of the encryptions of the keytab for %s", who)
	case errorcode.KRB_AP_ERR_SKEW:
		return fmt.Errorf("the clocks differ too much: the KDC's is %s from ours",
			time.Until(refused.STime).Round(time.Second))
	case errorcode.KDC_ERR_POLICY:
		return fmt.Errorf("the KDC's policy refuses %s", who)
	}
	return fmt.Errorf("the KDC refuses: error %d, %.100q", refused.ErrorCode, refused.EText)
}
