// Talks to an echo server with the npm client "ws" and prints, as JSON, what happened.
import WebSocket from "ws";

const [url, subprotocol, compressed] = process.argv.slice(2);
const binary = subprotocol === "hongyan.msgpack";
const socket = new WebSocket(url, subprotocol, {
  perMessageDeflate: compressed === "true" && { threshold: 0 },
});
const waiting = [];
const next = (name) => new Promise((resolve) => waiting.push([name, resolve]));

function happened(name, value) {
  const index = waiting.findIndex(([awaited]) => awaited === name);
  if (index >= 0) waiting.splice(index, 1)[0][1](value);
}

socket.on("message", (data, isBinary) => happened("message", { data, isBinary }));
socket.on("pong", (data) => happened("pong", data.toString()));
socket.on("close", (code, reason) => happened("close", [code, reason.toString()]));
socket.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

const opened = next("open");
socket.on("open", () => happened("open"));
await opened;
const report = {
  subprotocol: socket.protocol,
  compressed: "permessage-deflate" in (socket._extensions ?? {}),
  echoed: [],
};

async function echo(message, send) {
  const answer = next("message");
  send();
  const { data, isBinary } = await answer;
  report.echoed.push(isBinary === binary && Buffer.from(message).equals(data));
}

for (const size of [0, 1, 125, 126, 5000, 65535, 65536, 300000]) {
  const message = binary ? Buffer.alloc(size, 0xfe) : "é".repeat(size / 2);
  await echo(message, () => socket.send(message, { binary }));
}
await echo("in three parts", () => {
  socket.send("in ", { binary, fin: false });
  socket.ping("between");
  socket.send("three ", { binary, fin: false });
  socket.send("parts", { binary, fin: true });
});
const pong = next("pong");
socket.ping("are you there?");
report.pong = await pong;
const closed = next("close");
socket.close(4321, "done");
report.close = await closed;
console.log(JSON.stringify(report));
