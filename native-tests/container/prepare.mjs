// What the container's entry point makes of what a pod says, with stand-ins for APISIX and nginx: runs anywhere. See README.md.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'amesh-container-'))
const amesh = path.join(folder, 'amesh')
const program = path.join(amesh, 'container/amesh-proxy.sh')
const pod = path.join(folder, 'pod')

function must(condition, text) {
  if (!condition) throw new Error(text)
}
function same(what, is, wanted) {
  must(isDeepStrictEqual(is, wanted), `${what} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`)
}
function write(file, text, mode = 0o644) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text, { mode })
}

// The base image: an APISIX without its code, a program apisix that writes what `init` would, and an nginx that says how it was started.
function layOut() {
  // a copy: user 1337 may not be let into the folder of the repository
  for (const part of ['container', 'apisix-patch']) fs.cpSync(path.join(root, part), path.join(amesh, part), { recursive: true })
  write(path.join(folder, 'apisix/apisix/init.lua'), '')
  write(path.join(folder, 'apisix/conf/mime.types'), 'types {}')
  write(path.join(folder, 'apisix/conf/cert/ssl_PLACE_HOLDER.crt'), '')
  write(path.join(folder, 'apisix/conf/config.yaml'), 'of the base image: 1')
  write(path.join(folder, 'apisix/conf/nginx.conf'), 'of the base image')
  write(path.join(folder, 'bin/apisix'), `#!/bin/sh
[ "$1" = init ] && [ -e apisix/init.lua ] && [ -e conf/mime.types ] || { echo "APISIX says no"; exit 1; }
echo "made of config.yaml" >conf/nginx.conf
`, 0o755)
  write(path.join(folder, 'bin/openresty'), '#!/bin/sh\npwd\necho "$$ $*"\n', 0o755)
}

let runs = 0
// Runs the entry point as a pod with these variables and these of its files would.
function start(verb, { variables = {}, files = {}, config } = {}) {
  const run = variables.AMESH_RUN ?? path.join(folder, `run${++runs}`)
  fs.rmSync(pod, { recursive: true, force: true })
  write(path.join(pod, 'proc/net/if_inet6'), '')
  for (const [file, text] of Object.entries(files)) {
    if (text === null) fs.rmSync(path.join(pod, file))
    else write(path.join(pod, file), text)
  }
  if (config) write(path.join(pod, 'config.yaml'), config)
  const environment = {
    PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, AMESH_PREFIX: amesh, APISIX_PREFIX: path.join(folder, 'apisix'), AMESH_RUN: run,
    AMESH_ROOT: pod, AMESH_CONFIG: path.join(pod, 'config.yaml'), ...variables,
  }
  const ended = spawnSync(program, verb, { env: environment, encoding: 'utf8' })
  return { run, code: ended.status, output: ended.stdout, errors: ended.stderr, pid: ended.pid, home: path.join(run, 'apisix') }
}

function configuration(options, verb = ['prepare']) {
  const ended = start(verb, options)
  must(ended.code === 0, ended.errors)
  return { ...JSON.parse(fs.readFileSync(path.join(ended.home, 'conf/config.yaml'), 'utf8')), ended }
}

const source = { AMESH_SOURCE: 'grpc://istiod:15010' }
const mounts = { 'var/run/secrets/istio/root-cert.pem': 'CA', 'var/run/secrets/tokens/istio-token': 'TOKEN' }

const tests = {
  'the home has what APISIX needs, and nothing of the base image\'s configuration'() {
    const { ended } = configuration({ variables: source })
    must(fs.readlinkSync(path.join(ended.home, 'apisix')) === path.join(folder, 'apisix/apisix'), 'the code is linked')
    must(fs.existsSync(path.join(ended.home, 'conf/cert/ssl_PLACE_HOLDER.crt')), 'certificates are there')
    must(fs.readFileSync(path.join(ended.home, 'conf/nginx.conf'), 'utf8').includes('made of'), 'nginx.conf is fresh')
  },

  'settings are those of apisix-patch/config.yaml with the container\'s over them'() {
    const made = configuration({ variables: source })
    same('the provider', made.deployment.role_data_plane.config_provider, 'xds')
    same('the router', made.apisix.router.http, 'amesh')
    same('the control API', made.apisix.control, { ip: '127.0.0.1', port: 15004 })
    same('the plugins', made.plugins, ['amesh', 'prometheus'])
    same('the metrics', made.plugin_attr.prometheus.export_addr, { ip: '0.0.0.0', port: 15020 })
    same('the dictionary', made.nginx_config.http.custom_lua_shared_dict['xds-config'], '64m')
    same('the access log', made.nginx_config.http.access_log, '/dev/stdout')
    must(made.nginx_config.stream_configuration_snippet.includes(`include ${amesh}/apisix-patch/amesh-tcp.conf;`), 'paths are those of this folder')
    must(made.nginx_config.stream_configuration_snippet.includes('listen [::]:15006;'), 'IPv6')
    same('what the pod did not say', made.plugin_attr.amesh, {})
  },

  'without IPv6 nginx does not listen on it'() {
    const { nginx_config: nginx } = configuration({ variables: source, files: { 'proc/net/if_inet6': null } })
    for (const snippet of [nginx.stream_configuration_snippet, nginx.http_configuration_snippet]) must(!snippet.includes('[::]'), snippet)
    must(nginx.stream_configuration_snippet.includes('listen 15006;') && nginx.http_configuration_snippet.includes('listen 15021;'), 'IPv4 stays')
  },

  'the library sees what the pod says, and nothing else of the environment'() {
    const { nginx_config: nginx, ended } = configuration({ variables: { ...source, POD_NAME: 'p', ISTIO_META_OWNER: 'o', ISTIO_METAJSON_LABELS: '{}', NODE_NAME: 'n', KUBERNETES_PORT: '1' } })
    for (const name of ['AMESH_SOURCE', 'POD_NAME', 'ISTIO_META_OWNER', 'ISTIO_METAJSON_LABELS', 'NODE_NAME', 'AMESH_STATE_FILE', 'HOME']) must(nginx.envs.includes(name), `${name} is not there`)
    must(!nginx.envs.includes('KUBERNETES_PORT') && !nginx.envs.includes('PATH'), nginx.envs.join())
    same('names that are there twice', nginx.envs.filter((name, at) => nginx.envs.indexOf(name) !== at), [])
    must(ended.run, 'a folder')
  },

  'the control plane of PROXY_CONFIG is called with TLS, the mounted root certificate and the token'() {
    const { plugin_attr: { amesh } } = configuration({ variables: { PROXY_CONFIG: '{"discoveryAddress":"istiod.mesh.svc:15012"}', ISTIO_META_CLUSTER_ID: 'east' }, files: mounts })
    same('the source', amesh.source, 'grpcs://istiod.mesh.svc:15012')
    same('the authority', amesh.ca, path.join(pod, 'var/run/secrets/istio/root-cert.pem'))
    same('the headers', amesh.headers, { authorization: `Bearer @${pod}/var/run/secrets/tokens/istio-token`, clusterid: 'east' })
  },

  'the token is sent inside TLS only, and where it is wanted'() {
    same('plain', configuration({ variables: source, files: mounts }).plugin_attr.amesh, {})
    const { amesh } = configuration({ variables: { AMESH_SOURCE: 'grpcs://istiod:15012', AMESH_TOKEN: 'off' }, files: mounts }).plugin_attr
    same('off', amesh, { ca: path.join(pod, 'var/run/secrets/istio/root-cert.pem') })
    const own = configuration({ variables: { AMESH_SOURCE: 'grpcs://istiod:15012', AMESH_CA: '/ca' }, files: mounts }).plugin_attr.amesh
    must(own.ca === undefined && own.headers.clusterid === 'Kubernetes', JSON.stringify(own))
  },

  'PROXY_CONFIG may be YAML, and what is neither is said'() {
    const { nginx_config: nginx, plugin_attr: { amesh } } = configuration({ variables: { PROXY_CONFIG: 'discoveryAddress: istiod:15010\nconcurrency: 3\n' } })
    same('the source', amesh.source, 'grpc://istiod:15010')
    same('the workers', nginx.worker_processes, 3)
    const ended = start(['prepare'], { variables: { PROXY_CONFIG: '- no' } })
    must(ended.code === 1 && ended.errors.includes('PROXY_CONFIG'), ended.errors)
  },

  'without a control plane it does not start, and says what to set'() {
    const ended = start(['prepare'])
    must(ended.code === 1 && ended.errors.includes('set AMESH_SOURCE'), `${ended.code} ${ended.errors}`)
  },

  'as many workers as the pod says, in this order'() {
    const of = variables => configuration({ variables: { ...source, ...variables } }).nginx_config.worker_processes
    same('nothing said', of({}), 2)
    same('the limit', of({ ISTIO_CPU_LIMIT: '4' }), 4)
    same('Istio\'s', of({ ISTIO_CPU_LIMIT: '4', PROXY_CONFIG: '{"concurrency":3}' }), 3)
    same('all', of({ PROXY_CONFIG: '{"concurrency":0}' }), 'auto')
    same('ours', of({ AMESH_WORKERS: '1', PROXY_CONFIG: '{"concurrency":3}' }), 1)
  },

  'workers open no more files than they may'() {
    const { nginx_config: nginx } = configuration({ variables: source })
    const most = Number(spawnSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout)
    same('the limit', nginx.worker_rlimit_nofile, most < 20480 ? most : undefined)
  },

  'a configuration of one\'s own is laid over all of it'() {
    const made = configuration({ variables: source, config: 'plugin_attr: {amesh: {protocol: sotw}, prometheus: ~}\nplugins: [amesh, request-id]\nnginx_config: {http: {access_log: "off"}}\n' })
    same('the protocol', made.plugin_attr, { amesh: { protocol: 'sotw' } })
    same('the plugins', made.plugins, ['amesh', 'request-id'])
    same('a text that YAML would take for false', made.nginx_config.http.access_log, 'off')
    const ended = start(['prepare'], { variables: source, config: 'plugins: [' })
    must(ended.code === 1 && ended.errors.includes('config.yaml is no configuration'), ended.errors)
  },

  'logs as the pod wants them'() {
    const { nginx_config: nginx } = configuration({ variables: { ...source, AMESH_LOG_LEVEL: 'debug', AMESH_ACCESS_LOG: 'off' } })
    same('the level', nginx.error_log_level, 'debug')
    same('the access log', nginx.http.enable_access_log, false)
  },

  'what APISIX refuses is shown'() {
    fs.renameSync(path.join(folder, 'apisix/conf/mime.types'), path.join(folder, 'away'))
    const ended = start(['prepare'], { variables: source })
    fs.renameSync(path.join(folder, 'away'), path.join(folder, 'apisix/conf/mime.types'))
    must(ended.code === 1 && ended.errors.includes('APISIX says no'), ended.errors)
  },

  'a folder that cannot be written to is said'() {
    write(path.join(folder, 'file'), '')
    const ended = start(['prepare'], { variables: { ...source, AMESH_RUN: path.join(folder, 'file') } })
    must(ended.code === 1 && ended.errors.includes('mount an emptyDir'), ended.errors)
  },

  'it becomes nginx: the same process, in the root folder, as user 1337'() {
    fs.chmodSync(folder, 0o777)
    const ended = start(['run'], { variables: { ...source, AMESH_RUN: path.join(folder, 'unprivileged') } })
    must(ended.code === 0, ended.errors)
    const [where, how] = ended.output.trim().split('\n')
    same('the folder', where, '/')
    same('how', how, `${ended.pid} -e stderr -p ${folder}/unprivileged/apisix -c ${folder}/unprivileged/apisix/conf/nginx.conf -g daemon off;`)
    same('whose', fs.statSync(path.join(folder, 'unprivileged/apisix/conf/nginx.conf')).uid, process.getuid() === 0 ? 1337 : process.getuid())
  },

  'it is started as Istio\'s agent starts Envoy'() {
    const verb = ['-c', '/etc/istio/proxy/envoy-rev.json', '--drain-time-s', '45', '--local-address-ip-version', 'v4', '--disable-hot-restart', '-l', 'warning', '--component-log-level', 'misc:error', '--concurrency', '3']
    const made = configuration({ variables: { AMESH_RUN: path.join(folder, 'agent') }, files: mounts }, verb)
    same('the source', made.plugin_attr.amesh, { source: 'unix:/etc/istio/proxy/XDS' })
    same('the workers', made.nginx_config.worker_processes, 3)
    same('the level', made.nginx_config.error_log_level, 'notice')
    same('the metrics', made.plugin_attr.prometheus.export_addr, { ip: '127.0.0.1', port: 15092 })
    must(made.nginx_config.envs.includes('AMESH_BOOTSTRAP'), 'the bootstrap')
  },

  'under the agent it needs no volume of its own'() {
    write(path.join(folder, 'file'), '')
    const data = 'var/lib/istio/data'
    const ended = start(['prepare'], { variables: { AMESH_AGENT: '1', AMESH_RUN: path.join(folder, 'file') }, files: { [`${data}/there`]: '' } })
    must(ended.code === 0 && fs.existsSync(path.join(pod, data, 'amesh/apisix/conf/config.yaml')), ended.errors)
  },

  'any other command is run as it is'() {
    const ended = start(['echo', 'amesh'])
    must(ended.code === 0 && ended.output === 'amesh\n', ended.errors)
  },

  'the examples for Kubernetes are YAML, of this image and this user'() {
    const examples = path.join(root, 'container/kubernetes')
    for (const name of fs.readdirSync(examples)) {
      const file = path.join(examples, name)
      const parsed = spawnSync('luajit', ['-e', `for _, one in ipairs(require("lyaml").load(io.open("${file}"):read("*a"), {all = true})) do assert(type(one) == "table") end`], { encoding: 'utf8' })
      must(parsed.status === 0, `${name}: ${parsed.stderr}`)
      must(/image: amesh-sidecar/.test(fs.readFileSync(file, 'utf8')), name)
    }
  },
}

let passed = 0
let failed = 0
try {
  layOut()
  // started as root it goes on as another user, who must be let in
  fs.chmodSync(folder, 0o755)
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test()
      passed++
      console.log(`passed ${name}`)
    } catch (error) {
      failed++
      console.log(`FAILED ${name}: ${error.message}`)
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
