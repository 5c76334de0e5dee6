// A recorded stream, replayed into one table of resources per step. Resources stay the bytes that the recorded control plane sent;
// only their names are read, since SotW responses do not carry them outside.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

/** Types whose SotW responses are the whole state; the others are as much as the control plane cared to send. */
const WHOLE = new Set([
  'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  'type.googleapis.com/envoy.config.listener.v3.Listener',
]);

/** @returns {{ steps: { name: string, tables: Map<string, Map<string, Resource>> }[], from: string }} */
export function readRecording(folder, discovery, from) {
  // SotW if there is one: it says what is there, while a control plane may forget to say in Delta what is gone.
  from ??= fs.existsSync(path.join(folder, 'sotw.pb.gz')) ? 'sotw' : 'delta';
  const events = JSON.parse(read(folder, `${from}.events.json`));
  const stream = read(folder, `${from}.pb`);
  const decode = discovery[from === 'delta' ? 'DeltaAggregatedResources' : 'StreamAggregatedResources'].responseDeserialize;
  const tables = new Map();
  const states = new Map();
  const wanted = new Map();
  for (const event of events) {
    if (!tables.has(event.type_url)) tables.set(event.type_url, new Map());
    if (event.dir === 'response') {
      apply(from, tables, event.type_url, decode(delimited(stream, event.offset)));
    } else {
      subscribe(from, wanted, event);
    }
    // What the recorded client no longer wanted was no longer kept up to date; a response may have been on its way all the same.
    const names = wanted.get(event.type_url);
    const table = tables.get(event.type_url);
    if (names) for (const name of table.keys()) if (!names.has(name)) table.delete(name);
    states.set(event.step, copy(tables));
  }
  // A step that changed nothing for this proxy left no events; it is a step all the same.
  let last = new Map();
  const steps = stepNames(folder, [...states.keys()]).map(name => {
    last = states.get(name) ?? last;
    return { name, tables: last };
  });
  return { steps, from };
}

/** A file, gzipped or not. */
function read(folder, name) {
  const file = path.join(folder, name);
  return fs.existsSync(`${file}.gz`) ? zlib.gunzipSync(fs.readFileSync(`${file}.gz`)) : fs.readFileSync(file);
}

export function makeResource(name, any) {
  const version = crypto.createHash('sha256').update(any.type_url).update(any.value).digest('hex').slice(0, 16);
  return { name, version, any };
}

function apply(from, tables, typeUrl, response) {
  let table = tables.get(typeUrl);
  if (from === 'sotw' && WHOLE.has(typeUrl)) tables.set(typeUrl, table = new Map());
  for (const item of response.resources) {
    const any = from === 'delta' ? item.resource : item;
    if (!any) continue; // an alias or a heartbeat
    const name = from === 'delta' ? item.name : firstString(any.value);
    table.set(name, makeResource(name, any));
  }
  for (const name of response.removed_resources ?? []) table.delete(name);
}

/** Keeps the names that the recorded client subscribed to; no entry for a type of which it wanted all. */
function subscribe(from, wanted, { type_url: type, resource_names: names = [], subscribe: more = [], unsubscribe: less = [] }) {
  if (from === 'sotw') {
    if (!WHOLE.has(type)) wanted.set(type, new Set(names));
    return;
  }
  if (!wanted.has(type) && (more.length === 0 || more.includes('*'))) return;
  const set = wanted.get(type) ?? new Set();
  for (const name of more) set.add(name);
  for (const name of less) set.delete(name);
  wanted.set(type, set);
}

const copy = tables => new Map([...tables].map(([type, table]) => [type, new Map(table)]));

function stepNames(folder, fromEvents) {
  const file = path.join(folder, 'scenario.yaml');
  if (!fs.existsSync(file)) return fromEvents;
  const steps = /^steps:\n([^]*?)(?=^[a-z]|$(?![^]))/m.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? '';
  const names = [...steps.matchAll(/^ *- name: *(\S+) *$/gm)].map(match => match[1]);
  // The scenario is for people: trust it only if it has every recorded step, in order.
  const recorded = names.filter(name => fromEvents.includes(name));
  return recorded.length === fromEvents.length && new Set(names).size === names.length ? names : fromEvents;
}

function varint(bytes, at) {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('a number is cut off');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
    scale *= 128;
  }
}

function delimited(bytes, at) {
  const [length, start] = varint(bytes, at);
  if (start + length > bytes.length) throw new Error(`the recording ends inside the message at ${at}`);
  return bytes.subarray(start, start + length);
}

/** Field 1: the name of a listener, cluster, route configuration or secret, and cluster_name of an assignment. */
function firstString(message) {
  for (let at = 0; at < message.length;) {
    let key;
    let size = 0;
    [key, at] = varint(message, at);
    switch (key & 7) {
      case 0: [, at] = varint(message, at); break;
      case 1: size = 8; break;
      case 2: [size, at] = varint(message, at); break;
      case 5: size = 4; break;
      default: throw new Error(`a resource has wire type ${key & 7}`);
    }
    if (key === 10) return message.toString('utf8', at, at + size);
    at += size;
  }
  throw new Error('a resource has no name');
}
