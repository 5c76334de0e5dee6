// The service of tests/Amesh.Grpc.Tests' TestService, played by grpc-js. Messages are bytes.
// node grpc-js-server.mjs ADDRESS [CERT KEY [CLIENT_CA]]    ADDRESS: 127.0.0.1:0 or unix:/path; prints "listening PORT"
import fs from 'node:fs';
import grpc from '@grpc/grpc-js';

const [address, certFile, keyFile, clientCaFile] = process.argv.slice(2);
const read = file => fs.readFileSync(file);
const bytes = b => b;
const method = (name, requestStream, responseStream) => ({
  path: `/test.Peer/${name}`, requestStream, responseStream,
  requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes,
});

const copied = (metadata, prefix) => {
  const copy = new grpc.Metadata();
  for (const name of Object.keys(metadata.getMap())) {
    if (name.startsWith(prefix)) metadata.get(name).forEach(value => copy.add(name, value));
  }
  return copy;
};
const status = (code, details, metadata) => Object.assign(new Error(details), { code, details, metadata });

const cancelled = new Map();
const hangs = id => {
  if (!cancelled.has(id)) {
    let resolve;
    const promise = new Promise(r => { resolve = r; });
    cancelled.set(id, { promise, resolve });
  }
  return cancelled.get(id);
};

const server = new grpc.Server({
  'grpc.max_receive_message_length': 256 << 20,
  'grpc.max_send_message_length': -1,
});
server.addService({
  Unary: method('Unary', false, false),
  Duplex: method('Duplex', true, true),
  Fail: method('Fail', false, true),
  Greet: method('Greet', true, true),
  EndEarly: method('EndEarly', true, true),
  Collect: method('Collect', true, false),
  Hang: method('Hang', true, true),
  AwaitCancelled: method('AwaitCancelled', false, false),
  Deadline: method('Deadline', false, false),
  Big: method('Big', false, false),
}, {
  Unary(call, done) {
    call.sendMetadata(copied(call.metadata, 'x-head'));
    done(null, call.request, copied(call.metadata, 'x-trail'));
  },
  Duplex(call) {
    call.on('data', message => call.write(message));
    call.on('end', () => call.end());
    call.on('error', () => {});
  },
  Fail(call) {
    const [, code, messages, text] = /^(\d+) (\d+) (.*)$/su.exec(call.request.toString());
    for (let i = 0; i < Number(messages); i++) call.write(Buffer.from(`message ${i}`));
    call.emit('error', status(Number(code), text, copied(call.metadata, 'x-trail')));
  },
  Greet(call) {
    call.on('error', () => {});
    call.write(Buffer.from('hello'));
    call.end();
  },
  EndEarly(call) {
    call.on('error', () => {});
    call.once('data', message => { call.write(message); call.end(); });
  },
  Collect(call, done) {
    let total = 0;
    call.on('data', message => { total += message.length; });
    call.on('end', () => done(null, Buffer.from(String(total))));
    call.on('error', () => {});
  },
  Hang(call) {
    let id;
    call.on('error', () => {});
    call.on('data', message => { id = message.toString(); call.write(message); });
    call.on('cancelled', () => { if (id) hangs(id).resolve(); });
  },
  AwaitCancelled(call, done) {
    hangs(call.request.toString()).promise.then(() => done(null, call.request));
  },
  Deadline(call, done) {
    const deadline = call.getDeadline();
    done(null, Buffer.from(String(deadline === Infinity ? 'none' : Math.round(Number(deadline) - Date.now()))));
  },
  Big(call, done) {
    done(null, Buffer.alloc(Number(call.request.toString()), 'x'));
  },
});

const credentials = certFile
  ? grpc.ServerCredentials.createSsl(clientCaFile ? read(clientCaFile) : null, [{ cert_chain: read(certFile), private_key: read(keyFile) }], Boolean(clientCaFile))
  : grpc.ServerCredentials.createInsecure();
server.bindAsync(address, credentials, (error, port) => {
  if (error) throw error;
  console.log(`listening ${port}`);
});
// The test that started this process is gone when its end of the pipe is.
process.stdin.on('end', () => process.exit(0)).resume();
