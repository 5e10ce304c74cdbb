/**
 * Messages between processes, over a pipe of their own. Node's own channel would do, but whatever a plugin sends by
 * `process.send` comes out of it too, and what can't be read there ends the host.
 */
import type { Socket } from "node:net";
import { DefaultSerializer, deserialize } from "node:v8";
import type { FromWorker, ToWorker } from "./messages.ts";

/** A message is its length, then that many bytes. */
const LENGTH_BYTES = 4;

/** Sends a message. To a process that has gone it is lost; that end is noticed elsewhere. */
export function write(pipe: Socket, message: ToWorker | FromWorker): void {
  const serializer = new DefaultSerializer();
  serializer.writeRawBytes(Buffer.alloc(LENGTH_BYTES));
  serializer.writeHeader();
  serializer.writeValue(message);
  const bytes = serializer.releaseBuffer();
  bytes.writeUInt32LE(bytes.length - LENGTH_BYTES, 0);
  pipe.write(bytes);
}

/** Reads messages for as long as the pipe is open, and closes it when it holds something else. */
export function read<Message>(pipe: Socket, receive: (message: Message) => void): void {
  let chunks: Buffer[] = [];
  let size = 0;
  let wanted = LENGTH_BYTES;
  pipe.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < wanted) return;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks, size);
    for (;;) {
      wanted = rest.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + rest.readUInt32LE(0);
      if (rest.length < wanted) break;
      const message = parse<Message>(rest.subarray(LENGTH_BYTES, wanted));
      if (message === undefined) {
        pipe.destroy();
        return;
      }
      rest = rest.subarray(wanted);
      receive(message);
    }
    chunks = [rest];
    size = rest.length;
  });
}

function parse<Message>(bytes: Buffer): Message | undefined {
  try {
    return deserialize(bytes) as Message;
  } catch {
    return undefined;
  }
}
