// Prints as JSON what upstream's .proto files declare.
//
// stdin:  a JSON array of file names, such as "envoy/config/cluster/v3/cluster.proto"
// stdout: { missing: [file names that the package does not carry],
//           messages: { FULL_NAME: { file, fields: [{ name, number, type, label, oneof }] } },
//           enums: { FULL_NAME: { file, values: { NAME: number } } } }
//
// label is "singular", "optional" (the proto3 keyword), "repeated" or "map"; a map's type is "KEY,VALUE".
// The files are those that npm's @grpc/grpc-js-xds ships in deps/.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import protobuf from 'protobufjs';

const packageFolder = path.dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json'));
const roots = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map(name => path.join(packageFolder, 'deps', name));
const locate = name => roots.map(root => path.join(root, name)).find(file => fs.existsSync(file));

const wanted = JSON.parse(fs.readFileSync(0, 'utf8'));
const missing = wanted.filter(name => !locate(name));

const root = new protobuf.Root();
// Options and annotations need definitions that nobody compares; a type that cannot be found is reported by its field below.
root.resolvePath = (_, name) => (name.startsWith('google/protobuf/') ? name : locate(name) ?? null);
root.resolveAll = () => root;
// protobufjs bundles the well-known types, but not descriptor.proto, which only options import.
protobuf.common('google/protobuf/descriptor.proto', { nested: { google: { nested: { protobuf: { nested: {} } } } } });
root.loadSync(wanted.filter(locate), { keepCase: true });

const messages = {};
const enums = {};
for (const name of wanted.filter(locate)) {
  collect(root, locate(name), name);
}
process.stdout.write(JSON.stringify({ missing, messages, enums }));

function collect(scope, location, file) {
  for (const item of scope.nestedArray ?? []) {
    // Only the top-level types of a file know their file; nested ones follow their parent.
    const here = item.parent instanceof protobuf.Type || item.filename === location;
    if (item instanceof protobuf.Enum && here) {
      enums[fullName(item)] = { file, values: item.values };
    } else if (item instanceof protobuf.Type && here) {
      messages[fullName(item)] = { file, fields: item.fieldsArray.map(describe) };
      collect(item, location, file);
    } else if (!(item instanceof protobuf.Type)) {
      collect(item, location, file);
    }
  }
}

function describe(field) {
  let type;
  try {
    field.resolve();
    type = field.resolvedType ? fullName(field.resolvedType) : field.type;
  } catch {
    type = `unresolved ${field.type}`;
  }
  const optional = field.options?.proto3_optional === true;
  const label = field.map ? 'map' : field.repeated ? 'repeated' : optional ? 'optional' : 'singular';
  return {
    name: field.name,
    number: field.id,
    type: field.map ? `${field.keyType},${type}` : type,
    label,
    oneof: optional || !field.partOf ? null : field.partOf.name,
  };
}

function fullName(item) {
  return item.fullName.slice(1);
}
