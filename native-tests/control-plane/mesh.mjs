// A mesh that is written in a file, by steps, as resources in protobuf's own field names.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import protobuf from 'protobufjs';
import { makeResource } from './recording.mjs';

const deps = path.join(path.dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json')), 'deps');
/** Where upstream's .proto files are. */
export const PROTOS = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map(dir => path.join(deps, dir));

const FILES = ['config/cluster/v3/cluster', 'config/endpoint/v3/endpoint', 'config/listener/v3/listener', 'config/route/v3/route',
  'extensions/filters/http/router/v3/router', 'extensions/filters/network/http_connection_manager/v3/http_connection_manager',
  'extensions/transport_sockets/tls/v3/tls'];

/** @returns {{ steps: { name: string, tables: Map<string, Map<string, Resource>> }[] }} */
export function readMesh(file) {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => [target, ...PROTOS.map(dir => path.join(dir, target))].find(one => fs.existsSync(one)) ?? target;
  root.loadSync(FILES.map(one => `envoy/${one}.proto`), { keepCase: true });
  const { steps } = JSON.parse(fs.readFileSync(file, 'utf8'));
  return { steps: steps.map(({ name, resources }) => ({ name, tables: tablesOf(root, resources) })) };
}

function tablesOf(root, resources) {
  const tables = new Map();
  for (const resource of resources) {
    const any = anyOf(root, resource);
    if (!tables.has(any.type_url)) tables.set(any.type_url, new Map());
    const name = resource.name ?? resource.cluster_name;
    tables.get(any.type_url).set(name, makeResource(name, any));
  }
  return tables;
}

function anyOf(root, { '@type': typeUrl, ...message }) {
  const type = root.lookupType(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  return { type_url: typeUrl, value: Buffer.from(type.encode(type.fromObject(packed(root, message))).finish()) };
}

// Any, wherever it is.
function packed(root, value) {
  if (Array.isArray(value)) return value.map(one => packed(root, one));
  if (typeof value !== 'object' || value === null) return value;
  if ('@type' in value) return anyOf(root, value);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, packed(root, one)]));
}
