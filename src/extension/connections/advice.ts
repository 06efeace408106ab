import type { Translate } from '../../shared/format.js';
import type { DestinationSettings, SourceSettings } from '../../shared/task.js';

/** One thing to try when a connection fails. */
export interface Advice {
  about: string;
  text: string;
}

/**
 * What to try when a source or destination did not answer as wished, by the code of the error: network, port, TLS or
 * account, the likeliest first. Pure. `remote`: the extension runs on another machine than the person's screen.
 */
export function adviceFor(
  code: string,
  settings: SourceSettings | DestinationSettings,
  t: Translate,
  remote = false,
): Advice[] {
  return 'endpoint' in settings
    ? destinationAdvice(code, settings, t)
    : sourceAdvice(code, settings, t, remote);
}

function sourceAdvice(code: string, source: SourceSettings, t: Translate, remote: boolean): Advice[] {
  const local = ['127.0.0.1', 'localhost', '::1'].includes(source.host);
  switch (code) {
    case 'ROW-S101':
      return [
        ...(local && remote
          ? [
              {
                about: t('Host'),
                text: t('{0} is the remote machine here, not the one you sit at.', source.host),
              },
            ]
          : []),
        {
          about: t('Port'),
          text: local
            ? t('Does MySQL run on this machine, on port {0}?', source.port)
            : t('Does MySQL listen on port {0}, and on more than 127.0.0.1 (bind_address)?', source.port),
        },
        ...(local
          ? []
          : [
              {
                about: t('Whitelist'),
                text: t(
                  'Add the address of this machine to the whitelist of RDS or PolarDB, or to the security group or firewall of the server.',
                ),
              },
              {
                about: t('Network'),
                text: t(
                  'Internal addresses of Alibaba Cloud answer only inside their VPC; elsewhere use the public one.',
                ),
              },
            ]),
      ];
    case 'ROW-S102':
      return [
        { about: t('Account'), text: t('Are user and password right? Both are case-sensitive.') },
        {
          about: t('Host'),
          text: t(
            "An account is a user at a host: 'user'@'%' may come from anywhere, 'user'@'localhost' may not.",
          ),
        },
      ];
    case 'ROW-S103':
      return [
        {
          about: t('Account'),
          text: `GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${source.user}'@'%';`,
        },
      ];
    case 'ROW-S110':
      return [
        source.ssl === 'disabled'
          ? { about: 'TLS', text: t('The server insists on TLS: choose it in the settings.') }
          : {
              about: 'TLS',
              text: t('Does the server offer TLS at all? If not, choose no TLS in a network that you trust.'),
            },
        ...(source.ssl === 'verify-ca' || source.ssl === 'verify-identity'
          ? [
              {
                about: t('CA file'),
                text: t('Is it the CA that signed the certificate of the server, and not expired?'),
              },
            ]
          : []),
        ...(source.ssl === 'verify-identity'
          ? [
              {
                about: t('Host'),
                text: t('The certificate must name {0}; else check the authority alone.', source.host),
              },
            ]
          : []),
      ];
    default:
      return [];
  }
}

function destinationAdvice(code: string, destination: DestinationSettings, t: Translate): Advice[] {
  switch (code) {
    case 'ROW-D101':
      return [
        { about: t('Endpoint'), text: t('Is it spelled right? {0}', destination.endpoint) },
        {
          about: t('Network'),
          text: t('VPC and internal endpoints answer only from there; elsewhere use the public one.'),
        },
        {
          about: t('Whitelist'),
          text: t(
            'The network access control of the instance must allow the public network, or the VPC of this machine.',
          ),
        },
      ];
    case 'ROW-D102':
      return [
        { about: 'AccessKey', text: t('Is the pair complete, and is the key enabled in RAM?') },
        { about: t('Clock'), text: t('Requests are refused when the clock of this machine is wrong.') },
      ];
    case 'ROW-D103':
      return [
        {
          about: t('Instance'),
          text: t('Is {0} in the region of this endpoint, spelled so?', destination.instance),
        },
      ];
    case 'ROW-D104':
      return [{ about: 'RAM', text: t('Give the user AliyunOTSFullAccess, or a policy for this instance.') }];
    default:
      return [];
  }
}
