"""Subscribers as fedmsg's consumers are: SUB sockets of libzmq.

subscribe.py ADDRESS COUNT [SOCKETS [FILE]] > lines

Prints COUNT messages that each of the sockets gets, a line each: topic, a tab, the body as it came. Messages whose topic
ends in .ready are not counted: when all sockets have one it makes the file "ready". When all have 100 messages it makes
the file "got.100", and so on. With FILE it stays until that is there.
"""
import os, sys, time, zmq

address, count, sockets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
context, poller = zmq.Context(io_threads=2), zmq.Poller()
got, ready = {}, set()
for i in range(sockets):
    s = context.socket(zmq.SUB)
    s.setsockopt(zmq.SUBSCRIBE, b"")
    s.setsockopt(zmq.RCVHWM, 0)
    s.setsockopt(zmq.RECONNECT_IVL, 50)
    s.connect(address)
    got[s] = 0
    poller.register(s, zmq.POLLIN)
while min(got.values()) < count:
    polled = poller.poll(40000)
    if not polled:
        sys.exit("only %s of %d messages came" % (sorted(set(got.values())), count))
    for s, _ in polled:
        topic, body = s.recv_multipart()
        if topic.endswith(b".ready"):
            ready.add(s)
            if len(ready) == len(got):
                open("ready", "w").close()
            continue
        got[s] += 1
        if got[s] % 100 == 0 and min(got.values()) == got[s]:
            open("got.%d" % got[s], "w").close()
        if s is next(iter(got)):
            sys.stdout.buffer.write(topic + b"\t" + body + b"\n")
            sys.stdout.buffer.flush()
print("%d subscribers got %s each" % (sockets, sorted(set(got.values()))), file=sys.stderr)
sys.stdout.flush()
while len(sys.argv) > 4 and not os.path.exists(sys.argv[4]):
    time.sleep(0.02)
