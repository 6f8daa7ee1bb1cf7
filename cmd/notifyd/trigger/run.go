package trigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// killAfter is what a group of processes has between SIGTERM and SIGKILL.
	killAfter = 5 * time.Second
	// maxOutput is how much of what a command prints is kept for the log: the end of it.
	maxOutput = 4096
)

// errStopped is the error of a run that was ended because the Trigger was stopped.
var errStopped = errors.New("stopped")

// execute runs the command for a batch. Its error says how it failed: by a status, a signal, or the limit.
func (c *Config) execute(ctx context.Context, batch []Item) (string, error) {
	output := &tailBuffer{}
	cmd := exec.Command(c.Command[0], c.Command[1:]...)
	cmd.Env = append(os.Environ(), environment(batch)...)
	lines := make([][]byte, len(batch))
	for i, it := range batch {
		lines[i] = it.Line
	}
	cmd.Stdin = bytes.NewReader(bytes.Join(lines, nil))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = killAfter // for what it leaves running with its output open
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	limit := time.NewTimer(c.Limit)
	defer limit.Stop()
	select {
	case err := <-ended:
		if errors.Is(err, exec.ErrWaitDelay) {
			err = nil
		}
		return output.String(), err
	case <-limit.C:
		err := errors.Join(fmt.Errorf("it took longer than %s", c.Limit), killGroup(cmd, ended))
		return output.String(), err
	case <-ctx.Done():
		err := errors.Join(errStopped, killGroup(cmd, ended))
		return output.String(), err
	}
}

// killGroup ends a command and all processes of its group, and waits for it.
func killGroup(cmd *exec.Cmd, ended <-chan error) error {
	group := -cmd.Process.Pid
	err := ignoreGone(syscall.Kill(group, syscall.SIGTERM))
	over := false
	select {
	case <-ended:
		over = true
	case <-time.After(killAfter):
	}
	err = errors.Join(err, ignoreGone(syscall.Kill(group, syscall.SIGKILL)))
	if !over {
		<-ended
	}
	return err
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// environment tells the command of the last message of a batch.
func environment(batch []Item) []string {
	last := batch[len(batch)-1]
	return []string{
		"NOTIFYD_TOPIC=" + oneLine(last.Topic), "NOTIFYD_KIND=" + oneLine(last.Kind), "NOTIFYD_ID=" + oneLine(last.ID),
		"NOTIFYD_ACTOR=" + oneLine(last.Actor), "NOTIFYD_TRUST=" + oneLine(last.Trust),
		"NOTIFYD_TIME=" + last.Time.UTC().Format(time.RFC3339Nano), fmt.Sprintf("NOTIFYD_COUNT=%d", len(batch)),
	}
}

// oneLine makes a text fit a variable: without control characters, which no name needs and which NUL may not be.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return '?'
		}
		return r
	}, text)
}

// A tailBuffer keeps the end of what is written to it. It is read when the command has ended.
type tailBuffer struct {
	text    []byte
	omitted int64
}

func (b *tailBuffer) Write(p []byte) (int, error) {
	b.text = append(b.text, p...)
	if over := len(b.text) - maxOutput; over > 0 {
		b.omitted += int64(over)
		b.text = append(b.text[:0], b.text[over:]...)
	}
	return len(p), nil
}

// String is what was kept, as UTF-8.
func (b *tailBuffer) String() string {
	text := strings.TrimSpace(string(bytes.ToValidUTF8(b.text, []byte("\uFFFD"))))
	if b.omitted > 0 {
		return fmt.Sprintf("[%d bytes before] %s", b.omitted, text)
	}
	return text
}
