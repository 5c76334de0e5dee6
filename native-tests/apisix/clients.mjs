// Clients that tell every request that failed: on new connections, on kept ones, and on HTTP/2's.
import http from 'node:http'
import http2 from 'node:http2'

export function ask(port, url, { method = 'GET', host = 'localhost', agent = false } = {}) {
  return new Promise((done, failed) => {
    const headers = agent ? { host } : { host, connection: 'close' }
    const request = http.request({ host: '127.0.0.1', port, path: url, method, headers, agent }, response => {
      let body = ''
      response.on('data', part => { body += part })
      response.on('end', () => done({ status: response.statusCode, headers: response.headers, body }))
      response.on('error', failed)
    })
    request.on('error', failed)
    request.end()
  })
}

const connectHttp2 = port => new Promise((done, failed) => {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('goaway', (code, last) => { session.last = code === 0 ? last : undefined })
  session.once('connect', () => done(session))
  session.on('error', failed)
})

function askHttp2(session, host) {
  return new Promise((done, failed) => {
    const stream = session.request({ ':path': '/', ':authority': host })
    let status
    stream.on('response', headers => { status = headers[':status'] })
    stream.on('error', error => failed(Object.assign(error, { stream: stream.id })))
    stream.on('close', () => (status ? done(status) : failed(Object.assign(new Error('closed'), { code: 'closed', stream: stream.id }))))
    stream.resume()
  })
}

// Each makes a client for a port: send(host) gives the status, `again` counts the requests that it has sent twice.
// So many requests at a time as `streams` says go over one connection.
export const clients = {
  new(port) {
    const send = async host => (await ask(port, '/', { host })).status
    return Object.assign(send, { again: 0 })
  },

  kept(port) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const send = async host => (await ask(port, '/', { host, agent })).status
    return Object.assign(send, { again: 0, end: () => agent.destroy() })
  },

  // Streams above the last one that a GOAWAY names were not begun, and RFC 9113 has them sent again; no others are.
  http2(port) {
    let session
    let connecting
    const connected = () => {
      connecting ??= connectHttp2(port).then(made => { session = made }).finally(() => { connecting = undefined })
      return connecting
    }
    async function send(host) {
      if (!session || session.last !== undefined || session.closed || session.destroyed) await connected()
      const on = session
      try {
        return await askHttp2(on, host)
      } catch (error) {
        if (on.last === undefined || (error.stream !== undefined && error.stream <= on.last)) throw error
        send.again++
        return send(host)
      }
    }
    return Object.assign(send, { again: 0, streams: 4, end: () => session?.destroy() })
  },
}

const sleep = ms => new Promise(done => setTimeout(done, ms))

// Requests over so many clients of a sort until stop(), each `pause` ms after the one before; what failed.
export function load(host, { sort = 'new', port = 18001, connections = 4, pause = 10 } = {}) {
  const failures = []
  const all = []
  while (all.length < connections) {
    const send = clients[sort](port)
    for (let i = 0; i < (send.streams ?? 1) && all.length < connections; i++) all.push(send)
  }
  let sent = 0
  let longest = 0
  let stopped = false
  const running = Promise.all(all.map(async (send, index) => {
    for (let number = index; !stopped; number += connections) {
      sent++
      const begun = performance.now()
      const status = await send(host(number)).catch(error => error.code ?? error.message)
      longest = Math.max(longest, performance.now() - begun)
      if (status !== 200) failures.push(status)
      if (pause) await sleep(pause)
    }
  }))
  return {
    sort,
    port,
    failures,
    get sent() { return sent },
    get longest() { return longest },
    get again() { return [...new Set(all)].reduce((sum, send) => sum + send.again, 0) },
    async stop() {
      stopped = true
      await running
      for (const send of all) send.end?.()
      return failures
    },
  }
}
