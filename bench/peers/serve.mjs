/** `node serve.mjs PEER ADDRESS CLIENT_ADDRESS`: a peer's server until it is ended. */
const [peer, address, clientAddress] = process.argv.slice(2);
const { serve } = await import(`./${peer}.mjs`);
await serve({ address, clientAddress });
