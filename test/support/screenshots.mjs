// npm run screenshots [-- --page NAME]… [--theme NAME]… [--language zh-cn] [--out DIR]: pictures of every page in every theme, for the README.
import { build, fail, install } from './prepare.mjs';

try {
  await install();
  await build();
  // Only now are the libraries there that it imports.
  const { screenshots } = await import('./screenshots/main.mjs');
  await screenshots(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  fail(error);
}
