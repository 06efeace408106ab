import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2';
import { RowferryError } from '../shared/errors.js';
import { said } from '../shared/said.js';
import { boundAnswers } from './answer-bounds.js';
import { sourceError } from './errors.js';

/** A session of ours that ended a moment ago may still count: the server is asked again after so long, ms. */
const roomPausesMillis = [50, 200];
const accessDenied = 1045;

/** A session on one server. Throws what sourceError() makes of the refusal, with the reason where it can be known. */
export async function logIn(options: mysql.ConnectionOptions, address: string): Promise<mysql.Connection> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await open(options);
    } catch (refusal) {
      const error = sourceError(refusal, 'connect', address);
      const pause = roomPausesMillis[attempt];
      if (error.code !== 'ROW-S114' || pause === undefined) throw await explained(error, options, address);
      await delay(pause);
    }
  }
}

async function open(options: mysql.ConnectionOptions): Promise<mysql.Connection> {
  const connection = mysql.createConnection(options);
  boundAnswers(connection);
  try {
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => (error ? reject(error as Error) : resolve()));
    });
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/**
 * To a wrong password and to a login without the TLS or the certificate that the account requires, the server gives the
 * same answer. But it checks the password first, and remembers a right one: then caching_sha2_password says so in the
 * next login, before the answer.
 */
async function explained(
  error: RowferryError,
  options: mysql.ConnectionOptions,
  address: string,
): Promise<RowferryError> {
  if ((error.cause as { errno?: number } | undefined)?.errno !== accessDenied) return error;
  if (!(await isPasswordRight(options))) return error;
  const answer = said((error.cause as Error).message);
  const { ssl } = options;
  if (typeof ssl !== 'object')
    return new RowferryError(
      'ROW-S110',
      `MySQL at ${address} refused the unencrypted login although the password is correct: ${answer}`,
      {
        cause: error.cause,
        remedy:
          'The account requires TLS. Set source.ssl to "required" or stricter. For REQUIRE X509, ISSUER or SUBJECT, also set source.certFile and source.keyFile.',
      },
    );
  const hasCertificate = ssl.cert !== undefined;
  return new RowferryError(
    'ROW-S110',
    `MySQL at ${address} refused the login ${hasCertificate ? 'with this' : 'without a'} client certificate although the password is correct: ${answer}`,
    {
      cause: error.cause,
      remedy: hasCertificate
        ? 'The account requires another certificate or cipher; SHOW CREATE USER shows which. Set source.certFile and source.keyFile.'
        : 'The account requires a certificate (REQUIRE X509, ISSUER or SUBJECT). Set source.certFile and source.keyFile.',
    },
  );
}

const passwordTaken = 3;

async function isPasswordRight(options: mysql.ConnectionOptions): Promise<boolean> {
  let isRight = false;
  const plugin = options.authPlugins!['caching_sha2_password']!;
  try {
    const connection = await open({
      ...options,
      authPlugins: {
        ...options.authPlugins,
        caching_sha2_password: (metadata) => {
          const answer = plugin(metadata);
          return (data) => {
            if (data.length === 1 && data[0] === passwordTaken) isRight = true;
            return answer(data);
          };
        },
      },
    });
    connection.destroy();
  } catch {
    // Refused again, as expected.
  }
  return isRight;
}
