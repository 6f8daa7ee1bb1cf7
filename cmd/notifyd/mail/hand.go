package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// handTime bounds handing over one mail.
const handTime = 2 * time.Minute

// Hand hands a mail to a listener that speaks LMTP (RFC 2033), at host:port or unix:/path, for some addresses. What it
// cannot take now is kept by the mail system; an address that it does not know is no address.
func Hand(ctx context.Context, where string, to []string, message []byte) (Status, error) {
	if len(to) == 0 {
		return Usage, errors.New("mail receive: --lmtp needs --to")
	}
	network, address := "tcp", where
	if path, ok := strings.CutPrefix(where, "unix:"); ok {
		network, address = "unix", path
	}
	conn, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return TempFail, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(handTime)); err != nil {
		return TempFail, err
	}
	err = dialogue(smtp.NewClientLMTP(conn), to, message)
	var said *smtp.SMTPError
	switch {
	case err == nil:
		return OK, nil
	case errors.As(err, &said) && said.Code/100 == 5:
		return NoUser, err
	}
	return TempFail, err
}

func dialogue(client *smtp.Client, to []string, message []byte) error {
	defer client.Close()
	if err := client.Mail("", nil); err != nil {
		return fmt.Errorf("lmtp: %w", err)
	}
	for _, one := range to {
		if err := client.Rcpt(one, nil); err != nil {
			return fmt.Errorf("lmtp: %w", err)
		}
	}
	w, err := client.Data()
	if err != nil {
		return fmt.Errorf("lmtp: %w", err)
	}
	if _, err := io.Copy(w, bytes.NewReader(message)); err != nil {
		return fmt.Errorf("lmtp: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("lmtp: %w", err)
	}
	return client.Quit()
}
