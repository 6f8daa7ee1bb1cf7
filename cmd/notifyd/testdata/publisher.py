"""A foreign peer of the bus: libzmq's own PUB socket. Binds the address given, prints "bound", then publishes each line
of standard input, "topic<TAB>json", as two frames; a line "quit" ends it."""
import sys

import zmq

socket = zmq.Context().socket(zmq.PUB)
socket.setsockopt(zmq.SNDHWM, 0)
socket.setsockopt(zmq.LINGER, 2000)
socket.bind(sys.argv[1])
print("bound", flush=True)
for line in sys.stdin:
    line = line.rstrip("\n")
    if line == "quit":
        break
    topic, _, body = line.partition("\t")
    socket.send_multipart([topic.encode(), body.encode()])
socket.close()
