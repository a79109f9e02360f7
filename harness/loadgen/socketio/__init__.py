"""Socket.IO 5 over Engine.IO 4 over WebSocket, the client's side: ``client`` for everybody; below it one module for
each layer, from a namespace down to frames, and what all connections of a process share (``readers``, ``lookout``)."""

from harness.loadgen.socketio.client import SocketIO
from harness.loadgen.socketio.engineio import ServerSilent
from harness.loadgen.socketio.namespace import Client, ConnectRefused, Namespace, OnAck, OnEvent

__all__ = ["Client", "ConnectRefused", "Namespace", "OnAck", "OnEvent", "ServerSilent", "SocketIO"]
