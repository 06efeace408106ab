import type { Service } from '../operations/service.js';

/** What a browser sees: what this is, and how to talk to it. No secret, no data. */
export function welcomePage(service: Service, instance: string): Buffer {
  return Buffer.from(
    [
      'Rowferry: embedded Tablestore',
      '',
      `Instance "${instance}", ${service.store.tables.size} table(s).`,
      'This is an HTTP endpoint that speaks the Tablestore protocol (POST /<Operation>).',
      'Point an official Tablestore SDK at this address, with the instance name above and the',
      'access key pair that "rowferry tablestore" printed when it started.',
      '',
      'To inspect the data, run rowferry tablestore ls | get | scan | export.',
      '',
    ].join('\n'),
  );
}
