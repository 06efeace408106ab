import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { circles } from './test/support/circles.mjs';
import { floors } from './test/support/floors.mjs';
import { importedStays } from './test/support/imported-stays.mjs';
import { tableNames } from './test/support/table-names.mjs';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'coverage', 'media', '.rowferry', 'test/e2e/workspace'] },
  js.configs.recommended,
  tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'webview/**/*.ts', 'test/**/*.ts'],
    plugins: { house: { rules: { 'imported-stays': importedStays } } },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'house/imported-stays': 'error',
      // A promise that nobody waits for loses its error, and with it a row.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      // Control characters are data here.
      'no-control-regex': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['src/**/*.{ts,mjs}', 'webview/**/*.ts'],
    plugins: { rowferry: { rules: { circles, floors, 'table-names': tableNames } } },
    rules: { 'rowferry/circles': 'error', 'rowferry/floors': 'error', 'rowferry/table-names': 'error' },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        'process console Buffer URL setTimeout clearTimeout setInterval clearInterval performance fetch AbortController AbortSignal require module __dirname __filename'
          .split(' ')
          .map((name) => [name, 'readonly']),
      ),
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
