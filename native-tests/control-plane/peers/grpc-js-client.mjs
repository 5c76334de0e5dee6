// A grpc-js client against the C# server: node grpc-js-client.mjs ADDRESS SCENARIO [CA [CERT KEY]]; prints one line of JSON.
import fs from 'node:fs';
import grpc from '@grpc/grpc-js';

const [address, scenario, caFile, certFile, keyFile] = process.argv.slice(2);
const read = file => file && fs.readFileSync(file);
const bytes = b => b;
const options = {
  'grpc.max_receive_message_length': 256 << 20,
  'grpc.max_send_message_length': -1,
  ...(scenario === 'gzip' ? { 'grpc.default_compression_algorithm': 2 } : {}),
};
const credentials = caFile ? grpc.credentials.createSsl(read(caFile), read(keyFile), read(certFile)) : grpc.credentials.createInsecure();
const client = new grpc.Client(address, credentials, options);

const unary = (name, message, metadata = new grpc.Metadata(), callOptions = {}) => new Promise(resolve => {
  const result = { headers: {}, trailers: {} };
  const call = client.makeUnaryRequest(`/test.Peer/${name}`, bytes, bytes, Buffer.from(message), metadata, callOptions, (error, answer) => {
    Object.assign(result, { code: error?.code ?? 0, details: error?.details ?? '', answer });
  });
  call.on('metadata', m => { result.headers = m.getMap(); });
  call.on('status', s => { result.trailers = s.metadata.getMap(); setImmediate(() => resolve(result)); });
});
const duplex = (name, metadata = new grpc.Metadata(), callOptions = {}) => {
  const call = client.makeBidiStreamRequest(`/test.Peer/${name}`, bytes, bytes, metadata, callOptions);
  const messages = [];
  const waiting = [];
  call.on('data', m => (waiting.length ? waiting.shift()(m) : messages.push(m)));
  call.on('error', () => {});
  call.status = new Promise(resolve => { call.on('status', resolve); });
  call.next = () => (messages.length ? Promise.resolve(messages.shift()) : new Promise(r => { waiting.push(r); }));
  call.rest = messages;
  return call;
};

const scenarios = {
  async unary() {
    const metadata = new grpc.Metadata();
    metadata.add('x-head', 'one');
    metadata.add('x-head', 'two');
    metadata.add('x-trail-bin', Buffer.from([0, 1, 255]));
    const { code, answer, headers, trailers } = await unary('Unary', 'payload', metadata);
    return { code, answer: answer.toString(), head: headers['x-head'], trail: trailers['x-trail-bin']?.toString('hex') };
  },
  async duplex() {
    const call = duplex('Duplex');
    const echoed = [];
    for (const text of ['a', '', 'c']) {
      call.write(Buffer.from(text));
      echoed.push((await call.next()).toString());
    }
    call.end();
    return { code: (await call.status).code, echoed };
  },
  async fail() {
    const { code, details } = await unary('Fail', '5 0 nichts gefunden: 100% ✗\n');
    return { code, details };
  },
  async failAfterMessages() {
    const call = duplex('Fail');
    call.write(Buffer.from('14 3 enough'));
    call.end();
    const { code, details } = await call.status;
    return { code, details, messages: call.rest.length };
  },
  async unimplemented() {
    const { code, details } = await unary('Nowhere', 'x');
    return { code, details };
  },
  async deadline() {
    const { answer } = await unary('Deadline', 'x', undefined, { deadline: Date.now() + 3_600_000 });
    const { code } = await unary('Hang', 'deadline-js', undefined, { deadline: Date.now() + 300 });
    const cancelled = await unary('AwaitCancelled', 'deadline-js');
    return { seen: Number(answer.toString()) > 3_000_000, code, cancelled: cancelled.answer.toString() };
  },
  async cancel() {
    const call = duplex('Hang');
    call.write(Buffer.from('cancel-js'));
    await call.next();
    call.cancel();
    const { code } = await call.status;
    const cancelled = await unary('AwaitCancelled', 'cancel-js');
    return { code, cancelled: cancelled.answer.toString() };
  },
  async gzip() {
    const { code, answer } = await unary('Gzip', 'x'.repeat(100_000));
    return { code, length: answer?.length };
  },
  async big() {
    const size = 100 << 20;
    const { code, answer } = await unary('Unary', Buffer.alloc(size, 'y'));
    return { code, length: answer?.length, intact: answer?.every(b => b === 0x79) };
  },
  async oversized() {
    const { code, details } = await unary('Small', Buffer.alloc(2000));
    return { code, details };
  },
  async many() {
    const codes = await Promise.all(Array.from({ length: 300 }, async (_, i) => {
      const call = duplex('Duplex');
      call.write(Buffer.from(String(i)));
      const echoed = (await call.next()).toString() === String(i);
      call.end();
      return echoed && (await call.status).code === 0;
    }));
    return { succeeded: codes.filter(Boolean).length };
  },
  async endEarly() {
    const call = duplex('EndEarly');
    call.write(Buffer.from('x'));
    const first = (await call.next()).toString();
    return { first, code: (await call.status).code };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
client.close();
