import type { Translate } from '../../shared/format.js';

/** The field that a failed test points at, and what is wrong with it, by the code of the error. Pure. */
export function failedField(code: string, t: Translate): { key: string; message: string } | undefined {
  switch (code) {
    case 'ROW-S101':
      return { key: 'source.host', message: t('MySQL does not answer at this address.') };
    case 'ROW-S102':
      return { key: 'source.password', message: t('MySQL refused this user with this password.') };
    case 'ROW-S103':
      return { key: 'source.user', message: t('This account lacks a privilege.') };
    case 'ROW-S110':
      return { key: 'source.ssl', message: t('The connection could not be encrypted in this mode.') };
    case 'ROW-S115':
      return { key: 'source.ssl', message: t('In this mode nothing proves that it is the right server.') };
    case 'ROW-D101':
      return { key: 'destination.endpoint', message: t('Tablestore does not answer at this address.') };
    case 'ROW-D102':
      return { key: 'destination.accessKeySecret', message: t('Tablestore refused this AccessKey pair.') };
    case 'ROW-D103':
      return { key: 'destination.instance', message: t('There is no such instance at this endpoint.') };
    case 'ROW-D104':
      return { key: 'destination.accessKeyId', message: t('This RAM user lacks a permission.') };
    default:
      return undefined;
  }
}
