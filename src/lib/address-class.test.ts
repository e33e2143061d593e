import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classifyHost, type AddressClass } from './address-class.ts';

const TABLE: Readonly<Record<AddressClass, readonly string[]>> = {
  forbidden: [
    '169.254.169.254',
    '169.254.0.1',
    '0.0.0.0',
    '0.1.2.3',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '224.0.0.1',
    '255.255.255.255',
    '[::]',
    '[fe80::1]',
    '[febf::1]',
    '[fec0::1]',
    '[fd00:ec2::254]',
    '[FD00:EC2::23]',
    '[fd20:ce::254]',
    '[ff02::1]',
    // The same in IPv6's clothes.
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[0:0:0:0:0:ffff:a9fe:a9fe]',
    '[::169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b:1::a9fe:a9fe]',
    '[2002:a9fe:a9fe::1]',
    'metadata',
    'metadata.google.internal',
    'METADATA.google.internal.',
    'metadata.goog',
    'instance-data',
    'instance-data.ec2.internal',
  ],
  private: [
    '127.0.0.1',
    '127.255.255.254',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '198.18.0.1',
    '[::1]',
    '[fd12:3456::1]',
    '[fc00::1]',
    '[::ffff:10.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:a00:1::]',
    'localhost',
    'api.localhost',
    'LOCALHOST.',
    'orders',
    'db.internal',
    'printer.local',
    'nas.home.arpa',
  ],
  public: [
    '192.0.2.1',
    '8.8.8.8',
    '100.63.255.255',
    '172.32.0.1',
    '169.253.255.255',
    '[2001:db8::1]',
    '[2606:4700::1111]',
    '[::ffff:8.8.8.8]',
    '[64:ff9b::808:808]',
    'example.com',
    'localhost.example.com',
    'metadata.example.com',
    'internal.example.com',
  ],
};

for (const kind of ['forbidden', 'private', 'public'] as const) {
  describe(`${kind} is`, () => {
    for (const host of TABLE[kind]) test(host, () => assert.equal(classifyHost(host), kind));
  });
}

test('a URL cannot hide an address from the look at its host', () => {
  for (const url of [
    'http://0xa9fea9fe/',
    'http://2852039166/',
    'http://0251.0376.0251.0376/',
    'http://169.254.43518/',
    'http://169。254。169。254/',
    'http://①⑥⑨.254.169.254/',
    'http://[0::ffff:a9fe:a9fe]/',
    'http://[::ffff:169.254.169.254]/',
  ]) {
    assert.equal(classifyHost(new URL(url).hostname), 'forbidden', url);
  }
});
