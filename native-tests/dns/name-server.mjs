// A name server on 127.0.0.53 that says what a file says: {"name": {"a": ["10.0.0.1"], "ttl": 1, "rcode": 0, "tc": false}}.
// The file is read for each question; what is not in it does not exist. Questions go to the second file, one per line.
import { appendFileSync, readFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [zone, asked] = process.argv.slice(2);

function answer(question, protocol) {
  const labels = [];
  let at = 12;
  for (; question[at] !== 0; at += question[at] + 1) {
    labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
  }

  const name = labels.join('.');
  const type = question.readUInt16BE(at + 1);
  appendFileSync(asked, `${protocol} ${type === 1 ? 'A' : type} ${name}\n`);
  const entry = JSON.parse(readFileSync(zone))[name];
  const code = entry ? entry.rcode ?? 0 : 3;
  const cut = Boolean(entry?.tc) && protocol === 'udp';
  const addresses = entry && type === 1 && code === 0 && !cut ? entry.a ?? [] : [];
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  head[2] = 0x81 | (cut ? 2 : 0);
  head[3] = 0x80 | code;
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  const records = addresses.map(address => {
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]);
    record.writeUInt32BE(entry.ttl ?? 1, 6);
    return record;
  });
  return Buffer.concat([head, question.subarray(12, at + 5), ...records]);
}

const udp = createSocket('udp4');
udp.on('message', (question, from) => udp.send(answer(question, 'udp'), from.port, from.address));
udp.bind(53, '127.0.0.53');
createServer(peer => peer.on('error', () => {}).once('data', data => {
  const reply = answer(data.subarray(2), 'tcp');
  const size = Buffer.alloc(2);
  size.writeUInt16BE(reply.length);
  peer.end(Buffer.concat([size, reply]));
})).listen(53, '127.0.0.53');
