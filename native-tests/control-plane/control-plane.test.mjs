// node --test: a raw ADS client in grpc-js against the control plane.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { ORDER } from './faults.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const deps = path.join(path.dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json')), 'deps');
const Client = grpc.loadPackageDefinition(loader.loadSync('envoy/service/discovery/v3/ads.proto', {
  keepCase: true, defaults: true, includeDirs: ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map(d => path.join(deps, d)),
})).envoy.service.discovery.v3.AggregatedDiscoveryService;
const [CDS, EDS, LDS, RDS] = ORDER;

async function serve(t, ...args) {
  const child = spawn('node', [path.join(here, 'control-plane.mjs'), '--recording', path.join(here, '../../samples/istio/bookinfo'), '--exit-with-stdin', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [, port, httpPort] = (await readline.createInterface(child.stdout)[Symbol.asyncIterator]().next()).value.split(' ');
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });
  t.after(() => { client.close(); child.kill(); });
  const ask = async (method, at) => {
    const response = await fetch(`http://127.0.0.1:${httpPort}${at}`, { method });
    return { status: response.status, ...await response.json() };
  };
  return { client, get: at => ask('GET', at), post: at => ask('POST', at) };
}

/** A stream whose responses are taken one by one. */
function open(client, method) {
  const call = client[method]();
  const responses = [];
  const waiting = [];
  call.on('data', r => (waiting.length ? waiting.shift()(r) : responses.push(r)));
  call.on('error', () => {});
  const status = new Promise(resolve => { call.on('status', resolve); });
  const next = () => (responses.length ? Promise.resolve(responses.shift()) : new Promise(resolve => { waiting.push(resolve); }));
  const send = request => call.write(request);
  const ack = r => send({ type_url: r.type_url, version_info: r.version_info, response_nonce: r.nonce });
  return { call, next, send, ack, status };
}

const names = response => response.resources.map(r => r.name);

test('delta: wildcard, named, step, removal, reconnect with initial versions', async t => {
  const plane = await serve(t, '--step', 'new-service');
  const a = open(plane.client, 'DeltaAggregatedResources');
  a.send({ node: { id: 'test' }, type_url: CDS });
  const clusters = await a.next();
  assert.ok(names(clusters).includes('outbound|9080||recommendations.default.svc.cluster.local'));
  a.ack(clusters);
  a.send({ type_url: EDS, resource_names_subscribe: ['outbound|9080||reviews.default.svc.cluster.local', 'nowhere'] });
  const endpoints = await a.next();
  assert.deepEqual(names(endpoints), ['outbound|9080||reviews.default.svc.cluster.local']);
  assert.deepEqual(endpoints.removed_resources, ['nowhere']);
  a.ack(endpoints);

  await plane.post('/step/service-gone');
  const gone = await a.next();
  assert.equal(gone.type_url, CDS);
  assert.ok(gone.removed_resources.includes('outbound|9080||recommendations.default.svc.cluster.local'));
  a.send({ type_url: CDS, response_nonce: gone.nonce, error_detail: { code: 3, message: 'cluster x: no' } });
  a.send({ type_url: CDS, response_nonce: 'old' });
  await poll(async () => (await plane.get('/state')).clients[0].unknown_nonces === 1);
  const state = await plane.get('/state');
  assert.equal(state.clients[0].node.id, 'test');
  assert.deepEqual(state.clients[0].types[CDS].nacks.map(n => n.message), ['cluster x: no']);
  assert.equal(state.clients[0].types[CDS].acked_nonce, clusters.nonce);

  a.call.cancel();
  const b = open(plane.client, 'DeltaAggregatedResources');
  const versions = { ...state.clients[0].types[CDS].known, gone: '1' };
  const [changed] = Object.keys(versions);
  versions[changed] = 'other';
  b.send({ type_url: CDS, initial_resource_versions: versions });
  const difference = await b.next();
  assert.deepEqual(names(difference), [changed]);
  assert.deepEqual(difference.removed_resources, ['gone']);
  await poll(async () => (await plane.get('/state')).closed.length === 1);
});

test('sotw: whole state of clusters, named routes, ack without answer, step', async t => {
  const plane = await serve(t);
  const a = open(plane.client, 'StreamAggregatedResources');
  a.send({ node: { id: 'test' }, type_url: CDS });
  const clusters = await a.next();
  assert.equal(clusters.resources.length, 8);
  a.ack(clusters);
  a.send({ type_url: RDS, resource_names: ['9080'] });
  const routes = await a.next();
  assert.equal(routes.resources.length, 1);
  a.send({ type_url: RDS, resource_names: ['9080'], version_info: routes.version_info, response_nonce: routes.nonce });
  await poll(async () => (await plane.get('/state')).settled);
  assert.equal((await plane.post('/next')).step, 'subsets');
  const more = await a.next();
  assert.equal(more.type_url, CDS);
  assert.ok(more.resources.length > 8);
  await plane.post('/step/base');
  assert.equal((await a.next()).resources.length, 8);
  await plane.post('/step/all-v1');
  assert.deepEqual([(await a.next()).type_url, (await a.next()).type_url], [CDS, RDS]);
});

test('every step of the two recordings is the same state', async t => {
  const [delta, sotw] = [await serve(t, '--from', 'delta'), await serve(t, '--from', 'sotw')];
  const { steps } = await delta.get('/state');
  assert.equal(steps.length, 17);
  // In "all-removed" istiod's Delta stream never removed six subsets' clusters that its SotW stream no longer had.
  for (const step of steps.filter(name => name !== 'all-removed')) {
    const states = [];
    for (const plane of [delta, sotw]) {
      await plane.post(`/step/${step}`);
      const { resources } = await plane.get('/state');
      // Two streams of one control plane: names must agree; bytes carry the time of the stream.
      states.push(Object.fromEntries(Object.entries(resources).map(([type, table]) => [type, Object.keys(table).sort()])));
    }
    assert.deepEqual(states[0], states[1], step);
    if (step === 'service-gone') assert.ok(!states[0][EDS].some(name => name.includes('recommendations')));
  }
});

test('faults: garbage, unknown type, nonce reuse, half a message, unimplemented, silence', async t => {
  const plane = await serve(t);
  const a = open(plane.client, 'DeltaAggregatedResources');
  a.send({ type_url: CDS });
  const clusters = await a.next();
  const [first] = names(clusters);
  await plane.post('/fault?kind=garbage');
  const garbage = await a.next();
  assert.deepEqual(names(garbage), [first]);
  await plane.post('/fault?kind=none');
  assert.deepEqual(await a.next().then(r => r.resources[0].resource.value), clusters.resources[0].resource.value);
  await plane.post('/fault?kind=unknown-type&type=cds');
  assert.equal((await a.next()).resources[0].resource.type_url, 'type.googleapis.com/amesh.test.Unknown');
  await plane.post('/fault?kind=nonce-reuse');
  a.send({ type_url: EDS, resource_names_subscribe: ['outbound|9080||reviews.default.svc.cluster.local'] });
  const [b, c] = [await a.next(), (await plane.post('/step/subsets'), await a.next())];
  assert.notEqual(b.type_url, c.type_url);
  await plane.post('/fault?kind=none');
  await plane.post('/fault?kind=half-message');
  assert.notEqual((await a.status).code, grpc.status.OK);

  await plane.post('/fault?kind=unimplemented');
  assert.equal((await open(plane.client, 'DeltaAggregatedResources').status).code, grpc.status.UNIMPLEMENTED);
  const s = open(plane.client, 'StreamAggregatedResources');
  await plane.post('/fault?kind=silent');
  s.send({ type_url: CDS });
  await poll(async () => (await plane.get('/state')).clients[0]?.types[CDS]?.requests === 1);
  assert.equal((await plane.get('/state')).clients[0].types[CDS].sent, 0);
  await plane.post('/fault?kind=none');
  assert.ok((await s.next()).resources.length > 8);
  await plane.post('/disconnect');
  assert.equal((await s.status).code, grpc.status.UNAVAILABLE);
  assert.equal((await plane.post('/fault?kind=what')).status, 400);
  assert.equal((await plane.post('/step/what')).status, 400);
});

test('a broken connection is seen by the client', async t => {
  const plane = await serve(t);
  const a = open(plane.client, 'StreamAggregatedResources');
  a.send({ type_url: LDS });
  await a.next();
  await plane.post('/disconnect?hard=1');
  assert.equal((await a.status).code, grpc.status.UNAVAILABLE);
});

async function poll(condition) {
  while (!await condition()) await new Promise(resolve => { setTimeout(resolve, 5); });
}
