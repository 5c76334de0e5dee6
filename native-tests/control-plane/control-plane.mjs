#!/usr/bin/env node
// An ADS control plane that serves a recorded mesh, or one that is written in a file; see README.md.
import fs from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { Faults, KINDS } from './faults.mjs';
import { PROTOS, readMesh } from './mesh.mjs';
import { readRecording } from './recording.mjs';
import { DeltaStream, SotwStream } from './streams.mjs';

const MIB = 1 << 20;
const KEPT_CLOSED = 50;

function load(file, service) {
  const definition = loader.loadSync(file, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: false,
    includeDirs: PROTOS,
  });
  return definition[service];
}

class ControlPlane {
  faults = new Faults();
  streams = new Set();
  closedStreams = [];
  opened = 0;
  #index = 0;
  #serial = 0;

  constructor(steps, protocols) {
    Object.assign(this, { steps, protocols });
  }

  get step() { return this.steps[this.#index]; }
  get version() { return `${this.#serial}/${this.step.name}`; }
  table(type) { return this.faults.overlay(type, this.step.tables.get(type) ?? new Map()); }

  open(protocol, call) {
    const refused = this.protocols.includes(protocol) ? this.faults.refuse[protocol] : 'UNIMPLEMENTED';
    if (refused) {
      call.on('error', () => {});
      call.emit('error', { code: grpc.status[refused], details: `${protocol} is off here` });
      return;
    }
    this.streams.add(new (protocol === 'delta' ? DeltaStream : SotwStream)(this, call, ++this.opened));
  }

  closed(stream, reason) {
    if (!this.streams.delete(stream)) return;
    this.closedStreams.push({ ...stream.describe(), reason });
    this.closedStreams.splice(0, this.closedStreams.length - KEPT_CLOSED);
  }

  goTo(index) {
    this.#index = index;
    this.push();
  }

  goToName(name) {
    const index = this.steps.findIndex(step => step.name === name);
    if (index < 0) throw new Error(`no step '${name}'; there are ${this.steps.map(step => step.name).join(', ')}`);
    this.goTo(index);
  }

  next() {
    if (this.#index + 1 === this.steps.length) throw new Error(`'${this.step.name}' is the last step`);
    this.goTo(this.#index + 1);
  }

  push() {
    this.#serial++;
    for (const stream of this.streams) stream.push();
  }

  /** hard: the connection breaks; else the streams end with UNAVAILABLE. */
  disconnect(hard) {
    for (const stream of [...this.streams]) {
      if (hard) http2Stream(stream.call).session.destroy();
      else stream.call.emit('error', { code: grpc.status.UNAVAILABLE, details: 'disconnected on request' });
    }
  }

  fault(kind, query) {
    if (kind === 'half-message') {
      for (const { call } of this.streams) {
        const raw = http2Stream(call);
        // A message of 1,000 bytes of which ten arrive.
        raw.write(Buffer.concat([Buffer.from([0, 0, 0, 3, 232]), Buffer.alloc(10)]), () => raw.session.socket.destroySoon?.() ?? raw.session.destroy());
      }
      return;
    }
    if (kind === 'unknown-response') {
      for (const { call } of this.streams) {
        call.write({ version_info: '1', system_version_info: '1', type_url: 'type.googleapis.com/amesh.test.Unknown', nonce: 'unknown-response', resources: [], removed_resources: [] });
      }
      return;
    }
    this.faults.set(kind, query, this.step.tables);
    this.push();
  }

  describe() {
    return {
      step: this.step.name,
      steps: this.steps.map(step => step.name),
      protocols: this.protocols,
      faults: this.faults.active,
      settled: [...this.streams].every(stream => stream.describe().settled),
      resources: Object.fromEntries([...this.step.tables.keys()].map(type => [type, Object.fromEntries([...this.table(type).values()].map(r => [r.name, r.version]))])),
      streams_opened: this.opened,
      clients: [...this.streams].map(stream => stream.describe()),
      closed: this.closedStreams,
    };
  }
}

/** grpc-js has no way to misbehave; below its call there is a stream of node's http2 that has. */
function http2Stream(call) {
  const seen = new Set();
  const queue = [call];
  while (queue.length > 0) {
    const value = queue.shift();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (typeof value.sendTrailers === 'function' && typeof value.respond === 'function') return value;
    if (seen.size < 200) queue.push(...Object.values(value));
  }
  throw new Error('this grpc-js hides its HTTP/2 stream');
}

const ROUTES = {
  'GET /state': plane => plane.describe(),
  'GET /steps': plane => plane.steps.map(step => step.name),
  'GET /faults': () => KINDS,
  'POST /next': plane => { plane.next(); return { step: plane.step.name }; },
  'POST /step': (plane, query, name) => { plane.goToName(name ?? query.get('name')); return { step: plane.step.name }; },
  'POST /push': plane => { plane.push(); return { step: plane.step.name }; },
  'POST /disconnect': (plane, query) => { plane.disconnect(query.get('hard') === '1'); return {}; },
  'POST /fault': (plane, query) => { plane.fault(query.get('kind') ?? 'none', query); return { faults: plane.faults.active }; },
};

function control(plane) {
  return http.createServer((request, response) => {
    request.resume();
    const url = new URL(request.url, 'http://localhost');
    const [, first, second] = url.pathname.split('/');
    const route = ROUTES[`${request.method} /${first}`];
    const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body, null, 1)}\n`);
    if (!route) {
      answer(404, { error: `there is ${Object.keys(ROUTES).join(', ')}` });
      return;
    }
    try {
      answer(200, route(plane, url.searchParams, second && decodeURIComponent(second)));
    } catch (error) {
      answer(400, { error: error.message });
    }
  });
}

function options() {
  const { values } = parseArgs({
    options: {
      recording: { type: 'string' },
      mesh: { type: 'string' },
      port: { type: 'string', default: '0' },
      'http-port': { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      unix: { type: 'string' },
      step: { type: 'string' },
      from: { type: 'string' },
      'sotw-only': { type: 'boolean', default: false },
      'delta-only': { type: 'boolean', default: false },
      cert: { type: 'string' },
      key: { type: 'string' },
      'client-ca': { type: 'string' },
      'exit-with-stdin': { type: 'boolean', default: false },
    },
  });
  if (!values.recording === !values.mesh) throw new Error('say --recording DIR or --mesh FILE');
  return values;
}

async function main() {
  const values = options();
  const discovery = load('envoy/service/discovery/v3/ads.proto', 'envoy.service.discovery.v3.AggregatedDiscoveryService');
  const secrets = load('envoy/service/secret/v3/sds.proto', 'envoy.service.secret.v3.SecretDiscoveryService');
  const { steps } = values.mesh ? readMesh(values.mesh) : readRecording(values.recording, discovery, values.from);
  const protocols = values['sotw-only'] ? ['sotw'] : values['delta-only'] ? ['delta'] : ['delta', 'sotw'];
  const plane = new ControlPlane(steps, protocols);
  if (values.step) plane.goToName(values.step);

  const server = new grpc.Server({ 'grpc.max_receive_message_length': 256 * MIB, 'grpc.max_send_message_length': 256 * MIB });
  server.addService(discovery, {
    StreamAggregatedResources: call => plane.open('sotw', call),
    DeltaAggregatedResources: call => plane.open('delta', call),
  });
  server.addService(secrets, {
    StreamSecrets: call => plane.open('sotw', call),
    DeltaSecrets: call => plane.open('delta', call),
    FetchSecrets: (_, answer) => answer({ code: grpc.status.UNIMPLEMENTED }),
  });
  const read = file => fs.readFileSync(file);
  const credentials = values.cert
    ? grpc.ServerCredentials.createSsl(values['client-ca'] ? read(values['client-ca']) : null, [{ cert_chain: read(values.cert), private_key: read(values.key) }], Boolean(values['client-ca']))
    : grpc.ServerCredentials.createInsecure();
  const address = values.unix ? `unix:${values.unix}` : `${values.host}:${values.port}`;
  const port = await new Promise((resolve, reject) => server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound))));
  const web = control(plane);
  await new Promise((resolve, reject) => web.once('error', reject).listen(Number(values['http-port']), values.host, resolve));
  console.log(`listening ${port} ${web.address().port}`);
  if (values['exit-with-stdin']) process.stdin.on('end', () => process.exit(0)).resume();
}

main().catch(error => {
  console.error(`control-plane: ${error.message}`);
  process.exit(2);
});
