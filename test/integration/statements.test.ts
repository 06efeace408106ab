import type mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResolvedTask } from '../../src/shared/task.js';
import { startReplica, type Replica } from '../support/replica.js';

/** Statements are read as the server read them: what a table then holds is what a fresh load would write. */
describe.each(['MINIMAL', 'FULL'])('binlog_row_metadata=%s', (metadata) => {
  let replica: Replica;
  let tried = 0;
  let session: mysql.Connection;
  /** Sends characters up to U+00FF as the bytes that they are. */
  let bytes: mysql.Connection;
  beforeAll(async () => {
    replica = await startReplica({ args: [`--binlog-row-metadata=${metadata}`] });
    // Selected beside what is tried, so that the charsets of texts are loaded.
    await replica.mysql.query(`CREATE DATABASE d; CREATE DATABASE other;
      CREATE TABLE d.words (id INT PRIMARY KEY, t TEXT, c VARCHAR(9) CHARACTER SET latin1)`);
  }, 60_000);
  afterAll(() => replica?.close());

  async function running(
    tables: readonly string[],
    more: Record<string, unknown> = {},
  ): Promise<ResolvedTask> {
    session = await replica.mysql.connect({ database: 'd' });
    bytes = await replica.mysql.connect({ database: 'd', charset: 'BINARY' });
    // The driver would follow SET NAMES.
    await bytes.query("SET session_track_system_variables = ''");
    const task = replica.task({
      objects: [
        {
          database: 'd',
          tables: tables.map((name) => ({ name, ...(name === 'words' && { rename: `words_${tried++}` }) })),
        },
      ],
      ...more,
    });
    await replica.start(task);
    await replica.until(task, (s) => s.phase === 'incremental' && s.caughtUp);
    return task;
  }
  /** In step, not loaded again, and equal; then as a task that loads it now has it. */
  async function inStep(task: ResolvedTask): Promise<void> {
    await Promise.all([session.end(), bytes.end()]);
    await replica.caughtUp(task);
    const { tables } = await replica.snapshot(task);
    expect(tables.filter(({ phase }) => phase !== 'incremental')).toEqual([]);
    expect(await replica.verify(task)).toMatchObject({ equal: true });
    await replica.stop(task);
  }

  it('B1: a statement of a database that nobody selected touches nothing', async () => {
    await replica.mysql.query(
      `CREATE TABLE d.a1 (id INT PRIMARY KEY); CREATE TABLE d.a2 (id INT PRIMARY KEY); INSERT INTO d.a1 VALUES (1);
       CREATE TABLE other.y1 (id INT); CREATE TABLE other.y2 (id INT)`,
    );
    const task = await running(['a1', 'a2']);
    await session.query("SET SESSION sql_mode = 'ANSI_QUOTES'; USE other; DROP TABLE y1");
    await session.query('ALTER TABLE y2 RENAME TO "y 3", ADD COLUMN "a1" INT');
    await session.query("SET SESSION sql_mode = ''; USE d; INSERT INTO d.a2 VALUES (2)");
    await inStep(task);
    expect([replica.rows('a1'), replica.rows('a2')]).toEqual([[{ id: 1 }], [{ id: 2 }]]);
  }, 60_000);

  it('B1: nor is anything loaded anew for it, where changes ask for that', async () => {
    await replica.mysql.query(
      `CREATE TABLE d.a3 (id INT PRIMARY KEY); INSERT INTO d.a3 VALUES (1); CREATE TABLE other.y1 (id INT)`,
    );
    const task = await running(['a3'], { ddl: { onChange: 'reload' } });
    // Whatever is loaded anew would lose this row, which the binlog does not know of.
    await replica.mysql.query('SET sql_log_bin = 0; DELETE FROM d.a3; SET sql_log_bin = 1');
    await session.query("SET SESSION sql_mode = 'ANSI_QUOTES'; USE other; DROP TABLE y1; USE d");
    await session.query('INSERT INTO a3 VALUES (2)');
    await Promise.all([session.end(), bytes.end()]);
    await replica.caughtUp(task);
    expect(replica.rows('a3')).toEqual([{ id: 1 }, { id: 2 }]);
    await replica.stop(task);
  }, 60_000);

  it('B2: a backslash in a label is itself where it escapes nothing', async () => {
    await replica.mysql.query('CREATE TABLE d.paths (id INT PRIMARY KEY)');
    const task = await running(['paths', 'words']);
    await session.query(
      String.raw`SET sql_mode='NO_BACKSLASH_ESCAPES'; ALTER TABLE paths ADD COLUMN e ENUM('c:\new','x')`,
    );
    await session.query(String.raw`INSERT INTO paths VALUES (1, 'c:\new')`);
    await inStep(task);
    expect(replica.rows('paths')).toEqual([{ id: 1, e: String.raw`c:\new` }]);
  }, 60_000);

  it('B2: labels are read under the sql_mode of their session', async () => {
    await replica.mysql.query('CREATE TABLE d.labels (id INT PRIMARY KEY)');
    const task = await running(['labels']);
    await session.query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
    await session.query(
      String.raw`ALTER TABLE labels ADD COLUMN e ENUM('c:\new','x'), ADD COLUMN s SET('\','a''b')`,
    );
    await session.query(String.raw`INSERT INTO labels VALUES (1, 'c:\new', '\,a''b')`);
    await session.query("SET sql_mode = ''");
    await session.query(String.raw`ALTER TABLE labels ADD COLUMN f ENUM('c:\\new','\n','\%')`);
    await session.query(
      String.raw`INSERT INTO labels VALUES (2, 'x', '', 'c:\\new'), (3, 'x', '', '\n'), (4, 'x', '', 3)`,
    );
    await inStep(task);
    expect(replica.rows('labels')).toEqual([
      { id: 1, e: String.raw`c:\new`, s: String.raw`\,a'b` },
      { id: 2, e: 'x', s: '', f: String.raw`c:\new` },
      { id: 3, e: 'x', s: '', f: '\n' },
      { id: 4, e: 'x', s: '', f: String.raw`\%` },
    ]);
  }, 60_000);

  // A text that each charset has, with what is special in it.
  const charsets: Record<string, string> = {
    cp850: 'éü╔',
    cp852: 'Łő',
    cp866: 'Жя',
    cp1250: 'Łő',
    cp1251: 'Жя',
    cp1256: 'سلام',
    cp1257: 'Ąž',
    koi8r: 'Жя',
    koi8u: 'Її',
    latin1: 'é€',
    latin2: 'Łő',
    latin5: 'ığ',
    latin7: 'Ąž',
    macce: 'Łő',
    macroman: 'éü',
    dec8: 'éü',
    hp8: 'éü',
    hebrew: 'שלום',
    greek: 'Ωψ',
    armscii8: 'Աբ',
    geostd8: 'აბ',
    keybcs2: 'řů',
    tis620: 'กข',
    sjis: 'ソ表',
    cp932: 'ソ表①',
    ujis: 'ソ表',
    eucjpms: 'ソ表①',
    euckr: '한글',
    gb2312: '中文',
    gbk: '中誠',
    gb18030: '中誠😀',
    big5: '功許',
    utf8mb3: 'é中',
    utf8mb4: 'é中😀',
  };

  it('B3: labels of a client that speaks cp850', async () => {
    await replica.mysql.query('CREATE TABLE d.dos (id INT PRIMARY KEY)');
    const task = await running(['dos', 'words']);
    await bytes.query("SET NAMES cp850; ALTER TABLE dos ADD COLUMN e ENUM('\x82','\x81','b')");
    await session.query("INSERT INTO dos VALUES (1, 'é'), (2, 'ü'), (3, 'b')");
    await inStep(task);
    expect(replica.rows('dos')).toEqual([
      { id: 1, e: 'é' },
      { id: 2, e: 'ü' },
      { id: 3, e: 'b' },
    ]);
  }, 60_000);

  it('B3: the client’s charset, for every charset that the server has', async () => {
    const names = Object.keys(charsets);
    await replica.mysql.query(names.map((name) => `CREATE TABLE d.c_${name} (id INT PRIMARY KEY)`).join(';'));
    const task = await running(['words', ...names.map((name) => `c_${name}`)]);
    for (const name of names) {
      const text = charsets[name]!;
      const [rows] = await session.query(
        `SELECT HEX(CONVERT(? USING ${name})) AS hex, CONVERT(CONVERT(? USING ${name}) USING utf8mb4) = ? AS same`,
        [text, text, text],
      );
      const { hex, same } = (rows as { hex: string; same: number }[])[0]!;
      expect([name, same]).toEqual([name, 1]);
      const label = Buffer.from(hex, 'hex').toString('latin1');
      await bytes.query(`SET NAMES ${name}`);
      await bytes.query(`ALTER TABLE c_${name} ADD COLUMN e ENUM('${label}','b'), ADD COLUMN v INT`);
      await bytes.query(
        `ALTER TABLE c_${name} ADD COLUMN s SET('${label}') CHARACTER SET ${name}, ADD COLUMN t INT`,
      );
      await session.query(`INSERT INTO c_${name} VALUES (1, 1, 1, 1, 1)`);
    }
    await inStep(task);
    for (const name of names)
      expect([name, replica.rows(`c_${name}`)]).toEqual([
        name,
        [{ id: 1, e: charsets[name], v: 1, s: charsets[name], t: 1 }],
      ]);
  }, 120_000);

  it('B3: names of tables and columns', async () => {
    await replica.mysql.query(
      'CREATE TABLE d.`größe` (id INT PRIMARY KEY, `maß` INT); CREATE TABLE d.bystander (id INT PRIMARY KEY)',
    );
    const columns = { maß: { rename: 'mass' } };
    const task = await running([], {
      objects: [
        { database: 'd', tables: [{ name: 'größe', rename: 'groesse', columns }, { name: 'bystander' }] },
      ],
    });
    for (const [charset, encoding] of [
      ['cp850', { ö: 0x94, ß: 0xe1, é: 0x82 }],
      ['latin1', { ö: 0xf6, ß: 0xdf, é: 0xe9 }],
    ] as const) {
      const written = (text: string) =>
        [...text].map((c) => String.fromCharCode(encoding[c as 'é'] ?? c.charCodeAt(0))).join('');
      await bytes.query(`SET NAMES ${charset}`);
      await bytes.query(written(`ALTER TABLE größe ADD COLUMN n_${charset} INT AFTER maß`));
      await session.query(`INSERT INTO größe (id, maß, n_${charset}) VALUES (${encoding.ö}, 1, 2)`);
    }
    await inStep(task);
    expect(replica.rows('groesse')).toEqual([
      { id: 0x94, mass: 1, n_cp850: 2 },
      { id: 0xf6, mass: 1, n_latin1: 2 },
    ]);
  }, 60_000);

  it('B4: a column without a charset, in a table of bytes, is bytes', async () => {
    await replica.mysql.query('CREATE TABLE d.b (id INT PRIMARY KEY) DEFAULT CHARSET=binary');
    const task = await running(['b', 'words']);
    await session.query('ALTER TABLE b ADD COLUMN c VARCHAR(10)');
    await session.query("INSERT INTO b VALUES (1, x'FFFE00')");
    await inStep(task);
    expect(replica.rows('b')).toEqual([{ id: 1, c: '0xfffe00' }]);
  }, 60_000);

  it('B4: a column without a charset gets that of its table', async () => {
    const tables = {
      binary: 'binary',
      latin1: 'latin1',
      cp1251: 'cp1251',
      gbk: 'gbk',
      utf8mb4: 'utf8mb4',
    };
    for (const [name, charset] of Object.entries(tables))
      await replica.mysql.query(`CREATE TABLE d.t_${name} (id INT PRIMARY KEY) DEFAULT CHARSET=${charset}`);
    await replica.mysql.query(
      'CREATE DATABASE greek CHARACTER SET greek; CREATE TABLE greek.g (id INT PRIMARY KEY)',
    );
    const task = await running(['words', ...Object.keys(tables).map((name) => `t_${name}`)]);
    for (const name of Object.keys(tables))
      await session.query(
        `ALTER TABLE t_${name} ADD COLUMN c VARCHAR(10), ADD COLUMN x TEXT, ADD COLUMN k CHAR(3), ADD COLUMN e ENUM('a','b')`,
      );
    await session.query("INSERT INTO t_binary VALUES (1, x'FFFE00', x'FF', x'FE', 'b')");
    await session.query("INSERT INTO t_latin1 VALUES (1, 'é', 'é€', 'é', 'b')");
    await session.query("INSERT INTO t_cp1251 VALUES (1, 'Ж', 'Жя', 'Ж', 'b')");
    await session.query("INSERT INTO t_gbk VALUES (1, '中', '中文', '中', 'b')");
    await session.query("INSERT INTO t_utf8mb4 VALUES (1, '中', '中文', '中', 'b')");
    await session.query('ALTER TABLE t_latin1 DEFAULT CHARSET=cp1251');
    await session.query('ALTER TABLE t_latin1 ADD COLUMN l VARCHAR(9)');
    await session.query("INSERT INTO t_latin1 (id, l) VALUES (2, 'Жя')");
    await inStep(task);
    expect(replica.rows('t_binary')).toEqual([{ id: 1, c: '0xfffe00', x: '0xff', k: '0xfe0000', e: 'b' }]);
    expect(replica.rows('t_latin1')).toEqual([
      { id: 1, c: 'é', x: 'é€', k: 'é', e: 'b' },
      { id: 2, l: 'Жя' },
    ]);
    expect(replica.rows('t_cp1251')).toEqual([{ id: 1, c: 'Ж', x: 'Жя', k: 'Ж', e: 'b' }]);
    expect(replica.rows('t_gbk')).toEqual([{ id: 1, c: '中', x: '中文', k: '中', e: 'b' }]);
  }, 60_000);

  it('B5: a charset that no table had is loaded when it comes', async () => {
    await replica.mysql.query(
      'CREATE TABLE d.c5 (id INT PRIMARY KEY); CREATE TABLE d.cut (id INT PRIMARY KEY)',
    );
    const task = await running(['c5', 'cut'], { ddl: { truncate: 'delete' } });
    await session.query('ALTER TABLE c5 ADD COLUMN name VARCHAR(10) NULL');
    await session.query("INSERT INTO c5 VALUES (1, 'é')");
    await session.query(
      'ALTER TABLE c5 ADD COLUMN big VARCHAR(10) CHARACTER SET big5, ADD COLUMN k VARCHAR(9) CHARACTER SET koi8r',
    );
    await session.query("INSERT INTO c5 VALUES (2, 'é', '功', 'Ж'), (3, NULL, '許', 'я')");
    await session.query('ALTER TABLE cut ADD COLUMN n VARCHAR(10) CHARACTER SET hebrew');
    await session.query('TRUNCATE cut');
    await inStep(task);
    expect(replica.rows('c5')).toEqual([
      { id: 1, name: 'é' },
      { id: 2, name: 'é', big: '功', k: 'Ж' },
      { id: 3, big: '許', k: 'я' },
    ]);
  }, 60_000);
});
