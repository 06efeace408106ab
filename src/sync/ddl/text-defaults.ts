import type { StatementContext } from '../../mysql/model.js';

/**
 * Charset and collation of a table, for text columns that name none. null: not known, as of records that an earlier
 * version stored.
 */
export interface TextDefaults {
  readonly charset: string | null;
  readonly collation: string | null;
}

export const unknownTextDefaults: TextDefaults = { charset: null, collation: null };

/** The default collation of a table, as INFORMATION_SCHEMA has it. */
export function textDefaultsOf(collation: string | null | undefined): TextDefaults {
  return collation ? { charset: charsetOfCollation(collation), collation } : unknownTextDefaults;
}

/** Collations of charsets named alone (MySQL manual, “Supported Character Sets and Collations”). */
const defaultCollations: Record<string, string> = {
  armscii8: 'armscii8_general_ci',
  ascii: 'ascii_general_ci',
  big5: 'big5_chinese_ci',
  binary: 'binary',
  cp1250: 'cp1250_general_ci',
  cp1251: 'cp1251_general_ci',
  cp1256: 'cp1256_general_ci',
  cp1257: 'cp1257_general_ci',
  cp850: 'cp850_general_ci',
  cp852: 'cp852_general_ci',
  cp866: 'cp866_general_ci',
  cp932: 'cp932_japanese_ci',
  dec8: 'dec8_swedish_ci',
  eucjpms: 'eucjpms_japanese_ci',
  euckr: 'euckr_korean_ci',
  gb18030: 'gb18030_chinese_ci',
  gb2312: 'gb2312_chinese_ci',
  gbk: 'gbk_chinese_ci',
  geostd8: 'geostd8_general_ci',
  greek: 'greek_general_ci',
  hebrew: 'hebrew_general_ci',
  hp8: 'hp8_english_ci',
  keybcs2: 'keybcs2_general_ci',
  koi8r: 'koi8r_general_ci',
  koi8u: 'koi8u_general_ci',
  latin1: 'latin1_swedish_ci',
  latin2: 'latin2_general_ci',
  latin5: 'latin5_turkish_ci',
  latin7: 'latin7_general_ci',
  macce: 'macce_general_ci',
  macroman: 'macroman_general_ci',
  sjis: 'sjis_japanese_ci',
  swe7: 'swe7_swedish_ci',
  tis620: 'tis620_thai_ci',
  ucs2: 'ucs2_general_ci',
  ujis: 'ujis_japanese_ci',
  utf16: 'utf16_general_ci',
  utf16le: 'utf16le_general_ci',
  utf32: 'utf32_general_ci',
  utf8mb3: 'utf8mb3_general_ci',
};

/** The one id that the default collation of utf8mb4 may have besides that of utf8mb4_0900_ai_ci. */
const utf8mb4GeneralId = 45;

/** The default collation of a charset; null where it is not known. */
export function collationOf(charset: string, context: StatementContext): string | null {
  if (charset !== 'utf8mb4') return defaultCollations[charset] ?? null;
  return context.defaultCollationForUtf8mb4 === utf8mb4GeneralId
    ? 'utf8mb4_general_ci'
    : 'utf8mb4_0900_ai_ci';
}

export function canonicalCharset(name: string): string {
  const charset = name.toLowerCase();
  return charset === 'utf8' ? 'utf8mb3' : charset;
}

export function canonicalCollation(name: string): string {
  return name.toLowerCase().replace(/^utf8_/, 'utf8mb3_');
}

/** A collation begins with the name of its charset. */
export function charsetOfCollation(collation: string): string {
  return canonicalCharset(collation.split('_')[0]!);
}
