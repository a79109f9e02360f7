// socket_server.cjs NODE_MODULES PORT: the reference server. Echoes "echo" by an acknowledgement; "round" asks for the
// next round of broadcasts: when all sockets of this server have asked, each gets BATCH of them. So a client is never
// sent more than it can take, and nothing piles up. GET /counted: acknowledgements, and broadcasts times receivers.
const { createServer } = require("http");
const [, , modules, port] = process.argv;
const { Server } = require(modules + "/socket.io");

const BATCH = 50;
let counted = 0;
let asked = 0;
const http = createServer((request, response) => {
  if (request.url === "/counted") response.end(String(counted));
});
const io = new Server(http, { pingInterval: 60000, pingTimeout: 60000 });
io.on("connection", (socket) => {
  socket.on("echo", (data, acknowledge) => {
    counted += 1;
    if (acknowledge) acknowledge(data);
  });
  socket.on("round", () => {
    asked += 1;
    const sockets = io.engine.clientsCount;
    if (asked < sockets) return;
    asked = 0;
    for (let i = 0; i < BATCH; i += 1) io.emit("news", { n: i, last: i === BATCH - 1 });
    counted += BATCH * sockets;
  });
});
http.listen(Number(port), "127.0.0.1", 16384);
