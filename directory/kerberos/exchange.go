package kerberos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// A ticket is what a KDC has given us.
type ticket struct {
	of          *identity
	ticket      messages.Ticket
	key         types.EncryptionKey // of the session with who takes the ticket
	renew, ends time.Time
}

// An exchange is one login: questions to KDCs.
type exchange struct {
	*identity
	kdcs kdcs
}

func (id *identity) ticket(given messages.Ticket, part messages.EncKDCRepPart) *ticket {
	from := part.StartTime
	if from.IsZero() {
		from = part.AuthTime
	}
	return &ticket{of: id, ticket: given, key: part.Key, ends: part.EndTime,
		renew: from.Add(part.EndTime.Sub(from) * 5 / 6)}
}

// authenticate gets the ticket for tickets. The KDC says first how it wants us to prove that we have the key.
func (e *exchange) authenticate(ctx context.Context) (*ticket, error) {
	ask, err := messages.NewASReqForTGT(e.realm, e.conf, e.principal())
	if err != nil {
		return nil, err
	}
	answer, err := e.askFirst(ctx, ask)
	var refused messages.KRBError
	if errors.As(err, &refused) && refused.ErrorCode == errorcode.KDC_ERR_PREAUTH_REQUIRED {
		if err := e.prove(&ask, refused); err != nil {
			return nil, err
		}
		answer, err = e.askFirst(ctx, ask)
	}
	if err != nil {
		return nil, e.explain(err, "")
	}
	var rep messages.ASRep
	if err := rep.Unmarshal(answer); err != nil {
		return nil, noAnswer(e.realm)
	}
	who := credentials.NewFromPrincipalName(e.principal(), e.realm).WithKeytab(e.keys)
	if ok, err := rep.Verify(e.conf, who, ask); !ok {
		return nil, fmt.Errorf("the answer of the KDC of %s does not fit; either the keytab is not of this principal or "+
			"is older than its key, or the clocks differ: %.200v", e.realm, err)
	}
	return e.ticket(rep.Ticket, rep.DecryptedEncPart), nil
}

func (e *exchange) askFirst(ctx context.Context, ask messages.ASReq) ([]byte, error) {
	question, err := ask.Marshal()
	if err != nil {
		return nil, err
	}
	return e.kdcs.ask(ctx, e.realm, question)
}

// prove adds the time, encrypted by our key (RFC 4120, 5.2.7.2). The KDC has said which encryptions it takes.
func (e *exchange) prove(ask *messages.ASReq, refused messages.KRBError) error {
	var hints types.PADataSequence
	if err := hints.Unmarshal(refused.EData); err != nil {
		return noAnswer(e.realm)
	}
	key, number, err := types.EncryptionKey{}, 0, error(nil)
	for _, hint := range hints {
		if hint.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		kinds, err := hint.GetETypeInfo2()
		if err != nil {
			return noAnswer(e.realm)
		}
		for _, kind := range slices.Backward(kinds) { // the first that we have stays
			if k, n, err := e.key(kind.EType); err == nil {
				key, number = k, n
			}
		}
	}
	if len(key.KeyValue) == 0 {
		return fmt.Errorf("keytab: it has no key of an encryption that the KDC of %s takes", e.realm)
	}
	now, err := types.GetPAEncTSEncAsnMarshalled()
	if err != nil {
		return err
	}
	sealed, err := crypto.GetEncryptedData(now, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, number)
	if err != nil {
		return errors.New("keytab: the key cannot be used")
	}
	value, err := sealed.Marshal()
	if err != nil {
		return err
	}
	ask.PAData = append(ask.PAData, types.PAData{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: value})
	return nil
}

// maxRealms is how many realms may stand between us and a service.
const maxRealms = 5

// forService gets a ticket for a service. Its host may belong to another realm: krb5.conf says so, or the KDC does.
func (e *exchange) forService(ctx context.Context, t *ticket, service, host string) (*ticket, error) {
	at, target := e.realm, e.conf.ResolveRealm(host)
	if target == "" {
		target = at
	}
	want := types.PrincipalName{NameType: nametype.KRB_NT_SRV_HST, NameString: []string{service, host}}
	for range maxRealms {
		name := want
		if at != target {
			name = types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", target}}
		}
		got, err := e.askFor(ctx, t, at, name)
		if err != nil {
			return nil, e.explain(err, service+"/"+host)
		}
		given := got.ticket.SName.NameString
		if len(given) != 2 || given[0] != "krbtgt" {
			return got, nil
		}
		if t, at = got, given[1]; name.Equal(want) {
			target = at
		}
	}
	return nil, fmt.Errorf("the KDCs name more than %d realms on the way to %s/%s", maxRealms, service, host)
}

func (e *exchange) askFor(ctx context.Context, with *ticket, realm string, name types.PrincipalName) (*ticket, error) {
	ask, err := messages.NewTGSReq(e.principal(), realm, e.conf, with.ticket, with.key, name, false)
	if err != nil {
		return nil, err
	}
	question, err := ask.Marshal()
	if err != nil {
		return nil, err
	}
	answer, err := e.kdcs.ask(ctx, realm, question)
	if err != nil {
		return nil, err
	}
	var rep messages.TGSRep
	if err := rep.Unmarshal(answer); err != nil {
		return nil, noAnswer(realm)
	}
	if err := rep.DecryptEncPart(with.key); err != nil {
		return nil, noAnswer(realm)
	}
	if ok, err := rep.Verify(e.conf, ask); !ok {
		return nil, fmt.Errorf("the answer of the KDC of %s does not fit: %.200v", realm, err)
	}
	return e.ticket(rep.Ticket, rep.DecryptedEncPart), nil
}
