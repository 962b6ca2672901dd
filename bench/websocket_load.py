"""Load for a WebSocket echo: one text message at a time on each of some connections.

Raw sockets and frames made before the clock runs, so that the generator costs little beside the
server: `websocket_load.py PORT CONNECTIONS SECONDS` prints what wrk.lua prints.
"""

from __future__ import annotations

import select
import socket
import sys
import time

PAYLOAD = b"Hello, world! Hello, world! ----"
MASK = b"\x11\x22\x33\x44"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
FRAME = (
    bytes([0x81, 0x80 | len(PAYLOAD)])
    + MASK
    + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(PAYLOAD))
)
ECHO = bytes([0x81, len(PAYLOAD)]) + PAYLOAD


def connect(port: int) -> socket.socket:
    """A connection behind its handshake."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(HANDSHAKE)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(4096)
        if not piece:
            raise SystemExit(f"no handshake: {answer!r}")
        answer += piece
    if b" 101 " not in answer.split(b"\r\n")[0]:
        raise SystemExit(f"no handshake: {answer!r}")
    return connection


def main() -> None:
    """Run the load and print the figures."""
    port, count, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    connections = {each.fileno(): each for each in (connect(port) for _ in range(count))}
    clock = time.perf_counter
    poll = select.epoll()
    sent: dict[int, float] = {}
    began = clock()
    for descriptor, connection in connections.items():
        poll.register(descriptor, select.EPOLLIN)
        sent[descriptor] = clock()
        connection.send(FRAME)
    latencies: list[float] = []
    wrong = 0
    end = began + seconds
    while clock() < end:
        for descriptor, _ in poll.poll(1.0):
            connection = connections[descriptor]
            wrong += connection.recv(4096) != ECHO
            now = clock()
            latencies.append(now - sent[descriptor])
            sent[descriptor] = now
            connection.send(FRAME)
    took = clock() - began
    latencies.sort()

    def at(share: float) -> float:
        return latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1e6

    print(
        f"figures {len(latencies)} {took * 1e6:.0f} "
        f"{at(0.5):.1f} {at(0.99):.1f} {at(0.999):.1f} {wrong}"
    )
    for connection in connections.values():
        connection.close()


main()
