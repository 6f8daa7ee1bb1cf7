"""A ZeroMQ peer for the tests: one socket, driven by JSON lines on stdin, telling what happens by JSON lines on stdout.

peer.py TYPE bind|connect ADDRESS [OPTION=VALUE ...]

Commands:  {"send": ["frame", ...]}   {"size": N, "send": ["topic"]} sends a second frame of N bytes
           {"base64": ["frame", ...]} sends bytes
           {"send": [...], "times": N, "every": SECONDS}
           {"subscribe": "prefix"}   {"unsubscribe": "prefix"}
Events:    {"ready": "address"}   {"subscribed": "prefix"}   {"received": ["frame", ...]}   {"sizes": [N, ...]} for large ones
"""
import base64
import json
import sys
import threading
import time

import zmq


def say(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def commands(context):
    """Hands stdin over by a socket, so that one poll waits for both."""
    pipe = context.socket(zmq.PAIR)
    pipe.connect("inproc://commands")
    for line in sys.stdin:
        pipe.send(line.encode())
    pipe.send(b"")


def send(sock, command):
    frames = [f.encode() for f in command["send"]]
    if "size" in command:
        frames.append(b"x" * command["size"])
    for n in range(command.get("times", 1)):
        time.sleep(command.get("every", 0))
        sock.send_multipart([f.replace(b"%d", str(n + 1).encode()) for f in frames])


def obey(sock, command):
    if "send" in command:
        send(sock, command)
    if "base64" in command:
        sock.send_multipart([base64.b64decode(f) for f in command["base64"]])
    if "subscribe" in command:
        sock.setsockopt(zmq.SUBSCRIBE, command["subscribe"].encode())
    if "unsubscribe" in command:
        sock.setsockopt(zmq.UNSUBSCRIBE, command["unsubscribe"].encode())


def report(frames, subscriptions):
    if subscriptions:
        if frames[0][:1] == b"\x01":
            say(subscribed=frames[0][1:].decode())
    elif sum(map(len, frames)) > 100000:
        say(sizes=[len(f) for f in frames])
    else:
        say(received=[f.decode("latin-1") for f in frames])


def main():
    kind, how, address = sys.argv[1:4]
    context = zmq.Context()
    pipe = context.socket(zmq.PAIR)
    pipe.bind("inproc://commands")
    threading.Thread(target=commands, args=(context,), daemon=True).start()
    sock = context.socket(getattr(zmq, kind))
    for option in sys.argv[4:]:
        name, value = option.split("=")
        sock.setsockopt(getattr(zmq, name), int(value))
    getattr(sock, how)(address)
    say(ready=sock.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
    poller = zmq.Poller()
    poller.register(pipe, zmq.POLLIN)
    if kind != "PUB":
        poller.register(sock, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if pipe in ready:
            line = pipe.recv()
            if not line:
                sys.exit()
            obey(sock, json.loads(line))
        if sock in ready:
            report(sock.recv_multipart(), kind == "XPUB")


main()
