import { Reply } from "zeromq";

const socket = new Reply();
await socket.bind(process.argv[2] ?? "tcp://127.0.0.1:25933");
for await (const frames of socket) await socket.send(frames);
