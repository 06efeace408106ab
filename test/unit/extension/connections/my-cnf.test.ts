import { expect, test } from 'vitest';
import { parseMyCnf } from '../../../../src/extension/connections/my-cnf.js';

const client = (...lines: string[]) => parseMyCnf(['[client]', ...lines, ''].join('\n'));

test('the section [client] of an option file gives a connection', () => {
  const text = `\uFEFF# of the shop
[mysqld]
port = 3399
[ Client ]
host=db.example.com   # the first of three
port = 3307
 user =  "dts"
password="p#ss 'word'"
ssl-mode=VERIFY_IDENTITY
ssl_ca = /etc/ca.pem
ssl-cert=/etc/cert.pem
ssl-key=/etc/key.pem
loose-server-public-key-path=/etc/public_key.pem
; of old
!include /etc/other.cnf
[mysqldump]
user=backup`;
  const expected = {
    host: 'db.example.com',
    port: 3307,
    user: 'dts',
    password: "p#ss 'word'",
    ssl: 'verify-identity',
    caFile: '/etc/ca.pem',
    certFile: '/etc/cert.pem',
    keyFile: '/etc/key.pem',
    serverPublicKeyFile: '/etc/public_key.pem',
  };
  expect(parseMyCnf(text)).toEqual(expected);
  expect(parseMyCnf(text.replaceAll('\n', '\r\n'))).toEqual(expected);
});

test('the last of two counts, in a section that comes twice too', () => {
  expect(parseMyCnf('[client]\nhost=a\nhost=b\n[mysql]\nhost=x\n[client]\nuser=c\nhost=d')).toEqual({
    host: 'd',
    user: 'c',
  });
});

test('a password may hold what begins a comment, ends a quote or is escaped', () => {
  const password = (line: string) => client(`password=${line}`)?.password;
  expect(password('"a#b"')).toBe('a#b');
  expect(password("'a\"b'")).toBe('a"b');
  expect(password('a#b')).toBe('a');
  expect(password('"a\\"b"')).toBe('a"b');
  expect(password('"a\\\\b\\sc\\td"')).toBe('a\\b c\td');
  expect(password('a=b=c')).toBe('a=b=c');
  expect(password('"')).toBe('"');
  expect(password('""')).toBeUndefined();
  expect(client('ssl-ca=C:\\keys\\ca.pem')?.caFile).toBe('C:\\keys\\ca.pem');
});

test('TLS in the words of MySQL, of its older versions and of MariaDB', () => {
  const ssl = (...lines: string[]) => client('host=h', ...lines)?.ssl;
  expect(ssl()).toBeUndefined();
  expect(ssl('ssl-mode=required')).toBe('required');
  expect(ssl('ssl-mode=PREFERRED', 'ssl-ca=ca.pem')).toBe('preferred');
  expect(ssl('ssl-ca=ca.pem')).toBe('verify-ca');
  expect(ssl('ssl-ca=ca.pem', 'ssl-verify-server-cert')).toBe('verify-identity');
  expect(ssl('ssl-ca=ca.pem', 'ssl-verify-server-cert=0')).toBe('verify-ca');
  expect(ssl('ssl')).toBe('required');
  expect(ssl('ssl=0')).toBe('disabled');
  expect(ssl('skip-ssl')).toBe('disabled');
  expect(ssl('ssl-mode=sometimes')).toBeUndefined();
});

test('what is no port stays as it stands, for the form to say so', () => {
  expect(client('port=0')?.port).toBe('0');
  expect(client('port=seventy')?.port).toBe('seventy');
  expect(client('port=70000')?.port).toBe('70000');
});

test('a file that says nothing of a connection gives none', () => {
  for (const text of ['', 'host=before any section', '[mysqld]\nhost=h', '[client]\nhost', '[client]\nhost='])
    expect(parseMyCnf(text), text).toBeUndefined();
});
