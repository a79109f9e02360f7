// The reference Socket.IO server for contract tests and benchmarks: prints its port, ends with its standard input.
// Options as JSON in the first argument go to the server (pingInterval, perMessageDeflate, …).
const { createServer } = require("http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, JSON.parse(process.argv[2] || "{}"));

function serve(namespace) {
  namespace.on("connection", (socket) => {
    // What it is sent it acknowledges with: everything, in the same order.
    socket.on("echo", (...args) => args.pop()(...args));
    // Sends an event with what it got, and when that is acknowledged, the acknowledgement as another event.
    socket.on("ask", (...args) => socket.emit("question", ...args, (...answer) => socket.emit("answered", ...answer)));
    socket.on("flood", (count, data) => { for (let i = 0; i < count; i++) socket.emit("tick", i, data); });
    socket.on("say", (data) => namespace.emit("said", data));
    socket.on("who", (ack) => ack(socket.handshake.auth, socket.nsp.name, socket.conn.transport.name));
    socket.on("kick", (whole) => socket.disconnect(whole));
  });
}

serve(io.of("/"));
serve(io.of("/admin"));
io.of("/locked").use((socket, next) => {
  if (socket.handshake.auth.token === "right") return next();
  const error = new Error("not you");
  error.data = { code: 7 };
  next(error);
});
serve(io.of("/locked"));

http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
