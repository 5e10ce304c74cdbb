"""What a service manager has behind NOTIFY_SOCKET: prints each datagram, its lines joined by "|", without the barriers of systemd-notify."""
import socket
import sys

address = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\0" + address[1:] if address.startswith("@") else address)
print("bound", flush=True)
while True:
    # A barrier is over when the descriptor that comes with it is closed; without room for it, it is.
    text = receiver.recv(65536).decode()
    if text != "BARRIER=1":
        print("|".join(text.split("\n")), flush=True)
