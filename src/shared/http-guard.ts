/**
 * Who may ask an HTTP server of ours. A web page that somebody visits can send requests to servers of this machine and
 * of its network, and reads the answers once its own name points to their address (DNS rebinding). Such a request tells
 * by its headers: the name of the page as Host, or that a browser sends it for a page.
 */

/** The headers that count, names in lower case as Node gives them. */
export interface AskingHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/** Is it a name or an address of the loopback interface? Host headers may end with a port. */
export function isLoopbackHost(host: string): boolean {
  const name = withoutPort(host);
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(name)
  );
}

/**
 * Why a request is not answered; null: it is. `hosts`: further names and addresses under which the server may be asked,
 * `*` for any.
 */
export function refusalOf(headers: AskingHeaders, hosts: readonly string[] = []): string | null {
  const { host, origin, 'sec-fetch-site': site } = headers;
  // "none": a person opened the address.
  if (origin !== undefined || (site !== undefined && site !== 'none'))
    return 'This server does not answer web pages.';
  if (host === undefined) return 'The request names no host.';
  const isNamed = hosts.some((one) => one === '*' || withoutPort(one) === withoutPort(host));
  return isNamed || isLoopbackHost(host) ? null : 'This server is not answering under this host name.';
}

function withoutPort(host: string): string {
  const bare = host.toLowerCase();
  // An IPv6 address may be given without brackets.
  if (/^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/.test(bare)) return `[${bare}]`;
  return bare.replace(/:\d+$/, '').replace(/\.$/, '');
}
