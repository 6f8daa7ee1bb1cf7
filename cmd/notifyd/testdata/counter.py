"""A publisher that may be killed: it notes each message in a file before it sends it, and goes on behind the last one
when it is started again. The socket is libzmq's.

counter.py bind|connect ADDRESS FILE COUNT RATE [REPLAY_ADDRESS]

It waits for a subscription, sends COUNT messages, RATE a second, and stays. With REPLAY_ADDRESS the file is a store as
fedmsg's: messages have a seq_id, and are given again to whoever asks (fedmsg's replay protocol).
"""
import json, os, sys, threading, time, zmq

how, address, name, wanted, rate = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
replay = sys.argv[6] if len(sys.argv) > 6 else None
TOPIC = "org.example.test.ferry.crossing"


def message(n, at, i):
    envelope = {
        "topic": TOPIC, "msg_id": "2026-counter-%08d" % n, "timestamp": at, "i": i, "username": "ferry",
        "msg": {"n": n, "text": 2000 * "x"},
    }
    if replay:
        envelope["seq_id"] = n
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()


def answer(context):
    rep = context.socket(zmq.REP)
    rep.bind(replay)
    while True:
        query = json.loads(rep.recv())
        numbers = set(query.get("seq_ids", [])) | {query.get("seq_id", 0)}
        first, last = query.get("seq_id_range", (1, 0))
        numbers.update(range(first, last + 1))
        with open(name) as noted:
            found = [message(*map(int, line.split())) for line in noted if int(line.split()[0]) in numbers]
        rep.send_multipart(found or [b"error: 'There was no match for the given query'"])


context = zmq.Context()
if replay:
    threading.Thread(target=answer, args=(context,), daemon=True).start()
s = context.socket(zmq.XPUB)
s.setsockopt(zmq.SNDHWM, 0)
s.setsockopt(zmq.RECONNECT_IVL, 20)
getattr(s, how)(address)
s.recv()
noted = open(name, "a+", buffering=1)
noted.seek(0)
last = sum(1 for _ in noted)
began = time.monotonic()
for i in range(1, wanted + 1):
    at = int(time.time())
    noted.write("%d %d %d\n" % (last + i, at, i))
    s.send_multipart([TOPIC.encode(), message(last + i, at, i)])
    while s.poll(0):
        s.recv()
    time.sleep(max(0, began + i / rate - time.monotonic()))
print("sent", flush=True)
time.sleep(1000)
