package email

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestStuffed(t *testing.T) {
	for content, want := range map[string]string{
		"":                   "\r\n.\r\n",
		"a\r\n":              "a\r\n.\r\n",
		".a\r\n..b\r\n.\r\n": "..a\r\n...b\r\n..\r\n.\r\n",
		"no end":             "no end\r\n.\r\n",
		"a.\r\n\r\n.":        "a.\r\n\r\n..\r\n.\r\n",
	} {
		var b buffer
		if stuff(&b, []byte(content)); b.String() != want {
			t.Errorf("stuff(%q) = %q, want %q", content, b.String(), want)
		}
	}
}

// TestCommandsGoTogether: MAIL, RCPT and DATA come in one piece where the server takes that, one by one where it does
// not say so, and after a refusal the connection is good for the next mail, whatever was said to DATA.
func TestCommandsGoTogether(t *testing.T) {
	for _, c := range []struct {
		extensions, data string
		want             string
	}{
		{"250-PIPELINING\r\n", "503 no recipient", "MAIL+RCPT+DATA RSET MAIL+RCPT+DATA"},
		{"250-PIPELINING\r\n", "354 go on", "MAIL+RCPT+DATA RSET MAIL+RCPT+DATA"},
		{"", "503 no recipient", "MAIL RCPT RSET MAIL RCPT DATA"},
	} {
		seen := make(chan []string, 1)
		port := serve(t, func(conn net.Conn) { seen <- scripted(conn, c.extensions, c.data) })
		b := newBackend(t, Config{Host: "127.0.0.1", Port: port, TLS: TLSNone, From: "n@example.org"})
		if err := b.Send(t.Context(), sample("refused")); class(err) != "refused" {
			t.Errorf("Send = %v", err)
		}
		if err := b.Send(t.Context(), sample("taken")); err != nil {
			t.Errorf("the next Send = %v", err)
		}
		b.pool.close()
		if got := strings.Join(<-seen, " "); got != c.want {
			t.Errorf("%q: the server saw %s, want %s", c.extensions, got, c.want)
		}
	}
}

// scripted is a server that refuses the first recipient, and gives the groups in which commands came.
func scripted(conn net.Conn, extensions, data string) (groups []string) {
	fmt.Fprintf(conn, "220 scripted\r\n")
	in, group, rcpts := bufio.NewReader(conn), []string{}, 0
	content := false
	for {
		line, err := in.ReadString('\n')
		word := strings.TrimSpace(line[:min(4, len(line))])
		switch {
		case err != nil || word == "QUIT":
			return groups
		case content && line != ".\r\n":
			continue
		case content:
			content = false
			fmt.Fprint(conn, "250 taken\r\n")
			continue
		}
		reply := "250 ok"
		switch word {
		case "EHLO":
			fmt.Fprintf(conn, "250-scripted\r\n%s250 HELP\r\n", extensions)
			continue
		case "RCPT":
			if rcpts++; rcpts == 1 {
				reply = "552 too big"
			}
		case "DATA":
			reply = "354 go on"
			if rcpts == 1 {
				reply = data
			}
			content = strings.HasPrefix(reply, "354")
		}
		if group = append(group, word); in.Buffered() == 0 {
			groups, group = append(groups, strings.Join(group, "+")), nil
		}
		fmt.Fprint(conn, reply+"\r\n")
	}
}
