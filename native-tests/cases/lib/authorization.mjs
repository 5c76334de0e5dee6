// Services that say whether requests go on: by HTTP on port 18060, by gRPC (upstream's own definitions and server) on port 18061. A
// request tells them what to say in its header x-authz, as JSON, and what they were shown they say in x-saw:
//   { status, headers, body, after: milliseconds }                          by HTTP
//   { code, denied: DeniedHttpResponse, ok: OkHttpResponse, metadata, error: gRPC status, after }    by gRPC
import http from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'

const HTTP = 18060
const GRPC = 18061
const OK = 0
const PERMISSION_DENIED = 7

const written = value => Buffer.from(JSON.stringify(value)).toString('base64url')
export const read = text => JSON.parse(Buffer.from(text, 'base64url').toString())

async function answerHttp(request, response) {
  const parts = []
  for await (const part of request) parts.push(part)
  const says = JSON.parse(request.headers['x-authz'] ?? '{}')
  const saw = { method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(parts).toString() }
  setTimeout(() => response.writeHead(says.status ?? 200, { 'x-saw': written(saw), ...says.headers }).end(says.body ?? ''), says.after ?? 0)
}

function answerGrpc(call, done) {
  const { attributes } = call.request
  const http_ = attributes.request.http
  const header = name => http_.headers?.[name] ?? http_.header_map?.headers.find(one => one.key === name)?.raw_value.toString()
  const says = JSON.parse(header('x-authz') ?? '{}')
  const saw = { ...attributes, sent: call.metadata.getMap(), authority: call.getHost() }
  const answer = () => {
    if (says.error) return done({ code: says.error, details: 'no' })
    const denied = says.code !== undefined && says.code !== OK
    done(null, {
      status: { code: says.code ?? OK },
      ...(denied ? { denied_response: says.denied } : { ok_response: { ...says.ok, headers: [{ header: { key: 'x-saw', value: written(saw) } }, ...says.ok?.headers ?? []] } }),
      dynamic_metadata: says.metadata && { fields: says.metadata },
    })
  }
  setTimeout(answer, says.after ?? 0)
}

export async function startAuthorization(listen, address) {
  await listen(http.createServer(answerHttp), HTTP, address)

  // as the control plane of the tests has them
  const require = createRequire(new URL('../../control-plane/package.json', import.meta.url))
  const grpc = require('@grpc/grpc-js')
  const loader = require('@grpc/proto-loader')
  const deps = path.join(path.dirname(require.resolve('@grpc/grpc-js-xds/package.json')), 'deps')
  const definition = loader.loadSync('envoy/service/auth/v3/external_auth.proto', {
    keepCase: true, longs: Number, enums: String, defaults: false, oneofs: true,
    includeDirs: ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map(folder => path.join(deps, folder)),
  })
  const server = new grpc.Server()
  server.addService(grpc.loadPackageDefinition(definition).envoy.service.auth.v3.Authorization.service, { Check: answerGrpc })
  await new Promise((done, fail) => server.bindAsync(`${address}:${GRPC}`, grpc.ServerCredentials.createInsecure(), error => error ? fail(error) : done()))
  return { close: () => server.forceShutdown() }
}

export const DENIED = PERMISSION_DENIED
