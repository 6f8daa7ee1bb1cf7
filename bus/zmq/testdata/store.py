"""A publisher as fedmsg with a persistent store: a PUB socket that publishes, numbered by seq_id, and a REP socket that
gives again what was published (fedmsg's replay protocol). Both are libzmq's.

store.py PUB_ADDRESS REP_ADDRESS

Commands on standard input, one JSON object a line:
  {"publish": N, "every": SECONDS}  publishes N messages
  {"keep": N}                       numbers and keeps N messages, and does not publish them: they are lost on the way
  {"forget": [SEQ, ...]}            forgets some
  {"size": N}                       gives each message after that a text of N bytes
  {"ranges": false}                 answers seq_id_range with an error, as fedmsg's own server does
  {"mute": true}                    takes requests and does not answer
Events on standard output: {"ready": PUB_ADDRESS, "replay": REP_ADDRESS}, {"published": N}, {"asked": QUERY}
"""
import json
import sys
import threading
import time

import zmq

TOPIC = "org.example.test.git.receive"
KEYS = {"seq_id", "seq_ids", "seq_id_range", "msg_id", "msg_ids", "time"}


def say(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def dumps(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Store:
    def __init__(self):
        self.last, self.messages, self.size = 0, {}, 0
        self.ranges, self.mute = True, False

    def add(self):
        self.last += 1
        message = {
            "topic": TOPIC, "msg_id": "2026-store-%08d" % self.last, "timestamp": int(time.time()), "i": self.last,
            "username": "git", "msg": {"n": self.last, "text": "x" * self.size}, "seq_id": self.last,
        }
        self.messages[self.last] = message
        return message

    def get(self, query):
        if not isinstance(query, dict) or set(query) - KEYS:
            raise ValueError("Some query arguments are not supported")
        if "seq_id_range" in query and not self.ranges:
            raise ValueError("type object 'FedMsg' has no attribute 'seq_ids'")
        numbers = set(query.get("seq_ids", []))
        if "seq_id" in query:
            numbers.add(query["seq_id"])
        if "seq_id_range" in query:
            first, last = query["seq_id_range"]
            numbers.update(range(first, min(last, self.last) + 1))
        found = [self.messages[n] for n in sorted(numbers) if n in self.messages]
        if not found:
            raise ValueError("There was no match for the given query")
        return found


def answer(store, rep):
    query = json.loads(rep.recv())
    say(asked=query)
    if store.mute:
        return
    try:
        rep.send_multipart([dumps(m).encode() for m in store.get(query)])
    except ValueError as problem:
        rep.send(("error: '%s'" % problem).encode())


def obey(store, pub, rep, poller, command):
    for name in ("size", "ranges", "mute"):
        if name in command:
            setattr(store, name, command[name])
    for _ in range(command.get("keep", 0)):
        store.add()
    for n in command.get("forget", []):
        store.messages.pop(n, None)
    for n in range(command.get("publish", 0)):
        pub.send_multipart([TOPIC.encode(), dumps(store.add()).encode()])
        if command.get("every"):
            time.sleep(command["every"])
        if n % 20 == 0 and rep.poll(0):
            answer(store, rep)
    say(published=store.last)


def commands(context):
    pipe = context.socket(zmq.PAIR)
    pipe.connect("inproc://commands")
    for line in sys.stdin:
        pipe.send(line.encode())
    pipe.send(b"")


def main():
    context = zmq.Context()
    pipe = context.socket(zmq.PAIR)
    pipe.bind("inproc://commands")
    threading.Thread(target=commands, args=(context,), daemon=True).start()
    pub, rep = context.socket(zmq.PUB), context.socket(zmq.REP)
    pub.setsockopt(zmq.SNDHWM, 0)
    pub.bind(sys.argv[1])
    rep.bind(sys.argv[2])
    last = [s.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode() for s in (pub, rep)]
    say(ready=last[0], replay=last[1])
    store = Store()
    poller = zmq.Poller()
    poller.register(pipe, zmq.POLLIN)
    poller.register(rep, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if rep in ready:
            answer(store, rep)
        if pipe in ready:
            line = pipe.recv()
            if not line:
                sys.exit()
            obey(store, pub, rep, poller, json.loads(line))


main()
