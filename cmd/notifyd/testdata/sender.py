"""A foreign peer of the bus that sends whatever it is told, also what is no message. Binds the address given, prints
"subscribed" when somebody has subscribed, and then sends each message of standard input: the number of its parts and
the length of each before its bytes, all in four bytes, big-endian."""
import struct
import sys

import zmq


def number():
    text = sys.stdin.buffer.read(4)
    return struct.unpack(">I", text)[0] if len(text) == 4 else None


context = zmq.Context()
socket = context.socket(zmq.XPUB)
socket.setsockopt(zmq.SNDHWM, 0)
socket.setsockopt(zmq.LINGER, 120000)
socket.bind(sys.argv[1])
print("bound", flush=True)
socket.recv()
print("subscribed", flush=True)
while (parts := number()) is not None:
    socket.send_multipart([sys.stdin.buffer.read(number()) for _ in range(parts)])
socket.close()
context.term()  # waits until all is sent
