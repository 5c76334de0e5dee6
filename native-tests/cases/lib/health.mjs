// What endpoints answer to health checks. A check is told by its cluster: the Host of HTTP and gRPC is the cluster's name
// where nothing else is said, and by TCP the name is what is sent.
import net from 'node:net'

const PATH = '/health'
const GRPC = '/grpc.health.v1.Health/Check'
const SERVING = 1
const NOT_SERVING = 2
const TCP = 18070

// "CLUSTER ADDRESS" -> status; 200 is good, 0 no answer at all
const states = new Map()
const counts = new Map()

export const setHealth = (cluster, address, status) => states.set(`${cluster} ${address}`, status)
export const checksOf = cluster => counts.get(cluster) ?? 0

function stateOf(cluster, address) {
  counts.set(cluster, checksOf(cluster) + 1)
  return states.get(`${cluster} ${address}`) ?? 200
}

export function answersHttp(request, response) {
  if (request.url !== PATH) return false
  const status = stateOf(request.headers.host, request.socket.localAddress)
  if (status === 0) request.socket.destroy()
  else response.writeHead(status).end('ok')
  return true
}

export function answersGrpc(stream, headers) {
  if (headers[':path'] !== GRPC) return false
  const status = stateOf(headers[':authority'], stream.session.socket.localAddress)
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status === 200 ? SERVING : NOT_SERVING]))
  return true
}

export const tcpServer = address => [net.createServer(socket => {
  socket.on('error', () => {})
  socket.on('data', name => socket.write(stateOf(name.toString(), address) === 200 ? 'all is well' : 'alas'))
}), TCP]
