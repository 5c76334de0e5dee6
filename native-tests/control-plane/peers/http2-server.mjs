// Servers that misbehave in ways grpc-js cannot: the path's last part says how. Prints "listening PORT".
import http2 from 'node:http2';
import zlib from 'node:zlib';

const message = (payload, flag = 0, length = payload.length) => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
};
const hello = message(Buffer.from('hello'));
const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' };

/** Sends headers, the parts, and then trailers or, without them, an END_STREAM on the data. */
const respond = (stream, parts, trailers, headers = {}) => {
  stream.respond({ ...grpcHeaders, ...headers }, { waitForTrailers: Boolean(trailers) });
  if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  for (const part of parts) stream.write(part);
  stream.end();
};
const OK = { 'grpc-status': '0' };

const behaviours = {
  Fine: stream => respond(stream, [hello], OK),
  Empty: stream => respond(stream, [], OK),
  NoTrailers: stream => respond(stream, [hello]),
  TrailersWithoutStatus: stream => respond(stream, [hello], { 'x-note': 'no status' }),
  CutPrefix: stream => respond(stream, [hello, Buffer.from([0, 0])], OK),
  CutMessage: stream => respond(stream, [hello, message(Buffer.from('hal'), 0, 10)], OK),
  CutMessageNoTrailers: stream => respond(stream, [message(Buffer.from('hal'), 0, 10)]),
  CutMessageWithStatus: stream => respond(stream, [message(Buffer.from('hal'), 0, 10)], { 'grpc-status': '14', 'grpc-message': 'going%20away' }),
  Oversized: stream => respond(stream, [message(Buffer.alloc(0), 0, 0x7fffffff)], OK),
  OversizedUnsigned: stream => respond(stream, [message(Buffer.alloc(0), 0, 0xffffffff)], OK),
  BadFlag: stream => respond(stream, [message(Buffer.from('x'), 7)], OK),
  HtmlOk: stream => respond(stream, [Buffer.from('<html>')], undefined, { 'content-type': 'text/html' }),
  GrpcWeb: stream => respond(stream, [hello], OK, { 'content-type': 'application/grpc-web' }),
  ContentTypeProto: stream => respond(stream, [hello], OK, { 'content-type': 'application/grpc+proto' }),
  NoContentType: stream => { stream.respond({ ':status': 200 }); stream.end(); },
  HttpStatus: (stream, code) => { stream.respond({ ':status': Number(code), 'content-type': 'text/plain' }); stream.end('no'); },
  HttpStatusButGrpc: stream => { stream.respond({ ':status': 503, 'content-type': 'application/grpc', 'grpc-status': '7', 'grpc-message': 'no' }, { endStream: true }); },
  TrailersOnly: stream => { stream.respond({ ...grpcHeaders, 'grpc-status': '9', 'grpc-message': 'only%20this', 'x-note': 'here' }, { endStream: true }); },
  StatusText: stream => respond(stream, [], { 'grpc-status': 'fine' }),
  StatusTooLarge: stream => respond(stream, [], { 'grpc-status': '99', 'grpc-message': 'what?' }),
  BadPercent: stream => respond(stream, [], { 'grpc-status': '2', 'grpc-message': '100%, %zz and %E2%82%AC%' }),
  JoinedMetadata: stream => respond(stream, [hello], { ...OK, 'x-trail-bin': 'AQI=,AwQ' }),
  Gzip: stream => respond(stream, [message(zlib.gzipSync('hello'), 1), hello], OK, { 'grpc-encoding': 'gzip' }),
  GzipWithoutEncoding: stream => respond(stream, [message(zlib.gzipSync('hello'), 1)], OK),
  UnknownEncoding: stream => respond(stream, [message(Buffer.from('hello'), 1)], OK, { 'grpc-encoding': 'snappy' }),
  NotGzip: stream => respond(stream, [message(Buffer.from('hello, this is no gzip'), 1)], OK, { 'grpc-encoding': 'gzip' }),
  Bomb: stream => respond(stream, [message(zlib.gzipSync(Buffer.alloc(64 << 20)), 1)], OK, { 'grpc-encoding': 'gzip' }),
  Rst: (stream, code) => stream.close(Number(code)),
  RstAfterMessage: (stream, code) => { stream.respond(grpcHeaders); stream.write(hello, () => stream.close(Number(code))); },
  Destroy: stream => stream.session.destroy(),
  DestroyAfterMessage: stream => { stream.respond(grpcHeaders); stream.write(hello, () => stream.session.socket.destroySoon()); },
  Goaway: stream => { stream.session.goaway(0, stream.id); stream.session.destroy(); },
  Silent: () => {},
  SilentAfterHeaders: stream => stream.respond(grpcHeaders),
  SilentInMessage: stream => { stream.respond(grpcHeaders); stream.write(message(Buffer.from('hal'), 0, 10)); },
  // Answers the request's first bytes as they came, so that a test sees what a client puts on the wire and when.
  Raw: stream => {
    stream.respond(grpcHeaders, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(OK));
    stream.on('data', data => stream.write(message(data)));
    stream.on('end', () => stream.end());
  },
  Headers: (stream, _, headers) => respond(stream, [message(Buffer.from(JSON.stringify(headers)))], OK),
  // Half a message, and the rest when the client has sent something.
  Halves: stream => {
    stream.respond(grpcHeaders, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(OK));
    stream.write(hello.subarray(0, 7));
    stream.once('data', () => stream.end(hello.subarray(7)));
  },
  // Answers when the client has pinged to keep the connection. SocketsHttpHandler also pings to measure the round trip, with negative payloads.
  Pinged: stream => {
    stream.respond(grpcHeaders, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(OK));
    stream.session.on('ping', payload => { if (payload[0] < 0x80) stream.end(hello); });
  },
};

const server = http2.createServer();
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const [name, argument] = headers[':path'].split('/').at(-1).split('-');
  behaviours[name](stream, argument, headers);
});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
// Whatever a test makes this server do, the next test needs it.
process.on('uncaughtException', error => console.error(error));
process.stdin.on('end', () => process.exit(0)).resume();
