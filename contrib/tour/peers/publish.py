"""A publisher as fedmsg's are: a PUB socket of libzmq, messages of two parts.

publish.py bind|connect ADDRESS [SUBSCRIBERS] < lines

A line is a topic and a body of JSON. It waits until so many have subscribed (1), sends, and ends when all is sent. fedmsg
binds in its passive mode, and connects to a relay in its active mode.
"""
import json, os, sys, time, uuid, zmq

how, address, wanted = sys.argv[1], sys.argv[2], int((sys.argv + [1])[3] if len(sys.argv) > 3 else 1)
s = zmq.Context().socket(zmq.XPUB)
s.setsockopt(zmq.XPUB_VERBOSE, 1)
s.setsockopt(zmq.SNDHWM, 0)
s.setsockopt(zmq.LINGER, 20000)
getattr(s, how)(address)
while wanted > 0:
    if not s.poll(30000):
        sys.exit("nobody has subscribed")
    wanted -= s.recv()[:1] == b"\1"
for i, line in enumerate(sys.stdin, 1):
    topic, body = line.split(None, 1)
    envelope = {
        "i": i, "msg": json.loads(body), "msg_id": "%s-%s" % (time.gmtime()[0], uuid.uuid4()), "topic": topic,
        "timestamp": int(time.time()), "username": "tour",
    }
    s.send_multipart([topic.encode(), json.dumps(envelope).encode()])
s.close()
s.context.term()
