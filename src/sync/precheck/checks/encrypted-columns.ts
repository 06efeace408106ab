import { bad, good, type Check } from '../check.js';

export const encryptedColumns: Check = {
  id: 'encdb',
  severity: 'warning',
  title: 'The database does not encrypt columns (EncDB)',
  expected: 'no EncDB on the source',
  why: 'With the always-confidential database of RDS, Rowferry reads and writes ciphertext.',
  async run(context) {
    const settings = ['loose_encdb', 'encdb', 'encdb_enable'];
    for (const name of settings) {
      const value = await context.variable(name);
      if (value !== undefined && ['ON', '1'].includes(value.toUpperCase())) {
        return bad(
          `${name} = ${value}`,
          'Grant the account plaintext access to the selected columns, or exclude them.',
        );
      }
    }
    return good('off');
  },
};
