import { describe, expect, it } from 'vitest';
import {
  isFamilyOf,
  isMadeBeside,
  isToolName,
  partInChange,
  toolOfNotes,
  triggerFamily,
  triggerTarget,
} from '../../../../src/sync/online-change/names.js';

describe('names of online schema changes, as the tools make them', () => {
  const long = 'a1234567890123456789012345678901234567890123456789012345678901'; // 62
  // github/gh-ost, go/base/context_test.go
  const longest = 'a123456789012345678901234567890123456789012345678901234567890123';

  it.each([
    ['_t_gho', 't'],
    ['_t_del', 't'],
    ['_t_20130203195400_del', 't'],
    ['_t_rev_del', 't'],
    ['_t_new', 't'],
    ['___t_new', 't'],
    ['__t_new', '_t'],
    ['__t_old', 't'],
    ['_T_GHO', 't'],
    ['_a1234567890123456789012345678901234567890123456789012345678_gho', longest],
    ['_a1234567890123456789012345678901234567890123_20130203195400_del', longest],
    [`_${long}_new`.slice(0, 64), long],
    [`__${long}_old`.slice(0, 64), long],
  ])('%s may be made beside %s', (name, original) => {
    expect([isToolName(name), isMadeBeside(name, original, false)]).toEqual([true, true]);
  });

  it.each([
    ['_t_new', 'other'],
    ['_t_news', 't'],
    ['t_new', 't'],
    ['_t', 't'],
    ['_new', 'new'],
    ['_T_gho', 't'],
  ])('%s is not made beside %s', (name, original) => {
    expect(isToolName(name) && isMadeBeside(name, original, true)).toBe(false);
  });

  it('the notes of a tool are known by their columns', () => {
    expect(toolOfNotes('_t_ghc', ['id', 'last_update', 'hint', 'value'])).toBe('gh-ost');
    expect(toolOfNotes('_t_ghk', ['gh_ost_chk_id', 'gh_ost_chk_iteration'])).toBe('gh-ost');
    expect(toolOfNotes('_t_chkpnt', ['id', 'copier_watermark', 'binlog_name'])).toBe('Spirit');
    expect(toolOfNotes('_t_ghc', ['id', 'hint'])).toBe(null);
    expect(toolOfNotes('t_ghc', ['id', 'last_update', 'hint', 'value'])).toBe(null);
  });

  it('notes prove the tables of their own change alone', () => {
    const part = (table: string, tool: 'gh-ost' | 'Spirit', notes: string) =>
      partInChange(table, tool, notes, true);
    expect(part('_t_gho', 'gh-ost', '_t_ghc')).toBe('copy');
    expect(part('_t_20240101120000_del', 'gh-ost', '_t_ghc')).toBe('old');
    expect(part('_a1234567890123456789012345678901234567890123_20130203195400_del', 'gh-ost',
      '_a1234567890123456789012345678901234567890123456789012345678_ghc')).toBe('old'); // prettier-ignore
    expect(part('_t_new', 'Spirit', '_t_chkpnt')).toBe('copy');
    expect(part('_t_new', 'gh-ost', '_t_ghc')).toBe(null);
    expect(part('_u_gho', 'gh-ost', '_t_ghc')).toBe(null);
    expect(part('_T_gho', 'gh-ost', '_t_ghc')).toBe(null);
  });

  it('triggers of pt-online-schema-change say which table they were made for, and where they write', () => {
    const family = triggerFamily('pt_osc_my_db_my_t_ins')!;
    expect(family).toBe('pt_osc_my_db_my_t');
    expect(triggerFamily('rt_pt_osc_d_t_upd')).toBe('rt_pt_osc_d_t');
    expect([triggerFamily('audit_ins'), triggerFamily('pt_osc_d_t')]).toEqual([null, null]);
    expect(isFamilyOf(family, 'my-db', 'my t')).toBe(true);
    expect(isFamilyOf(family, 'my-db', '_my t_old')).toBe(false);
    expect(isFamilyOf(`pt_osc_d_${long}`.slice(0, 60), 'd', long)).toBe(true);
    expect(
      triggerTarget('BEGIN DECLARE CONTINUE HANDLER FOR 1146 begin end; REPLACE INTO `a``b`.`_t_new` (`id`)'),
    ).toEqual({ database: 'a`b', name: '_t_new' });
    expect(triggerTarget('DELETE IGNORE FROM `d`.`_t_new` WHERE 1')).toEqual({
      database: 'd',
      name: '_t_new',
    });
    expect(triggerTarget("SET NEW.a = 'x'")).toBe(null);
  });
});
