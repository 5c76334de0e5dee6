// Endpoints that report what they saw, in HTTP/1.1 on port 18080 and in HTTP/2 without TLS on port 18090, and do what headers
// tell them to:
//   x-answer-status: 503, x-answer-headers: {"a":"b"}, x-answer-only: ADDRESS (the rest of these headers count there alone)
//   (a path /says/TEXT answers the text, which is in base64url)
//   x-answer-early: yes (as soon as the head is there), x-answer-echo: yes (the body goes back while it comes)
//   x-answer-after: 300 (milliseconds), x-answer-reset: yes, x-answer-half: yes (half of a body, and then nothing), x-answer-large: BYTES (a header of so many)
import http from 'node:http'
import http2 from 'node:http2'
import { startAuthorization } from './authorization.mjs'
import { answersGrpc, answersHttp, tcpServer } from './health.mjs'
import { ADDRESSES } from './mesh.mjs'

// id of a request -> addresses that it reached, in order
export const reached = new Map()

function note(headers, address) {
  const id = headers['x-case']
  if (!id) return
  if (!reached.has(id)) reached.set(id, [])
  reached.get(id).push(address)
}

// id of a request -> what came of its body in its last try: { length, state: 'comes', 'whole' or 'aborted' }
export const arrived = new Map()

function watchBody(stream, headers) {
  const body = { length: 0, state: 'comes' }
  if (headers['x-case']) arrived.set(headers['x-case'], body)
  stream.on('data', part => { body.length += part.length })
  // of HTTP/2 one that is broken off has an end, too
  stream.on('end', () => setImmediate(() => { if (body.state === 'comes') body.state = stream.aborted ? 'aborted' : 'whole' }))
  for (const event of ['aborted', 'error', 'close']) stream.on(event, () => { if (body.state === 'comes') body.state = stream.readableEnded && !stream.aborted ? 'whole' : 'aborted' })
}

function bodyOf(stream) {
  return new Promise(done => {
    const parts = []
    stream.on('data', part => parts.push(part))
    stream.on('end', () => done(Buffer.concat(parts).toString()))
    stream.on('error', () => done('cut'))
  })
}

const told = (headers, address) => headers['x-answer-only'] === undefined || headers['x-answer-only'] === address ? headers : {}
const answerHeaders = headers => ({
  ...JSON.parse(headers['x-answer-headers'] ?? '{}'), ...(headers['x-answer-large'] && { 'x-large': 'l'.repeat(Number(headers['x-answer-large'])) }),
})
const later = (headers, what) => setTimeout(what, Number(headers['x-answer-after'] ?? 0))

async function http1(request, response) {
  if (answersHttp(request, response)) return
  const address = request.socket.localAddress
  note(request.headers, address)
  watchBody(request, request.headers)
  const whole = bodyOf(request)
  if (request.headers['x-answer-early']) return response.writeHead(Number(request.headers['x-answer-status']), { 'content-type': 'text/plain' }).end('no more of it')
  if (request.headers['x-answer-echo']) {
    response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders()
    return request.pipe(response)
  }

  const body = await whole
  const asked = request.url.match(/^\/says\/([\w-]*)/)
  if (asked) return response.end(Buffer.from(asked[1], 'base64url'))
  const told_ = told(request.headers, address)
  later(told_, () => {
    if (told_['x-answer-reset']) return request.socket.destroy()
    const report = JSON.stringify({
      served_by: address, method: request.method, path: request.url, raw: request.rawHeaders, headers: distinct(request), body, http: request.httpVersion,
    })
    response.writeHead(Number(told_['x-answer-status'] ?? 200), { 'content-type': 'application/json', 'x-from-backend': 'yes', ...answerHeaders(told_) })
    if (told_['x-answer-half']) return response.write(report.slice(0, 20))
    response.end(report)
  })
}

// every value of a name
function distinct(request) {
  return Object.fromEntries(Object.entries(request.headersDistinct ?? request.headers).map(([name, value]) => [name, value.length === 1 ? value[0] : value]))
}

async function http2Stream(stream, headers, _flags, raw) {
  if (answersGrpc(stream, headers)) return
  const address = stream.session.socket.localAddress
  note(headers, address)
  const told_ = told(headers, address)
  stream.on('error', () => {})
  watchBody(stream, headers)
  if (told_['x-answer-early']) {
    stream.respond({ ':status': Number(told_['x-answer-status']), 'content-type': 'text/plain' })
    return stream.end('no more of it')
  }
  // a call that goes on both ways
  if (told_['x-answer-echo']) {
    stream.respond({ ':status': 200, 'content-type': headers['content-type'] ?? 'text/plain', 'x-from-backend': 'yes' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-trailer': 'end' }))
    return stream.pipe(stream)
  }

  const body = await bodyOf(stream)
  later(told_, () => {
    if (stream.destroyed) return
    if (told_['x-answer-reset']) return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    const extra = answerHeaders(told_)
    const status = Number(told_['x-answer-status'] ?? 200)
    if (extra['grpc-status']) return stream.respond({ ':status': status, 'content-type': 'application/grpc', ...extra }, { endStream: true })
    const seen = { ...headers }
    const report = JSON.stringify({
      served_by: address, method: headers[':method'], path: headers[':path'], authority: headers[':authority'] ?? headers.host, raw: raw?.length, headers: seen, body, http: '2',
    })
    const grpc = (headers['content-type'] ?? '').startsWith('application/grpc')
    stream.respond({ ':status': status, 'content-type': grpc ? headers['content-type'] : 'application/json', 'x-from-backend': 'yes', ...extra }, { waitForTrailers: grpc })
    if (grpc) stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-trailer': 'end' }))
    if (headers[':method'] === 'HEAD') return stream.end()
    if (told_['x-answer-half']) return stream.write(report.slice(0, 20))
    stream.end(report)
  })
}

function upgrade(request, socket) {
  note(request.headers, socket.localAddress)
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: ${request.headers.upgrade}\r\nconnection: Upgrade\r\n\r\n`)
  socket.on('error', () => {})
  socket.pipe(socket)
}

export async function startEndpoints() {
  const servers = []
  const listen = (server, port, address) => new Promise(done => {
    servers.push(server)
    server.listen(port, address, done)
  })
  for (const address of ADDRESSES) {
    await listen(http.createServer({ keepAliveTimeout: 60000 }, http1).on('upgrade', upgrade), 18080, address)
    await listen(http2.createServer().on('stream', http2Stream), 18090, address)
    await listen(...tcpServer(address), address)
  }
  const authorization = await startAuthorization(listen, ADDRESSES[0])
  return { close: () => [authorization, ...servers].forEach(server => { server.close(); server.closeAllConnections?.() }) }
}
