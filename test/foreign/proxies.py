"""proxies.py: two ROUTER-DEALER proxies in a row. Prints the address for clients and the one for workers. Ends when killed."""

import threading

import zmq

context = zmq.Context.instance()


def bound(kind):
    socket = context.socket(kind)
    return socket, f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"


front, for_clients = bound(zmq.ROUTER)
middle, between = bound(zmq.DEALER)
inner = context.socket(zmq.ROUTER)
inner.connect(between)
back, for_workers = bound(zmq.DEALER)
threads = [threading.Thread(target=zmq.proxy, args=pair) for pair in ((front, middle), (inner, back))]
for thread in threads:
    thread.start()
print(for_clients, for_workers, flush=True)
for thread in threads:
    thread.join()
