package bustest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
)

func testBridgeOrder(b *bridgeBench) {
	b.start()
	all := loads(1, 600)
	for at := 0; at < len(all); at += 150 {
		if done, refused, err := b.carry(context.Background(), all[at:at+150]); err != nil || len(refused) > 0 {
			b.fatal(promiseConfirmed, "Carry = %d, %v, %v", done, refused, err)
		}
		b.want(all[:at+150])
	}
	if done, _, err := b.carry(context.Background(), nil); done != 0 || err != nil {
		b.broken(promiseConfirmed, "Carry of nothing = %d, %v", done, err)
	}
	b.close()
}

// testBridgeBodies carries bodies of every kind, in both forms.
func testBridgeBodies(b *bridgeBench) {
	b.start()
	var all []bus.Load
	for i, text := range []string{
		`{"a":[1,2.5,null,true,"\u00eb\n"],"b":{}}`, `{}`, `{"a": 12345678901234567890, "b": 1e3}`,
		"{\n\t\"deep\" : {\"x\": [[[[]]]]}\n}", `{"long":"` + strings.Repeat("x", 300_000) + `"}`,
	} {
		topic := fmt.Sprintf("org.example.prod.ferry.%d", i)
		all = append(all,
			LoadOf(bus.Frame{Topic: topic, Payload: fmt.Appendf(nil,
				`{"topic":%q,"msg":%s,"msg_id":"2026-%d","i":3,"timestamp":1780000000,"headers":{"x":[1,"y"]}}`, topic, text, i)}),
			LoadOf(bus.Frame{Topic: topic, Payload: fmt.Appendf(nil,
				`{"topic":%q,"id":"id-%d","headers":{"sent-at":"2026-05-28T20:26:40+00:00","n":1,"deep":{"a":[true,null]}},"body":%s}`,
				topic, i, text)}))
	}
	if done, refused, err := b.carry(context.Background(), all); err != nil || len(refused) > 0 {
		b.fatal(promiseConfirmed, "Carry = %d, %v, %v", done, refused, err)
	}
	b.want(all)
	b.close()
}

func testBridgeRefused(b *bridgeBench) {
	b.start()
	all := loads(1, 5)
	mixed := []bus.Load{all[0]}
	var want []int
	for i, never := range b.Never {
		want = append(want, len(mixed))
		mixed = append(mixed, never)
		if i < 3 {
			mixed = append(mixed, all[i+1])
		}
	}
	mixed = append(mixed, all[min(len(b.Never), 3)+1:]...)
	var got []int
	for left, at := mixed, 0; len(left) > 0; {
		done, refused, err := b.carry(context.Background(), left)
		for _, r := range refused {
			got = append(got, at+r.Index)
		}
		if err != nil {
			b.fatal(promiseNever, "Carry = %d, %v, %v", done, refused, err)
		}
		left, at = left[done:], at+done
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.broken(promiseNever, "refused are %v, want %v", got, want)
	}
	b.want(all)
	b.close()
}

// testBridgeOutage carries while the other bus is not there, before the first time and after it.
func testBridgeOutage(b *bridgeBench) {
	b.start()
	all := loads(1, 40)
	for half := range 2 {
		b.Down(b.t)
		for range 3 {
			if done, _, err := b.carry(context.Background(), all[half*20:]); err == nil || done > 0 {
				b.fatal(promiseNotNow, "Carry = %d, %v while the other bus is down", done, err)
			}
		}
		b.Up(b.t)
		b.carryAll(promiseAgainLater, all[half*20:half*20+20])
		b.want(all[:half*20+20])
	}
	if lines := b.log.loud(); lines > 10 {
		b.broken(promiseLog, "%d lines:\n%s", lines, b.log)
	}
	b.close()
}

// testBridgeCut kills the other bus again and again while a stream is carried. All of it must be there in the end.
func testBridgeCut(b *bridgeBench) {
	b.start()
	all := loads(1, 3000)
	over := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for range 4 {
			select {
			case <-over:
			case <-time.After(40 * time.Millisecond):
			}
			b.Down(b.t)
			b.Up(b.t)
		}
	})
	for at := 0; at < len(all); at += 50 {
		b.carryAll(promiseAgainLater, all[at:at+50])
	}
	close(over)
	killer.Wait()
	b.want(all)
	b.close()
}

// underAttack carries again and again while an attack begins, and goes on after it, until ctx ends or do says so. It
// gives how many of loads are done, and what ends the attack.
func (b *bridgeBench) underAttack(ctx context.Context, attack Attack, loads []bus.Load, begun func()) (int, func()) {
	var stop func()
	started := make(chan struct{})
	go func() {
		defer close(started)
		stop = attack.Start(b.t)
		begun()
	}()
	all := 0
	for going := true; going; {
		select {
		case <-started:
			going = false // once more, under the attack
		case <-ctx.Done():
			<-started
			return all, stop
		case <-time.After(5 * time.Millisecond):
		}
		done, _, _ := b.carry(ctx, loads[all:])
		if all += done; all == len(loads) {
			all-- // the attack has not begun: send the last again
		}
	}
	return all, stop
}

func testBridgeAttacks(b *bridgeBench) {
	b.start()
	n := 1
	for _, attack := range b.Attacks {
		done, stop := b.underAttack(context.Background(), attack, loads(n, 3), func() {})
		stop()
		b.carryAll(promiseAgainLater, loads(n, 3)[done:])
		n += 3
	}
	b.want(loads(1, n-1))
	b.close()
}

// testBridgeEnd ends ctx before Carry, and in the middle of each attack.
func testBridgeEnd(b *bridgeBench) {
	b.start()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if done, _, err := b.carry(ctx, loads(1, 3)); err == nil && done < 3 {
		b.broken(promiseNotNow, "Carry = %d, %v although ctx has ended", done, err)
	}
	for _, attack := range b.Attacks {
		ctx, cancel := context.WithCancel(context.Background())
		var cancelled time.Time
		_, stop := b.underAttack(ctx, attack, loads(1, 3), func() {
			<-time.After(50 * time.Millisecond)
			cancelled = time.Now()
			cancel()
		})
		if took := time.Since(cancelled); took > Prompt {
			b.broken(promiseCarryEnd, "%s: it has returned after %v", attack.Name, took)
		}
		stop()
	}
	b.carryAll(promiseAgainLater, loads(1, 3))
	b.want(loads(1, 3))
	b.close()
}
