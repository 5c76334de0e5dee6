// Sends one request to the gateway: HTTP/1.1 by hand, so that nothing is normalised, or HTTP/2 (proto: 'h2c'). line: (authority)
// -> another request line; body: text, or a list of pieces that are sent with `pause` ms between them; chunked: without a length;
// lockstep: a piece is sent when the one before it has reached an endpoint; length: said of a body that has fewer; endless: nothing says that the body
// has ended; abort: the client goes away after the last piece; expect: the body waits for a word.
import http2 from 'node:http2'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { arrived, reached } from './endpoints.mjs'
import { hostOf, portOf } from './mesh.mjs'

// APISIX takes what calls it by name on a port of its own
export const GATEWAY = { host: '127.0.0.1', port: 15001 }
let last = 0

// Until what was sent has come to an endpoint; false when it does not.
async function hasArrived(id, length) {
  for (let i = 0; i < 20000 / 5; i++) {
    if (arrived.get(id)?.length >= length) return true
    await sleep(5)
  }
  return false
}

// headers: {name: value or values}
const flat = headers => Object.entries(headers).flatMap(([name, value]) => [].concat(value).map(one => [name, one]))

function parseHead(text) {
  const [line, ...lines] = text.split('\r\n')
  const headers = {}
  for (const one of lines) {
    const mark = one.indexOf(':')
    const name = one.slice(0, mark).toLowerCase()
    const value = one.slice(mark + 1).trim()
    headers[name] = name in headers ? [].concat(headers[name], value) : value
  }
  return { status: Number(line.split(' ')[1]), headers }
}

function unchunked(text) {
  let body = ''
  for (;;) {
    const end = text.indexOf('\r\n')
    const size = parseInt(text.slice(0, end), 16)
    if (end < 0 || Number.isNaN(size)) return { body, cut: true }
    if (size === 0) return { body, cut: false }
    body += text.slice(end + 2, end + 2 + size)
    text = text.slice(end + 4 + size)
  }
}

function answerOf(text, method) {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return { status: 'no answer' }
  const answer = parseHead(text.slice(0, end))
  const rest = text.slice(end + 4)
  if (answer.headers['transfer-encoding'] === 'chunked') return { ...answer, ...unchunked(rest) }
  const length = answer.headers['content-length']
  return { ...answer, body: rest, cut: method !== 'HEAD' && length !== undefined && rest.length < Number(length) }
}

function http1(request, one, id) {
  const method = request.method ?? 'GET'
  const upgrade = request.upgrade
  const pieces = [].concat(request.body ?? [])
  const authority = `${request.host ?? hostOf(one)}:${portOf(one)}`
  const lines = [
    request.line?.(authority) ?? `${method} ${request.path ?? '/'} HTTP/1.1`,
    `Host: ${authority}`,
    `x-case: ${id}`,
    ...flat(request.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ...(request.chunked ? ['transfer-encoding: chunked'] : pieces.length > 0 ? [`content-length: ${request.length ?? Buffer.byteLength(pieces.join(''))}`] : []),
    ...(request.expect ? ['expect: 100-continue'] : []),
    upgrade ? `Connection: Upgrade\r\nUpgrade: ${upgrade}` : 'Connection: close',
  ]
  const coded = piece => request.chunked ? `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n` : piece
  return new Promise(done => {
    const socket = net.connect(GATEWAY)
    let text = ''
    let sent = false
    const timer = setTimeout(() => socket.destroy(), request.patience ?? 25000)
    const sendBody = async () => {
      let length = 0
      for (const [index, piece] of pieces.entries()) {
        if (index > 0) await sleep(request.pause ?? 0)
        socket.write(coded(piece))
        length += Buffer.byteLength(piece)
        if (request.lockstep && !await hasArrived(id, length)) return socket.destroy()
      }
      if (request.abort) socket.destroy()
      else if (request.chunked && !request.endless) socket.write('0\r\n\r\n')
    }
    socket.on('connect', () => {
      socket.write(lines.join('\r\n') + '\r\n\r\n')
      if (!request.expect) sendBody()
    })
    socket.on('data', part => {
      text += part.toString('latin1')
      if (request.expect && text.startsWith('HTTP/1.1 100 Continue\r\n\r\n')) {
        text = text.slice(text.indexOf('\r\n\r\n') + 4)
        sendBody()
      }
      if (upgrade && !sent && text.includes('101 Switching')) {
        sent = true
        setTimeout(() => socket.write('ping'), request.pause ?? 0)
      }
      if (upgrade && text.endsWith('ping')) socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      done(answerOf(text, method))
    })
  })
}

function h2c(request, one, id) {
  return new Promise(done => {
    const session = http2.connect(`http://${GATEWAY.host}:${GATEWAY.port}`)
    const answer = { headers: {}, body: '', cut: false }
    const end = () => { clearTimeout(timer); answer.status ??= 'no answer'; session.destroy(); done(answer) }
    const timer = setTimeout(() => { answer.status ??= 'no answer'; answer.cut = true; end() }, request.patience ?? 25000)
    session.on('error', error => { answer.status = `no answer: ${error.message}`; end() })
    const body = [].concat(request.body ?? [])
    const stream = session.request({
      ':method': request.method ?? 'GET', ':path': request.path ?? '/', ':authority': `${request.host ?? hostOf(one)}:${portOf(one)}`, 'x-case': id,
      ...request.headers,
    }, { endStream: body.length === 0 })
    stream.on('response', headers => { answer.status = headers[':status']; answer.headers = headers; answer.settings = session.remoteSettings })
    stream.on('trailers', trailers => { answer.trailers = trailers })
    stream.on('error', () => { answer.cut = true })
    stream.on('close', () => { answer.status ??= 'no answer'; if (stream.rstCode) answer.cut = true; end() })
    if (request.lockstep) {
      let length = 0
      const step = async () => {
        if (body.length === 0) return request.abort ? end() : request.endless || stream.end()
        await sleep(length > 0 ? request.pause ?? 0 : 0)
        const piece = body.shift()
        stream.write(piece)
        length += Buffer.byteLength(piece)
        return await hasArrived(id, length) ? step() : end()
      }
      step()
      stream.on('data', part => { answer.body += part })
      return
    }
    // pieces of a body go out one after the answer to the other came
    const next = () => body.length > 0 ? stream.write(body.shift()) : stream.end()
    const later = () => setTimeout(next, request.pause ?? 0)
    if (body.length > 0) next()
    stream.on('data', part => { answer.body += part; if (!stream.writableEnded) later() })
    if (request.body !== undefined && !request.headers?.['x-answer-echo']) { while (body.length > 0) next(); stream.end() }
  })
}

export async function send(request, one) {
  const id = `${process.pid}-${++last}`
  const started = Date.now()
  const answer = await (request.proto === 'h2c' ? h2c : http1)(request, one, id)
  answer.seconds = (Date.now() - started) / 1000
  if (answer.headers?.['x-from-backend']) {
    try { answer.seen = JSON.parse(answer.body) } catch { answer.seen = undefined }
  }
  answer.reached = reached.get(id) ?? []
  answer.arrival = () => arrived.get(id)?.state
  answer.length = () => arrived.get(id)?.length
  return answer
}
