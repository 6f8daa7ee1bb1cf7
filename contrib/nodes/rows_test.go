package nodes_test

import (
	"syscall"
	"time"
)

// A row is a fault, and what is done.
type row struct {
	name, title string
	play        func(*world)
}

// shortest is the row that make check plays.
const shortest = "kill"

// takeover is how long messages come after a fault: longer than anything may take until others have taken over.
const takeover = 18 * time.Second

var rows = []row{
	{"kill", "the node that speaks on IRC is killed while it mails", func(w *world) {
		holder, _ := w.speaker()
		w.mailing(holder)
		holder.child.Kill()
	}},
	{"kill-other", "a node that does not speak on IRC is killed while it mails", func(w *world) {
		_, others := w.speaker()
		w.mailing(others[0])
		others[0].child.Kill()
	}},
	{"stopped", "the node that speaks on IRC stops for 20 s (SIGSTOP), and goes on", func(w *world) {
		holder, _ := w.speaker()
		w.mailing(holder)
		holder.child.Signal(w.t, syscall.SIGSTOP)
		pause(w.t, 20*time.Second)
		holder.child.Signal(w.t, syscall.SIGCONT)
	}},
	{"two", "two of three nodes are killed, that on IRC among them", func(w *world) {
		holder, others := w.speaker()
		w.mailing(holder)
		holder.child.Kill()
		others[0].child.Kill()
	}},
	{"rolling", "each node is stopped and started anew, one after the other", func(w *world) {
		for _, n := range w.nodes {
			n.stop()
			n.begin()
			n.waitReady()
		}
	}},
	{"failover", "the database is stopped (-m immediate); 2 s later its replica is promoted", func(w *world) {
		w.db1.stopImmediately()
		pause(w.t, 2*time.Second)
		w.promote()
	}},
	{"database-cut", "the database's network fails; 3 s later it is switched off and its replica promoted",
		func(w *world) {
			w.db1.cutFrom()
			pause(w.t, 3*time.Second)
			w.db1.child.Kill()
			w.promote()
		}},
	{"broker", "RabbitMQ is killed, and started 5 s later", func(w *world) {
		w.mq.child.Kill()
		pause(w.t, 5*time.Second)
		w.mq.start()
	}},
	{"jetstream-leader", "of three servers of JetStream that which leads the stream is killed", func(w *world) {
		w.stream.killLeader()
	}},
	{"jetstream-node", "with JetStream: the node that speaks on IRC is killed while it mails", func(w *world) {
		holder, _ := w.speaker()
		w.mailing(holder)
		holder.child.Kill()
	}},
	{"jetstream-stopped", "with JetStream: the node that speaks on IRC stops for 20 s, and goes on", func(w *world) {
		holder, _ := w.speaker()
		holder.child.Signal(w.t, syscall.SIGSTOP)
		pause(w.t, 20*time.Second)
		holder.child.Signal(w.t, syscall.SIGCONT)
	}},
	{"no-database", "the node that speaks on IRC does not reach the databases for a minute", func(w *world) {
		holder, _ := w.speaker()
		w.mailing(holder)
		holder.cutFrom(w.db1.host, w.db2.host)
		pause(w.t, time.Minute)
		holder.heal()
	}},
	{"nothing", "the node that speaks on IRC reaches nobody for a minute", func(w *world) {
		holder, _ := w.speaker()
		w.mailing(holder)
		holder.cutFrom()
		pause(w.t, time.Minute)
		holder.heal()
	}},
}
