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
                text: t('{0} is the remote machine here, not your local one.', source.host),
              },
            ]
          : []),
        {
          about: t('Port'),
          text: local
            ? t('Check that MySQL is running on this machine on port {0}.', source.port)
            : t(
                'Check that MySQL listens on port {0} and not only on 127.0.0.1 (bind_address).',
                source.port,
              ),
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
                  'Internal addresses of Alibaba Cloud are reachable only inside their VPC. Elsewhere, use the public address.',
                ),
              },
            ]),
      ];
    case 'ROW-S102':
      return [
        { about: t('Account'), text: t('Check the user and the password. Both are case-sensitive.') },
        {
          about: t('Host'),
          text: t(
            "A MySQL account includes a host: 'user'@'%' can connect from anywhere, 'user'@'localhost' cannot.",
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
        source.ssl === 'disabled' || source.ssl === 'preferred'
          ? { about: 'TLS', text: t('The server requires TLS. Turn it on in the settings.') }
          : {
              about: 'TLS',
              text: t(
                'Check that the server supports TLS. If it does not, turn TLS off only in a network that you trust.',
              ),
            },
        ...(source.ssl === 'verify-ca' || source.ssl === 'verify-identity'
          ? [
              {
                about: t('CA file'),
                text: t('Check that this CA signed the certificate of the server and has not expired.'),
              },
            ]
          : []),
        ...(source.ssl === 'verify-identity'
          ? [
              {
                about: t('Host'),
                text: t(
                  'The certificate must name {0}. Otherwise, verify only the certificate authority.',
                  source.host,
                ),
              },
            ]
          : []),
      ];
    case 'ROW-S115':
      return [
        {
          about: t('Identity'),
          text: t(
            'Choose TLS that checks authority and host name, with the CA file of the server. RDS, PolarDB and Aurora offer theirs for download.',
          ),
        },
        {
          about: 'TLS',
          text: t(
            'In a network that you trust, choose TLS: the password is then encrypted, but anyone could answer.',
          ),
        },
      ];
    default:
      return [];
  }
}

function destinationAdvice(code: string, destination: DestinationSettings, t: Translate): Advice[] {
  switch (code) {
    case 'ROW-D101':
      return [
        { about: t('Endpoint'), text: t('Check the spelling: {0}', destination.endpoint) },
        {
          about: t('Network'),
          text: t(
            'VPC and internal endpoints are reachable only from their network. Elsewhere, use the public endpoint.',
          ),
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
        { about: 'AccessKey', text: t('Check that the AccessKey pair is complete and enabled in RAM.') },
        {
          about: t('Clock'),
          text: t('Check the clock of this machine. Tablestore rejects requests when it is wrong.'),
        },
      ];
    case 'ROW-D103':
      return [
        {
          about: t('Instance'),
          text: t(
            'Check that {0} is spelled correctly and is in the region of this endpoint.',
            destination.instance,
          ),
        },
      ];
    case 'ROW-D104':
      return [
        { about: 'RAM', text: t('Grant the user AliyunOTSFullAccess, or a policy for this instance.') },
      ];
    default:
      return [];
  }
}
