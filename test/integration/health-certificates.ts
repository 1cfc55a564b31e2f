/** Real certificates, made with the openssl command line tool below the system's temporary directory. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export interface Certificates {
  /** Has signed all others. */
  readonly ca: string;
  /** Has signed nothing. */
  readonly strangerCa: string;
  /** For localhost and 127.0.0.1. */
  readonly server: KeyPair;
  /** For rest.example.com. */
  readonly otherHost: KeyPair;
  readonly expired: KeyPair;
  readonly client: KeyPair;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function makeCertificates(): Certificates {
  const dir = mkdtempSync(path.join(tmpdir(), 'redis-multidb-certificates-'));
  const at = (name: string) => path.join(dir, name);
  const read = (name: string) => readFileSync(at(name), 'utf8');
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const makeCa = (name: string) => {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    openssl('req', '-x509', ...NEW_KEY, ...files, '-subj', `/CN=${name}`, '-days', '2');
    return read(`${name}.pem`);
  };
  const issue = (name: string, altNames: string, days = 2): KeyPair => {
    openssl(
      'req',
      '-new',
      ...NEW_KEY,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    );
    writeFileSync(at(`${name}.ext`), `subjectAltName=${altNames}\n`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-extfile',
      `${name}.ext`,
      '-days',
      `${days}`,
      '-out',
      `${name}.pem`,
    );
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
  };
  try {
    return {
      ca: makeCa('ca'),
      strangerCa: makeCa('stranger'),
      server: issue('server', 'DNS:localhost,IP:127.0.0.1'),
      otherHost: issue('other-host', 'DNS:rest.example.com'),
      expired: issue('expired', 'DNS:localhost,IP:127.0.0.1', -1),
      client: issue('client', 'DNS:client'),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
