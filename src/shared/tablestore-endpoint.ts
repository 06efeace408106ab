/** The address of a Tablestore instance of Alibaba Cloud, from what people know of it and back. Pure. */

/** From where the instance is reached; decides the host name of its endpoint. */
export type Network = 'public' | 'vpc' | 'internal';

export interface EndpointParts {
  instance: string;
  region: string;
  network: Network;
}

/** Source: Alibaba Cloud, "Endpoints" of Tablestore: INSTANCE.REGION.ots[-internal].aliyuncs.com, INSTANCE.REGION.vpc.tablestore.aliyuncs.com. */
export function tablestoreEndpoint({ instance, region, network }: EndpointParts): string {
  switch (network) {
    case 'public':
      return `https://${instance}.${region}.ots.aliyuncs.com`;
    case 'internal':
      return `https://${instance}.${region}.ots-internal.aliyuncs.com`;
    case 'vpc':
      return `https://${instance}.${region}.vpc.tablestore.aliyuncs.com`;
  }
}

/** undefined: another address, of the embedded Tablestore say. */
export function endpointParts(endpoint: string): EndpointParts | undefined {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
  const parts =
    /^([a-z][a-z0-9-]*)\.([a-z0-9-]+)\.(ots|ots-internal|vpc\.tablestore|vpc\.ots)\.aliyuncs\.com$/i.exec(
      host,
    );
  if (!parts) return undefined;
  const [, instance, region, kind] = parts as unknown as [string, string, string, string];
  const network = kind === 'ots' ? 'public' : kind === 'ots-internal' ? 'internal' : 'vpc';
  return { instance, region, network };
}

export function isRegion(text: string): boolean {
  return /^[a-z]{2}-[a-z0-9-]+$/.test(text);
}

export function isInstanceName(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9-]{2,15}$/.test(text);
}
