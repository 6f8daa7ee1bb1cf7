"""What fedmsg-migration-tools' bridge from AMQP to ZeroMQ does, as far as others see it: amqp_to_zmq.py URL EXCHANGE
ADDRESS. It prints "bridging" once its queue is bound."""
import datetime
import json
import re
import sys
import time

import pika
import zmq

url, exchange, address = sys.argv[1:]
socket = zmq.Context().socket(zmq.PUB)
socket.bind(address)
channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
queue = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(queue, exchange, "#")
print("bridging", flush=True)
for i, (method, properties, body) in enumerate(channel.consume(queue), 1):
    msg_id = properties.message_id
    if not re.match("^[0-9]{4}-", msg_id):
        msg_id = f"{datetime.datetime.now(datetime.timezone.utc).year}-{msg_id}"
    socket.send_multipart([method.routing_key.encode(), json.dumps({
        "topic": method.routing_key, "msg": json.loads(body), "timestamp": int(time.time()), "msg_id": msg_id, "i": i,
        "username": "amqp-bridge",
    }).encode()])
    channel.basic_ack(method.delivery_tag)
