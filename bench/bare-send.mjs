import { Request } from "zeromq";

const socket = new Request({ linger: 0 });
socket.connect(process.argv[2] ?? "tcp://127.0.0.1:25933");
await socket.send("Hello world!");
const [reply] = await socket.receive();
console.log(`<- ${reply}`);
