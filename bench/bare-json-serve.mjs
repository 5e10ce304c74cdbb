import { Reply } from "zeromq";

const socket = new Reply();
await socket.bind(process.argv[2] ?? "tcp://127.0.0.1:25933");
for await (const [frame] of socket) await socket.send(JSON.stringify(JSON.parse(frame.toString())));
